"""Clients that play in several rooms at once, lose their connections and come back, and keep a history of it all.

Each is one user in one room, with a connection of its own. It sends without waiting, up to `IN_FLIGHT` commands; what
is not decided when the connection is lost, it sends again with its id. It also does what clients should not: it sends
decided and refused commands again, and uses an id for other content.
"""

import asyncio
import random
from asyncio import FIRST_COMPLETED, Event
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

from websockets.exceptions import InvalidHandshake, InvalidMessage

from tests.kit.api import Account
from tests.kit.faults.history import Attempt, Command, History, Sighting, Stay, now_ms
from tests.kit.people import People
from tests.kit.player import Answer, Disconnected, Player
from tests.kit.room_copy import RoomCopy
from tests.kit.wire import Json, Position, Refused

IN_FLIGHT = 8
THINKING_S = 0.15
"""On average, between two whims of a client."""

GOING_HOME_S = 90.0
"""For all clients together to have every command decided once the faults are over."""

LOOKED_AT = 0.2
"""The share of events after which a client's copy is kept for the checker."""

POISON = "poison"
"""What the database may be made to refuse: some chat lines have it in them."""

LATER = {"unavailable", "internal"}
"""Who is refused at the door for one of these comes again: the database is away, or refused what came with the JOIN."""

SEATLESS = {"room_full", "wrong_status"}
"""Who is refused a seat for one of these may still look on."""

UNREACHABLE = (Disconnected, OSError, TimeoutError, EOFError, InvalidHandshake, InvalidMessage)


@dataclass
class House:
    """What all clients of a run share.

    `there`: whether the server can be connected to; `closing`: go home; `news`: something was answered, or a client
    is at its end.
    """

    people: People
    history: History
    there: Event = field(default_factory=Event)
    closing: Event = field(default_factory=Event)
    news: Event = field(default_factory=Event)


