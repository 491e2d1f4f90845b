"""What one command costs a room, in microseconds of CPU, by the number of its members.

    .venv-compiled/bin/python -m bench.commands

`decide` is deciding alone: the handler, the changed parts, the records sealed, the frames of all viewers, the answer.
`turn` is the same through the actor: its mailbox, the journal in memory, the bus without a subscriber, the answer told.
Each number is the median of many single commands; every command has an id of its own, as clients send them. Members
are connected, and what is not a player's seat is a spectator's.
"""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from itertools import count
from statistics import median
from time import perf_counter_ns

import uvloop
from msgspec import Struct, field

from gameroom import Context, Game, GameState, Hidden, action
from gameroom.bus.local import LocalBus
from gameroom.clock import SystemClock
from gameroom.games.checks import AnyGame
from gameroom.games.registry import load_game
from gameroom.games.relay import Relay
from gameroom.protocol.commands import (
    CreateRoom,
    GameAction,
    JoinRoom,
    RoomCommand,
    SendChat,
    SetReady,
    StartGame,
)
from gameroom.rooms.actor import Actor
from gameroom.rooms.birth import Entropy, new_room
from gameroom.rooms.entries import Ask
from gameroom.rooms.journal import Birth, MemoryJournal, Unit
from gameroom.rooms.memory import Memory
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.records import Damaged
from gameroom.rooms.room import Room
from gameroom.rooms.rooms import Answer, Card, Outcome, Request, Sender
from gameroom.rooms.watchdog import Watchdog

ROOM_ID = "019ab1c2-0000-7000-8000-000000000000"
MEMBERS = (2, 10, 100, 1_000)
SAMPLES = 2_000
MOST_SECONDS = 3.0
"""For each number: where a command is dear, fewer samples will do."""

POLICY = RoomPolicy()
CLOCK = SystemClock()


class Board(GameState):
    cells: list[int] = field(default_factory=lambda: [0] * 9)
    turn: int = 0


class Boards(Game[Board]):
    """A state as small as tic-tac-toe's, and a round without an end."""

    name = "boards"
    min_players = max_players = 2

    @action
    def place(self, state: Board, ctx: Context, cell: int) -> None:
        state.cells[cell % 9] += 1
        state.turn = 1 - state.turn


class Archive(Game[Board]):
    """The same with a state of 50 KB."""

    name = "archive"
    min_players = max_players = 2

    def setup(self, ctx: Context) -> Board:
        return Board(cells=list(range(10_000)))

    @action
    def place(self, state: Board, ctx: Context, cell: int) -> None:
        state.cells[cell % 9] += 1


class Hands(GameState):
    pot: int = 0
    hands: Hidden[dict[int, list[int]]] = field(default_factory=dict)


class Cards(Game[Hands]):
    """Ten players, each of whom sees another view."""

    name = "cards"
    min_players, max_players = 2, 10

    def setup(self, ctx: Context) -> Hands:
        return Hands(hands={seat: [1, 2, 3] for seat in ctx.players})

    def reveal(self, state: Hands, seat: int | None) -> dict[str, object]:
        return {} if seat is None else {"hand": state.hands[seat]}

    @action
    def place(self, state: Hands, ctx: Context, cell: int) -> None:
        state.pot += 1


class Load(Struct, frozen=True):
    """One line of the table: what is sent, in a room of which game."""

    name: str
    game: type[AnyGame]
    command: Callable[[str], RoomCommand]


def chat(command_id: str) -> RoomCommand:
    return SendChat(text="good luck, and have fun", id=command_id)


def place(command_id: str) -> RoomCommand:
    return GameAction(action={"type": "place", "cell": 4}, id=command_id)


def send(command_id: str) -> RoomCommand:
    return GameAction(action={"type": "send", "data": {"x": 1.5, "y": 2.5, "keys": ["up"]}}, id=command_id)


LOADS = (
    Load("chat", Boards, chat),
    Load("chat, 50 KB of state", Archive, chat),
    Load("game action", Boards, place),
    Load("game action, own views", Cards, place),
    Load("relay send", Relay, send),
)


def ids() -> Iterator[str]:
    """As long as UUIDs."""
    return (f"{number:036d}" for number in count())


