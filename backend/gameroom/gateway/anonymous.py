"""An accepted socket whose user is not known yet: the first frame has to say."""

import logging
from asyncio import TimerHandle, get_running_loop

from gameroom.errors import GameroomError, MessageTooBig, Unauthenticated
from gameroom.gateway import closing
from gameroom.gateway.asked import Failure
from gameroom.gateway.closing import Closing
from gameroom.gateway.connection import Connection
from gameroom.gateway.connections import Connections
from gameroom.gateway.environment import Environment
from gameroom.gateway.handshake import BearerCredential
from gameroom.gateway.heartbeat import BARE_PING
from gameroom.gateway.limits import Flooded
from gameroom.gateway.wire import Wire
from gameroom.protocol.answers import Authenticated
from gameroom.protocol.codec import CommandRefused, encode, reply_frame
from gameroom.protocol.commands import Authenticate, JoinRoom

logger = logging.getLogger(__name__)

MAX_EARLY_FRAMES = 32
"""Frames that may wait behind an AUTHENTICATE that is not answered yet."""


class AnonymousConnection:
    """Implements `Receiver`: takes one AUTHENTICATE, then passes everything on to the `Connection` that it became.

    `join`: what a room-bound socket does as soon as the user is known.
    """

    def __init__(
        self, wire: Wire, environment: Environment, connections: Connections, join: JoinRoom | None
    ) -> None:
        self._wire = wire
        self._environment = environment
        self._connections = connections
        self._join = join
        self._limit = environment.new_frame_limit()
        self._timer: TimerHandle | None = None
        self._early: list[str | bytes] | None = None
        self._connection: Connection | None = None
        self._over = False

    def opened(self) -> None:
        """The wire is open: the time for the first frame begins to run."""
        self._timer = get_running_loop().call_later(
            self._environment.policy.first_frame_timeout_s, self._too_late
        )

    # --- frames -----------------------------------------------------------------------------------------------

    def text(self, frame: str) -> None:
        if self._connection is not None:
            self._connection.text(frame)
        elif frame == BARE_PING:
            self._count()
            self._wire.send_pong()
        else:
            self._take(frame)

    def binary(self, frame: bytes) -> None:
        if self._connection is not None:
            self._connection.binary(frame)
        else:
            self._take(frame)

    def pong(self) -> None:
        if self._connection is not None:
            self._connection.pong()
        else:
            self._count()

    def oversized(self) -> None:
        if self._connection is not None:
            self._connection.oversized()
        else:
            self._end(closing.closing_for(MessageTooBig(self._environment.policy.max_message_bytes)))

    def closed(self, code: int) -> None:
        self._finish()
        if self._connection is not None:
            self._connection.closed(code)

    def _count(self) -> None:
        """Count what needs no user to be answered. (Of all else there can only be `MAX_EARLY_FRAMES`.)"""
        try:
            self._limit.take()
        except Flooded:
            self._end(closing.FLOODED)

    # --- from the first frame to a connection -----------------------------------------------------------------

    def _take(self, frame: str | bytes) -> None:
        """The first frame, or one that came before that is decided."""
        if self._over:
            return
        if self._early is None:
            self._first(frame)
        elif len(self._early) < MAX_EARLY_FRAMES:
            self._early.append(frame)
        else:
            self._end(closing.FLOODED)

    def _first(self, frame: str | bytes) -> None:
        try:
            command = self._wire.read(frame)
        except CommandRefused as refused:
            self._end(_not_authenticate(f": {refused.error.message}"))
            return
        if not isinstance(command, Authenticate):
            self._end(_not_authenticate(""))
            return
        self._early = []
        self._stop_timer()
        self._environment.tasks.spawn(self._authenticate(command))

    async def _authenticate(self, command: Authenticate) -> None:
        try:
            principal = await self._environment.identify(BearerCredential(command.access_token))
        except GameroomError as error:
            self._end(closing.closing_for(error))
            return
        except Exception:  # a bug met here must not leave the client waiting in silence
            logger.exception("a first frame failed")
            self._end(closing.INTERNAL)
            return
        if not self._over:
            self._become(self._connections.admit(principal, self._wire, self._join), command)

    def _become(self, connection: Connection, command: Authenticate) -> None:
        connection.welcome()
        if command.ack:
            data = Authenticated(self._environment.seconds_left(connection.principal))
            connection.send(reply_frame(command, encode(data)))
        self._connections.open(connection)
        self._connection = connection
        if self._join is not None:
            connection.enter(self._join, self._entered)
        for frame in self._early or ():
            self._pass_on(frame)

    def _pass_on(self, frame: str | bytes) -> None:
        if isinstance(frame, str):
            self.text(frame)
        else:
            self.binary(frame)

    def _entered(self, failure: Failure | None) -> None:
        if isinstance(failure, GameroomError) and self._connection is not None:
            self._connection.end(closing.closing_for(failure))

    # --- the end ----------------------------------------------------------------------------------------------

    def _too_late(self) -> None:
        self._end(closing.closing_for(Unauthenticated("No AUTHENTICATE came in time")))

    def _end(self, why: Closing) -> None:
        if not self._over:
            self._wire.end(why)
            self._finish()

    def _finish(self) -> None:
        self._over = True
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _not_authenticate(why: str) -> Closing:
    return closing.closing_for(Unauthenticated(f"The first frame must be AUTHENTICATE{why}"))