class Client:
    def __init__(
        self, house: House, account: Account, room_id: str, dice: random.Random, whims: "Whims"
    ) -> None:
        self.house = house
        self.account = account
        self.room_id = room_id
        self._dice = dice
        self._whims = whims
        self._marks = (f"{account.user_id}/{number}" for number in count(1))
        self._open: dict[str, Command] = {}
        """Commands that must still be decided, in the order in which they were made."""
        self._decided: list[Command] = []
        self._refused: list[Command] = []
        self._waiting: dict[Answer, Attempt] = {}
        self._copy: RoomCopy | None = None
        self._stay: Stay | None = None
        self._early: deque[Json] = deque()
        self._player: Player

    # --- coming and going -------------------------------------------------------------------------------------

    async def play(self) -> None:
        """Until the house closes and every command is decided."""
        while not await self._visited():
            await self.house.there.wait()

    async def _visited(self) -> bool:
        """One connection, from the handshake to its loss. Whether nothing is left to do."""
        try:
            self._player = await self.house.people.connect(self.account)
            async with self._listening():
                await self._enter()
                await self._send_open()
                return await self._stay_on()
        except UNREACHABLE:
            await asyncio.sleep(0.05)  # the server is about to be declared away, or has just come back
        except Refused as refused:
            if refused.code not in LATER:
                raise
        except AssertionError as broken:
            self._note(broken)
        return False

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """Hears what comes; at the end nothing is left of the connection but the copy of the room."""
        listening = asyncio.create_task(self._listen(self._player))
        try:
            yield
        finally:
            await self._player.drop()
            await listening
            self._waiting.clear()
            self._early.clear()
            self._keep_copy()

    async def _stay_on(self) -> bool:
        """Do as one pleases. When the house closes: have the rest decided, take a last look, and return True."""
        while not self.house.closing.is_set():
            if self._player.lost is not None:
                return False
            await self._whim()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._dice.expovariate(1 / THINKING_S)):
                    await self.house.closing.wait()
        await self._answered(all_of_them=True)
        while self._open or self._stay is None:
            await (self._enter() if self._stay is None else self._send_open())
            await self._answered(all_of_them=True)
        await self.look()
        return True

    def _keep_copy(self) -> None:
        copy = self._player.rooms.get(self.room_id)
        self._copy = copy if copy is not None and copy.ended is None and copy.view else None
        self._stay = None

    async def _listen(self, player: Player) -> None:
        while player.lost is None:
            try:
                self._hear(await player.next())
            except TimeoutError:
                pass  # where the database is away, nothing is told for long
            except Disconnected:
                return
            except AssertionError as broken:
                self._note(broken)
                return

    def _note(self, broken: AssertionError) -> None:
        """The kit has seen a rule of the wire broken."""
        finding = f"{self.account.user_id}: {broken}"
        if finding not in self.house.history.broken:
            self.house.history.broken.append(finding)

    def _hear(self, frame: Json) -> None:
        if frame.get("room_id") != self.room_id:
            return
        if self._stay is None:
            self._early.append(frame)
        else:
            self._take(self._stay, frame)

    def _take(self, stay: Stay, frame: Json) -> None:
        if frame["type"] == "DETACHED":
            self._stay = self._copy = None
            return
        stay.hear(frame)
        copy = self._player.rooms[self.room_id]
        if copy.is_current and not self._has_left(copy) and self._dice.random() < LOOKED_AT:
            self._see(copy.position, copy.view)

    def _has_left(self, copy: RoomCopy) -> bool:
        """Whether the last that it heard was its own leaving: with that comes no patch."""
        last = copy.last_event or {"type": None}
        return last["type"] == "MEMBER_LEFT" and bool(last["data"]["user_id"] == self.account.user_id)

    def _see(self, position: Position, view: Json) -> None:
        self.house.history.sightings.append(Sighting(self.account.user_id, self.room_id, position, view))

    # --- sending ----------------------------------------------------------------------------------------------

    async def _enter(self) -> None:
        """JOIN, from where the last connection was lost; as a spectator where no seat is free."""
        try:
            await self._join({})
        except Refused as refused:
            if refused.code not in SEATLESS:
                raise
            await self._join({"role": "spectator"})

    async def _join(self, wishes: Json) -> None:
        base = None if self._copy is None else self._copy.position
        resume = {} if base is None else {"resume": {"epoch": base.epoch, "seq": base.seq}}
        content = {"type": "JOIN_GAME_ROOM_GROUP", "room_id": self.room_id, **wishes, **resume}
        attempt = self._attempt(Command(self.account.user_id, str(uuid4()), content))
        try:
            if self._copy is None:
                reply = await self._player.join(self.room_id, id=attempt.command.id, **wishes)
            else:
                reply = await self._player.resume(self._copy, id=attempt.command.id, **wishes)
        except Refused as refused:
            attempt.settle(refused.body)
            raise
        attempt.settle(reply.frame)
        came_in_at = base if reply.data["resumed"] and base is not None else reply.position
        self._stay = Stay(self.account.user_id, self.room_id, came_in_at)
        self.house.history.stays.append(self._stay)
        self._take_early()

    def _take_early(self) -> None:
        """What came between the answer to JOIN and the moment at which we could look at it."""
        while self._early and self._stay is not None:
            self._take(self._stay, self._early.popleft())

    async def _do(self, kind: str, **fields: object) -> None:
        """A new command, and no wait for its answer."""
        content = {"type": kind, "room_id": self.room_id, **fields}
        command = Command(self.account.user_id, str(uuid4()), content)
        self._open[command.id] = command
        await self._send(command)

    async def _send(self, command: Command) -> None:
        while len(self._waiting) >= IN_FLIGHT:
            await self._answered()
        attempt = self._attempt(command)
        fields = {name: value for name, value in command.content.items() if name != "type"}
        answer = await self._player.send(command.kind, id=command.id, **fields)
        self._waiting[answer] = attempt
        answer.add_done_callback(self._settle)

    def _attempt(self, command: Command) -> Attempt:
        attempt = Attempt(command, now_ms())
        self.house.history.attempts.append(attempt)
        return attempt

    def _settle(self, answer: Answer) -> None:
        attempt = self._waiting.pop(answer, None)
        if attempt is None or answer.cancelled():
            return
        failure = answer.exception()
        if failure is None:
            attempt.settle(answer.result().frame)
        elif isinstance(failure, Refused):
            attempt.settle(failure.body)
        if attempt.acked or attempt.refused:
            self._open.pop(attempt.command.id, None)
            (self._decided if attempt.acked else self._refused).append(attempt.command)
        self.house.news.set()

    async def _answered(self, *, all_of_them: bool = False) -> None:
        """Wait for the next answer, or for all that are awaited. Raises `Disconnected`."""
        while self._waiting:
            await asyncio.wait(tuple(self._waiting), return_when=FIRST_COMPLETED)
            if self._player.lost is not None:
                raise self._player.lost
            if not all_of_them:
                return

    @property
    def _under_way(self) -> set[str]:
        """The ids that wait for an answer: two answers to one id could not be told apart."""
        return {attempt.command.id for attempt in self._waiting.values()}

    async def _send_open(self) -> None:
        """Send again what is not decided and not under way, in its order."""
        under_way = self._under_way
        for command in [command for command in self._open.values() if command.id not in under_way]:
            await self._send(command)

    # --- whims ------------------------------------------------------------------------------------------------

    async def _whim(self) -> None:
        if self._stay is None:
            await self._answered(all_of_them=True)
            await self._enter()
            return
        likely, whims = zip(*self._whims, strict=True)
        [whim] = self._dice.choices(whims, likely)
        await whim(self)
        await self._send_open()

    @property
    def _room(self) -> RoomCopy:
        return self._player.rooms[self.room_id]

    async def chat(self) -> None:
        await self._do("SEND_CHAT", text=next(self._marks))

    async def poison(self) -> None:
        await self._do("SEND_CHAT", text=f"{POISON} {next(self._marks)}")

    async def whisper(self) -> None:
        to = self._dice.choice(sorted(self._room.members))
        await self._do("SEND_CHAT", text=next(self._marks), to=to)

    async def play_on(self) -> None:
        """What brings the room forward: a move in turn, or what is missing for the next round."""
        view = self._room.view
        me = view["members"].get(self.account.user_id)
        if me is None:
            return
        if view["status"] == "playing":
            if me["seat"] == view["state"]["turn"]:
                await self.move()
        elif me["role"] == "spectator":
            await self._do("SET_ROLE", role="player")
        elif not me["ready"]:
            await self._do("SET_READY", ready=True)
        elif view["host_id"] == self.account.user_id:
            await self._do("START_GAME")

    async def move(self) -> None:
        """In turn or not."""
        await self._do("GAME_ACTION", action={"type": "move", "mark": next(self._marks)})

    async def waver(self) -> None:
        await self._do("SET_READY", ready=self._dice.random() < 0.5)

    async def repeat(self) -> None:
        """A command of late that was done, or was refused, once more: a late copy."""
        under_way = self._under_way
        known = [c for c in (*self._decided[-5:], *self._refused[-3:]) if c.id not in under_way]
        if known:
            await self._send(self._dice.choice(known))

    async def lie(self) -> None:
        """Other content under an id that was used."""
        if self._decided:
            await self._answered(all_of_them=True)
            former = self._decided[-1]
            content = {"type": "SEND_CHAT", "room_id": self.room_id, "text": next(self._marks)}
            await self._send(Command(former.user_id, former.id, content))
            await self._answered(all_of_them=True)

    async def look(self) -> None:
        """The present view, as it is given afresh; raises `Disconnected`."""
        content = {"type": "GET_GAME_ROOM_GROUP", "room_id": self.room_id}
        attempt = self._attempt(Command(self.account.user_id, str(uuid4()), content))
        try:
            reply = await self._player.ask(attempt.command.kind, id=attempt.command.id, room_id=self.room_id)
        except Refused as refused:
            attempt.settle(refused.body)
            return
        attempt.settle(reply.frame)
        self._see(reply.position, reply.data["room"])

    async def vanish(self) -> None:
        await self._player.drop()

    async def leave(self) -> None:
        """And come in again, by the next whim."""
        await self._do("LEAVE_GAME_ROOM_GROUP")
        await self._answered(all_of_them=True)


