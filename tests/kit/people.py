"""The people of one test: guests who sign in and sit down at sockets, verified and sent home at its end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any
from urllib.parse import quote, urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.kit.api import Account, Api, bearer
from tests.kit.encoding import Encoding
from tests.kit.player import DEADLINE, Binding, Disconnected, Player
from tests.kit.room_copy import RoomCopy
from tests.kit.server import Server
from tests.kit.ways import PLAIN, Door, Way
from tests.kit.wire import Json, Refused, problem, require

JSON_V1, MSGPACK_V1 = Encoding.JSON.value, Encoding.MSGPACK.value


def room_path(room_id: str) -> str:
    """The address of the socket that is bound to a room."""
    return f"/ws/game-room-groups/{quote(room_id)}"


class By(Enum):
    """The four ways to say who you are, and none."""

    HEADER = "Authorization"
    SUBPROTOCOL = "Sec-WebSocket-Protocol"
    TICKET = "ticket"
    FIRST_FRAME = "AUTHENTICATE"
    NOTHING = "nothing"


async def open_socket(
    url: str, *, headers: dict[str, str] | None = None, subprotocols: list[str] | None = None
) -> ClientConnection:
    """A bare WebSocket, which the caller closes. Raises `Refused` with the problem of a refused handshake."""
    try:
        return await connect(
            url,
            additional_headers=headers,
            subprotocols=[Subprotocol(name) for name in subprotocols] if subprotocols else None,
            compression=None,
            proxy=None,
            open_timeout=DEADLINE,
            close_timeout=5,
            ping_interval=None,
            max_size=2 << 20,
            max_queue=None,
        )
    except InvalidStatus as refusal:
        raise _refused(refusal) from None


def _refused(refusal: InvalidStatus) -> Refused:
    response = refusal.response
    kind = response.headers.get("content-type", "").split(";")[0]
    require(kind == "application/problem+json", f"a handshake refused without problem+json: {response}")
    body = json.loads(response.body or b"{}")
    problem("problem", body)
    require(body["status"] == response.status_code, f"the problem says another status: {body!r}")
    return Refused(body, status=response.status_code, headers=dict(response.headers.raw_items()))


class People:
    """Owns an `Api` and every connection that it opens; `close` ends them. All come by the same way."""

    def __init__(self, server: Server, way: Way = PLAIN) -> None:
        self.server = server
        self.way = way
        self.api = Api(server.url)
        self._players: list[Player] = []

    # --- signing in -------------------------------------------------------------------------------------------

    async def guest(self, name: str = "Guest") -> Account:
        return await self.api.guest(name)

    async def guests(self, *names: str) -> list[Account]:
        return [await self.api.guest(name) for name in names]

    # --- sitting down -----------------------------------------------------------------------------------------

    async def connect(self, account: Account, by: By = By.HEADER, path: str = "/ws", **query: Any) -> Player:
        """A connection that has had its WELCOME. Raises `Refused` if the handshake is refused."""
        player = await self._open(account, by, path, query)
        require(player.subprotocol in (None, self.way.encoding.value), f"agreed on {player.subprotocol}")
        if by is By.FIRST_FRAME:
            await player.ask("AUTHENTICATE", access_token=account.access_token)
        if by is not By.NOTHING:
            await player.welcomed()
        return player

    async def newcomer(self, name: str = "Guest") -> Player:
        """A new guest, connected."""
        return await self.connect(await self.guest(name))

    async def newcomers(self, *names: str) -> list[Player]:
        return [await self.newcomer(name) for name in names]

    async def enter(self, account: Account, room_id: str, by: By = By.HEADER, **query: Any) -> Player:
        """A room-bound connection, and the REPLY to its automatic JOIN taken."""
        player = await self.connect(account, by, room_path(room_id), **query)
        await player.joined()
        return player

    async def resume_bound(self, account: Account, copy: RoomCopy) -> Player:
        """A room-bound connection that resumes from a copy by its query; the REPLY is still to be taken."""
        epoch, seq = copy.position
        connection = await self._bound_socket(account, copy.room_id, {"resume": {"epoch": epoch, "seq": seq}})
        return self._watched(Player(connection, copy.clone()))

    async def return_to(self, account: Account, copy: RoomCopy) -> Player:
        """A fresh connection on `/ws` that resumes the room of a copy; whether it could is asserted."""
        player = await self.connect(account)
        reply = await player.resume(copy)
        assert reply.data["resumed"] is True
        return player

    async def knock(self, path: str = "/ws", **options: Any) -> Player:
        """A handshake exactly as the options of `open_socket` say; awaits no WELCOME."""
        return self._watched(Player(await open_socket(f"{self.server.ws_url}{path}", **options)))

    async def _open(self, account: Account, by: By, path: str, query: dict[str, Any]) -> Player:
        if by is By.TICKET:
            query = {**query, "ticket": await self.api.ticket(account)}
        offered = self._offered
        if by is By.SUBPROTOCOL:
            offered = [self.way.encoding.value, f"bearer.{account.access_token}"]
        headers = bearer(account.access_token) if by is By.HEADER else None
        target = f"{path}?{urlencode(query)}" if query else path
        connection = await open_socket(f"{self.server.ws_url}{target}", headers=headers, subprotocols=offered)
        return self._watched(Player(connection, bind=self._binding_of(account)))

    @property
    def _offered(self) -> list[str] | None:
        """JSON is spoken also where nothing is offered; that is how most clients come."""
        return None if self.way.encoding is Encoding.JSON else [self.way.encoding.value]

    def _binding_of(self, account: Account) -> Binding | None:
        if self.way.door is Door.ANY_ROOM:
            return None
        return lambda room_id, join: self._bound_socket(account, room_id, join)

    async def _bound_socket(self, account: Account, room_id: str, join: Json) -> ClientConnection:
        """A bare room-bound WebSocket, whose query says the fields of JOIN."""
        wishes = {name: value for name, value in join.items() if name != "resume"}
        query = urlencode({**wishes, **join.get("resume", {})})
        return await open_socket(
            f"{self.server.ws_url}{room_path(room_id)}?{query}",
            headers=bearer(account.access_token),
            subprotocols=self._offered,
        )

    def _watched(self, player: Player) -> Player:
        self._players.append(player)
        return player

    # --- the end of the test ----------------------------------------------------------------------------------

    async def verify(self) -> None:
        """Every copy of everyone still connected equals a fresh view, and no secret stands in the server's log."""
        for player in self._players:
            if player.lost is None:
                await _verify(player)
        log = self.server.log
        told = [secret for secret in self.api.secrets if secret in log]
        require(not told, f"{len(told)} tokens or tickets stand in the server's log")

    async def close(self) -> None:
        """Close all connections; raises the first broken rule that nobody has noticed."""
        closing = [asyncio.create_task(player.close()) for player in self._players]
        results = await asyncio.gather(*closing, return_exceptions=True)
        await self.api.close()
        for result in results:
            if isinstance(result, BaseException):
                raise result


async def _verify(player: Player) -> None:
    """A socket that the server has begun to close, as after leaving the room that it is for, need not answer."""
    try:
        await player.verify()
    except Disconnected as gone:
        require(gone.code != 1006, f"a connection was lost: {gone}")


@asynccontextmanager
async def gathering(server: Server, way: Way = PLAIN) -> AsyncIterator[People]:
    """The people of one test at one server. When the test went well they verify, and always they go home."""
    people = People(server, way)
    try:
        yield people
        await people.verify()
    finally:
        await people.close()
