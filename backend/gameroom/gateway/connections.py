"""Every authenticated connection of this node, by user: for limits, revocations and the drain."""

import asyncio

from gameroom.clock import Millis
from gameroom.gateway import closing
from gameroom.gateway.connection import Connection
from gameroom.gateway.environment import Environment
from gameroom.gateway.wire import Wire
from gameroom.identity.access import Principal
from gameroom.identity.revocations import Revocation
from gameroom.protocol.answers import ServerDraining
from gameroom.protocol.codec import frame_of
from gameroom.protocol.commands import JoinRoom
from gameroom.protocol.frames import Frame
from gameroom.protocol.views import User

DRAIN_BATCH = 100
DRAIN_PAUSE_S = 0.1
"""So many connections are sent away at a time, with such a pause between: else all come back at once elsewhere."""


class Connections:
    """Knows each connection from its authentication to its end."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._by_user: dict[str, list[Connection]] = {}
        self._farewell: Frame | None = None

    @property
    def open_now(self) -> int:
        """How many have their handshake behind them, and their end not."""
        return sum(connection.is_open for mine in self._by_user.values() for connection in mine)

    @property
    def draining(self) -> bool:
        return self._farewell is not None

    def admit(self, principal: Principal, wire: Wire, join: JoinRoom | None) -> Connection:
        """A connection for a user who was identified just now; from now on it hears of revocations."""
        bound_to = join.room_id if join else None
        connection = Connection(principal, wire, self._environment, bound_to, self._ended)
        self._by_user.setdefault(principal.user.user_id, []).append(connection)
        return connection

    def open(self, connection: Connection) -> None:
        """Its wire is open. Where its user has too many open now, those opened first go."""
        connection.opened()
        if connection.is_open:
            mine = self._by_user[connection.sender.user_id]
            mine.remove(connection)
            mine.append(connection)
            self._cut_oldest(mine)
        if self._farewell is not None:
            _send_away(connection, self._farewell)

    def _cut_oldest(self, mine: list[Connection]) -> None:
        now_open = [connection for connection in mine if connection.is_open]
        for oldest in now_open[: -self._environment.policy.connections_per_user]:
            oldest.end(closing.OLDEST)

    def revoked(self, revocation: Revocation) -> None:
        """Implements `identity.revocations.Watcher`: a sign-in has ended, and with it its connections."""
        self._environment.revocations.add(revocation.sign_in_id, revocation)
        for connection in tuple(self._by_user.get(revocation.user_id, ())):
            if connection.principal.sign_in_id == revocation.sign_in_id:
                connection.end(closing.closing_of(revocation))

    def changed(self, user: User) -> None:
        """With `deleted` implements `identity.news.Reader`: no connection shows a former name or picture."""
        self._environment.news.add(user.user_id, user)
        for connection in self._by_user.get(user.user_id, ()):
            connection.changed(user)

    def deleted(self, user_id: str) -> None:
        """The connections of the user end before any room can hear from them again."""
        self._environment.news.add(user_id, None)
        for connection in tuple(self._by_user.get(user_id, ())):
            connection.end(closing.ACCOUNT_GONE)

    def _ended(self, connection: Connection) -> None:
        user_id = connection.sender.user_id
        mine = self._by_user[user_id]
        mine.remove(connection)
        if not mine:
            del self._by_user[user_id]

    async def drain(self, reconnect_after_ms: Millis) -> None:
        """Refuse handshakes from now on, and send every connection away, a batch at a time."""
        self._farewell = frame_of(ServerDraining(reconnect_after_ms))
        waiting = [connection for mine in self._by_user.values() for connection in mine if connection.is_open]
        for start in range(0, len(waiting), DRAIN_BATCH):
            for connection in waiting[start : start + DRAIN_BATCH]:
                _send_away(connection, self._farewell)
            await asyncio.sleep(DRAIN_PAUSE_S)


def _send_away(connection: Connection, farewell: Frame) -> None:
    connection.send(farewell)
    connection.end(closing.DRAINING)
