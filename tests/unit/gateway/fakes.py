"""A gateway on the workbench: everything around it scripted, time stands still unless moved."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gameroom.bus.bus import Delivery, Receive, Share, Subscription
from gameroom.bus.local import LocalBus
from gameroom.errors import GameroomError, Unauthenticated
from gameroom.games.registry import Games, load_game
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.gateway.connection import Connection
from gameroom.gateway.connections import Connections
from gameroom.gateway.environment import Environment
from gameroom.gateway.hub import Hub
from gameroom.gateway.lobby import Lobby
from gameroom.gateway.policy import GatewayPolicy
from gameroom.gateway.recent import Recent
from gameroom.gateway.traffic import Traffic
from gameroom.gateway.wire import new_wire
from gameroom.identity.access import Principal
from gameroom.identity.revocations import Revocation, Why
from gameroom.protocol.answers import DetachReason
from gameroom.protocol.commands import JoinRoom
from gameroom.protocol.frames import Frame as SharedFrame
from gameroom.protocol.views import RoomSummary, User
from gameroom.rooms.directory import Place, Wanted
from gameroom.rooms.room_passwords import RoomPasswords
from gameroom.rooms.rooms import Answer, Card, Request, Tell
from gameroom.tasks import Tasks

Frame = dict[str, Any]
GAMES = Games([load_game(Relay), load_game(TicTacToe)])
PATIENCE_S = 5.0
"""How long a test waits for what must come."""


class FakeClock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def now(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return (self.ms - 1_800_000_000_000) / 1000


class FakeSocket:
    """Implements `Socket`; keeps what was sent: `sent` in text messages, `sent_binary` in binary ones."""

    def __init__(self, hears_pongs: bool = True) -> None:
        self._hears_pongs = hears_pongs
        self.sent: list[bytes] = []
        self.sent_binary: list[bytes] = []
        self.pings = 0
        self.closed: tuple[int, str] | None = None
        self.closing = asyncio.Event()
        self._arrived = asyncio.Event()

    def send_text(self, frame: SharedFrame) -> None:
        if self.closed is None:
            self.sent.append(frame.json)
            self._arrived.set()

    def send_binary(self, frame: SharedFrame) -> None:
        if self.closed is None:
            self.sent_binary.append(frame.packed)

    def ping(self) -> None:
        self.pings += 1

    def close(self, code: int, reason: str) -> None:
        self.closed = self.closed or (code, reason)
        self.closing.set()

    @property
    def hears_pongs(self) -> bool:
        return self._hears_pongs

    @property
    def frames(self) -> list[Frame]:
        return [json.loads(frame) for frame in self.sent]

    def take(self) -> list[Frame]:
        """What was sent since the last call."""
        frames = self.frames
        self.sent.clear()
        return frames

    async def hears(self, count: int = 1) -> None:
        """Until so many frames were sent and not taken."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.sent) < count:
                self._arrived.clear()
                await self._arrived.wait()

    def story(self) -> list[str]:
        """What was sent since the last call, in brief: types, with the seq or what else matters."""
        return [_brief(frame) for frame in self.take()]


def _brief(frame: Frame) -> str:
    detail = frame.get("seq", frame.get("code", frame.get("reason", "")))
    return f"{frame['type']} {detail}".strip()


@dataclass
class Pending:
    """A request that a room has and the test answers."""

    request: Request
    tell: Tell

    def answer(
        self,
        seq: int,
        data: object = None,
        *,
        epoch: int = 0,
        repeated: bool = False,
        room_id: str | None = None,
        missed: tuple[bytes, ...] = (),
    ) -> None:
        self.tell(
            Answer(
                room_id=room_id or self.request.room_id,
                epoch=epoch,
                seq=seq,
                data=json.dumps(data or {}).encode(),
                repeated=repeated,
                missed=missed,
            )
        )

    def refuse(self, error: GameroomError) -> None:
        self.tell(error)