Whims = tuple[tuple[float, Callable[[Client], Awaitable[None]]], ...]
"""What a client may do next, and how likely."""

WHIMS: Whims = (
    (4, Client.chat),
    (1, Client.whisper),
    (8, Client.play_on),
    (0.5, Client.move),
    (0.5, Client.waver),
    (1.5, Client.repeat),
    (0.5, Client.lie),
    (0.5, Client.look),
    (0.03, Client.poison),
    (0.2, Client.vanish),
    (0.1, Client.leave),
)

RESTLESS: Whims = ((3, Client.chat), (8, Client.play_on), (2, Client.leave))
"""Of those who come and go: much of what they do makes several events."""

CALM: Whims = ((1, Client.chat), (1, Client.whisper))
"""Of those who only talk."""


class Workload:
    """The clients of some rooms, all of them strangers to the other rooms."""

    def __init__(self, house: House, clients: list[Client]) -> None:
        self.house = house
        self.clients = clients
        self._playing: list[asyncio.Task[None]] = []

    @property
    def room_ids(self) -> list[str]:
        return sorted({client.room_id for client in self.clients})

    def start(self) -> None:
        self.house.there.set()
        self._playing = [asyncio.create_task(client.play()) for client in self.clients]
        for client in self._playing:
            client.add_done_callback(lambda _: self.house.news.set())

    async def acked(self, count: int) -> None:
        """Return when so many more commands have been acknowledged. Raises what a client died of, `TimeoutError`."""
        wanted = self._acks() + count
        async with asyncio.timeout(GOING_HOME_S):
            while self._acks() < wanted:
                for client in self._playing:
                    if client.done():
                        client.result()
                self.house.news.clear()
                await self.house.news.wait()

    def _acks(self) -> int:
        return sum(attempt.acked for attempt in self.house.history.attempts)

    async def finish(self) -> None:
        """All go home, once every command of theirs is decided. Raises what a client died of, and `TimeoutError`."""
        self.house.closing.set()
        async with asyncio.timeout(GOING_HOME_S):
            await asyncio.gather(*self._playing)
        self.house.history.ended_at = now_ms()


async def found_room(house: House, account: Account) -> str:
    """Have the account create a room; its id."""
    founder = await house.people.connect(account)
    content = {"type": "CREATE_GAME_ROOM_GROUP", "game": "hourglass"}
    attempt = Attempt(Command(account.user_id, str(uuid4()), content), now_ms())
    house.history.attempts.append(attempt)
    reply = await founder.ask(attempt.command.kind, id=attempt.command.id, game="hourglass")
    attempt.settle(reply.frame)
    await founder.close()
    return reply.room_id