class Played:
    """A room with its members, in play, and the units that brought it there."""

    def __init__(self, load: Load, members: int) -> None:
        self.load = load
        self.ids = ids()
        self.room, birth = _create(load.game)
        self.journal = MemoryJournal()
        self._birth = birth
        self._units: list[Unit] = []
        players = min(members, load.game.max_players)
        for number in range(1, members):
            self._do(number, JoinRoom(role="player" if number < players else "spectator"))
        if not load.game.always_playing:
            for number in range(players):
                self._do(number, SetReady(ready=True))
            self._do(0, StartGame())

    def next_request(self) -> Request:
        return _request(0, self.load.command(next(self.ids)))

    async def store(self) -> None:
        """Bring the journal to where the room is."""
        await self.journal.create(self._birth)
        for unit in self._units:
            await self.journal.append(unit)

    def _do(self, number: int, command: RoomCommand) -> None:
        decision = self.room.decide(_request(number, command), CLOCK.now())
        if not isinstance(decision.outcome, Answer):
            raise RuntimeError(f"{command} was refused: {decision.outcome}")
        if decision.records:
            self._units.append(Unit(room_id=ROOM_ID, term=self.room.term, records=decision.records))


def _create(game: type[AnyGame]) -> tuple[Room, Birth]:
    command = CreateRoom(game=game.name)
    entropy = Entropy("ABCDEFGH", bytes(32))
    room = new_room(
        ROOM_ID, _user(0), command, load_game(game), policy=POLICY, entropy=entropy, now=CLOCK.now()
    )
    sender = _request(0, SendChat(text="-")).sender
    decision = room.create(Request(room_id=ROOM_ID, sender=sender, command=command), CLOCK.now())
    unit = Unit(room_id=ROOM_ID, term=room.term, records=decision.records, listing=room.listings.changed())
    return room, Birth(unit=unit, home="bench", creator_id=_user(0), command_id=None, input_hash=bytes(16))


def _user(number: int) -> str:
    return f"019ab1c2-1111-7000-8000-{number:012d}"


def _request(number: int, command: RoomCommand) -> Request:
    card = Card(f"Player {number}", None)
    sender = Sender(user_id=_user(number), card=card, connection_id=f"connection-{number}")
    return Request(room_id=ROOM_ID, sender=sender, command=command)


# --- measuring ------------------------------------------------------------------------------------------------


def decide_us(load: Load, members: int) -> float:
    """The median of deciding one command."""
    played = Played(load, members)
    samples = []
    for _ in _samples():
        request = played.next_request()
        start = perf_counter_ns()
        played.room.decide(request, CLOCK.now())
        samples.append(perf_counter_ns() - start)
    return median(samples) / 1000


class Keeper:
    """Implements `actor.Keeper`: the actor of a measurement is never lost."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def want_turn(self, take: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(take)

    def lost(self, actor: Actor, memory: Memory) -> None:
        raise RuntimeError("the room was lost")

    def damaged(self, actor: Actor, damage: Damaged) -> None:
        raise damage


async def turn_us(load: Load, members: int) -> float:
    """The median of one command on its way through the actor."""
    played = Played(load, members)
    await played.store()
    actor = Actor(
        ROOM_ID,
        journal=played.journal,
        bus=LocalBus(),
        clock=CLOCK,
        policy=POLICY,
        keeper=Keeper(),
        watchdog=Watchdog(),
    )
    actor.open(played.room)
    loop = asyncio.get_running_loop()
    samples = []
    for _ in _samples():
        told: asyncio.Future[Outcome] = loop.create_future()
        ask = Ask(played.next_request(), told.set_result, loop.time() + POLICY.command_deadline_s)
        start = perf_counter_ns()
        actor.submit(ask)
        outcome = await told
        samples.append(perf_counter_ns() - start)
        if not isinstance(outcome, Answer):
            raise outcome
    return median(samples) / 1000


def _samples() -> Iterator[int]:
    """So many as are wanted, or as there is time for."""
    end = perf_counter_ns() + int(MOST_SECONDS * 1e9)
    for number in range(SAMPLES):
        yield number
        if perf_counter_ns() > end:
            return


def main() -> None:
    gc.disable()
    print(f"{'µs a command':<24}" + "".join(f"{f'{members:,} members':>20}" for members in MEMBERS))
    print(f"{'':<24}" + "".join(f"{'decide  turn':>20}" for _ in MEMBERS))
    for load in LOADS:
        cells = []
        for members in MEMBERS:
            decided, turned = decide_us(load, members), uvloop.run(turn_us(load, members))
            gc.collect()
            cells.append(f"{f'{decided:.1f}  {turned:.1f}':>20}")
        print(f"{load.name:<24}" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