class ScriptedRooms:
    """Implements `Rooms`: records what is asked, and answers when the test says so."""

    def __init__(self) -> None:
        self.pending: asyncio.Queue[Pending] = asyncio.Queue()
        self.detached: list[tuple[str, str, str]] = []
        self.codes: dict[str, str] = {}
        self.at_once: Callable[[Request], GameroomError | None] = lambda _: None

    def submit(self, request: Request, tell: Tell) -> None:
        if error := self.at_once(request):
            tell(error)
        else:
            self.pending.put_nowait(Pending(request, tell))

    def detach(self, room_id: str, user_id: str, connection_id: str) -> None:
        self.detached.append((room_id, user_id, connection_id))

    def card_changed(self, user_id: str, card: Card) -> None:
        """News are identity's; the gateway never has any."""

    def account_deleted(self, user_id: str) -> None:
        """Nor these."""

    async def room_of_code(self, invite_code: str) -> str | None:
        await asyncio.sleep(0)
        return self.codes.get(invite_code)

    async def rooms_of(self, user_id: str) -> list[str]:
        return []

    async def summary(self, room_id: str) -> RoomSummary | None:
        return None

    async def next(self) -> Pending:
        """The next request, as soon as it is there."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.pending.get()

    @property
    def asked_nothing(self) -> bool:
        return self.pending.empty()


class ScriptedDirectory:
    """Implements `Directory`: shows, game by game, what the test puts there; counts how often it is asked."""

    def __init__(self) -> None:
        self.shown: dict[str | None, list[RoomSummary]] = {}
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: Counter[str | None] = Counter()
        self._looked = asyncio.Condition()

    async def newest(self, wanted: Wanted, limit: int, after: Place | None = None) -> list[RoomSummary]:
        async with self._looked:
            self.asked[wanted.game] += 1
            self._looked.notify_all()
        rooms = self.shown.get(wanted.game, [])[:limit]
        await self.gate.wait()
        if self.error:
            raise self.error
        return rooms

    async def looks(self, more: int, game: str | None = None) -> None:
        """Until it was asked so many times more."""
        target = self.asked[game] + more
        async with asyncio.timeout(PATIENCE_S), self._looked:
            await self._looked.wait_for(lambda: self.asked[game] >= target)


class FakeAccess:
    """Implements `environment.Access`: knows the tokens that a test has issued."""

    def __init__(self) -> None:
        self.tokens: dict[str, Principal | GameroomError] = {}
        self.tickets: dict[str, Principal] = {}
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def authenticate(self, access_token: str) -> Principal:
        self.asked.set()
        await self.gate.wait()
        found = self.tokens.get(access_token) or Unauthenticated("The token is not valid")
        if isinstance(found, GameroomError):
            raise found
        return found

    async def redeem(self, ticket: str) -> Principal:
        if ticket not in self.tickets:
            raise Unauthenticated("The ticket is not valid")
        return self.tickets.pop(ticket)


class SlowBus(LocalBus):
    """Confirms when the test says so, or fails."""

    def __init__(self) -> None:
        super().__init__()
        self.subscriptions = 0
        self.asked = asyncio.Event()
        self.confirm = asyncio.Event()
        self.error: Exception | None = None

    async def subscribe(self, room_id: str, receive: Receive) -> Subscription:  # type: ignore[override]
        self.subscriptions += 1
        self.asked.set()
        await self.confirm.wait()
        if self.error:
            raise self.error
        return await super().subscribe(room_id, receive)

    @property
    def rooms(self) -> list[str]:
        return list(self._subscriptions)


def revocation(
    sign_in_id: str = "s1", why: Why = "signed_out", until: int | None = None, user_id: str = "ann"
) -> Revocation:
    return Revocation(number=1, sign_in_id=sign_in_id, user_id=user_id, why=why, until=until)


def principal(
    clock: FakeClock, user_id: str = "ann", sign_in_id: str = "s1", seconds: int = 900
) -> Principal:
    user = User(
        user_id=user_id,
        username=None,
        display_name=user_id.title(),
        guest=True,
        roles=[],
        avatar_url=None,
        metadata={},
        created_at="2026-01-01T00:00:00.000Z",
    )
    return Principal(user=user, sign_in_id=sign_in_id, expires_at=clock.ms + seconds * 1000)


@dataclass
class Bench:
    """One gateway without its endpoint."""

    policy: GatewayPolicy = field(default_factory=lambda: GatewayPolicy(server_version="test"))
    clock: FakeClock = field(default_factory=FakeClock)
    rooms: ScriptedRooms = field(default_factory=ScriptedRooms)
    access: FakeAccess = field(default_factory=FakeAccess)
    bus: LocalBus = field(default_factory=LocalBus)
    tasks: Tasks = field(default_factory=Tasks)
    directory: ScriptedDirectory = field(default_factory=ScriptedDirectory)

    def __post_init__(self) -> None:
        traffic = Traffic()
        self.environment = Environment(
            policy=self.policy,
            clock=self.clock,
            access=self.access,
            rooms=self.rooms,
            hub=Hub(self.bus, self.tasks, traffic, subscribe_timeout_s=1.0),
            lobby=Lobby(self.directory, GAMES, self.tasks, self.policy.step_timeout_s),
            tasks=self.tasks,
            passwords=RoomPasswords(b"key of the tests"),
            revocations=Recent(self.clock),
            news=Recent(self.clock),
            traffic=traffic,
        )
        self.connections = Connections(self.environment)

    def connect(
        self,
        user_id: str = "ann",
        *,
        sign_in_id: str = "s1",
        room_id: str | None = None,
        subprotocol: str | None = None,
    ) -> "Client":
        """An open connection, its WELCOME read."""
        join = JoinRoom(room_id=room_id) if room_id else None
        connection = self.admit(principal(self.clock, user_id, sign_in_id), join, subprotocol=subprotocol)
        connection.welcome()
        client = Client(self, connection, FakeSocket())
        self.open(connection, client.socket)
        client.socket.sent.clear()
        client.socket.sent_binary.clear()
        return client

    def admit(
        self, who: Principal, join: JoinRoom | None = None, *, subprotocol: str | None = None
    ) -> Connection:
        """A connection whose handshake is not answered yet."""
        return self.connections.admit(who, new_wire(subprotocol), join)

    def open(self, connection: Connection, socket: FakeSocket) -> None:
        """Its handshake is answered."""
        connection._wire.opened(socket)
        self.connections.open(connection)

    def publish(self, seq: int, frame: str | None = "EVENT", **more: Any) -> None:
        """An event of room `r`: everybody gets `{"type": frame, "seq": seq}`; `None`: nobody gets anything."""
        self.bus.publish(event(seq, frame, **more))


def event(
    seq: int,
    frame: str | None = "EVENT",
    *,
    room_id: str = "r",
    epoch: int = 0,
    prev_seq: int | None = None,
    shares: tuple[Share, ...] | None = None,
    ends: dict[str | None, DetachReason] | None = None,
    cause: str | None = None,
    begins: bool = False,
) -> Delivery:
    rest = (Share(None, json.dumps({"type": frame, "seq": seq}).encode()),) if frame else ()
    return Delivery(
        room_id=room_id,
        term=1,
        epoch=epoch,
        seq=seq,
        prev_seq=seq - 1 if prev_seq is None else prev_seq,
        shares=rest if shares is None else shares,
        ends=ends or {},
        cause=cause,
        begins=begins,
    )


@dataclass
class Client:
    """The far end of an open connection."""

    bench: Bench
    connection: Connection
    socket: FakeSocket

    @property
    def id(self) -> str:
        return self.connection.connection_id

    def send(self, type_: str, **fields: Any) -> None:
        self.connection.text(json.dumps({"type": type_, **fields}))

    async def join(self, seq: int = 1, room_id: str = "r") -> None:
        """Join a room, at this position, and read the REPLY."""
        self.send("JOIN_GAME_ROOM_GROUP", room_id=room_id)
        (await self.bench.rooms.next()).answer(seq, {"room": {}, "resumed": False})
        assert self.socket.story() == [f"REPLY {seq}"]

    async def closed(self) -> tuple[int, str]:
        """How the server has closed, as soon as it has."""
        async with asyncio.timeout(PATIENCE_S):
            await self.socket.closing.wait()
        assert self.socket.closed is not None
        return self.socket.closed
