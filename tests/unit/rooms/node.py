"""One node's rooms over a journal in memory, and the next node that finds what this one has left."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from gameroom.bus.bus import Delivery
from gameroom.bus.local import LocalBus
from gameroom.clock import Millis
from gameroom.games.registry import Games, load_game
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import CreateRoom, RoomCommand
from gameroom.rooms.journal import MemoryJournal, Recovery, SealedRecord, Snapshot, Unit
from gameroom.rooms.local import LocalRooms
from gameroom.rooms.placement import Claim, MemoryPlacement
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.rooms import Answer, Card, Outcome, Request, Sender, Tell
from tests.unit.rooms.games import Secrets
from tests.unit.rooms.scene import POLICY, START, card_of

ROOM = "the-room"
GAMES = Games([load_game(kind) for kind in (TicTacToe, Relay, Secrets)])
PATIENCE_S = 5.0
"""How long a test waits for what must come."""


class SlowAppends(MemoryJournal):
    """Stores units only while `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.go.set()

    def append(self, unit: Unit) -> "asyncio.Future[None]":
        return asyncio.ensure_future(self._append(unit))

    async def _append(self, unit: Unit) -> None:
        await self.go.wait()
        await super().append(unit)


class FailingJournal(MemoryJournal):
    """Raises what `failures` has for a method, each once, instead of doing anything."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: defaultdict[str, list[Exception]] = defaultdict(list)

    def append(self, unit: Unit) -> "asyncio.Future[None]":
        if not self.failures["append"]:
            return super().append(unit)
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        failed.set_exception(self.failures["append"].pop(0))
        return failed

    async def recover(self, room_id: str) -> Recovery:
        fail_once(self.failures["recover"])
        return await super().recover(room_id)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        fail_once(self.failures["save_snapshot"])
        await super().save_snapshot(snapshot)


class FailingPlacement(MemoryPlacement):
    """Like `FailingJournal`; remembers which rooms were claimed and whose were counted.

    Waits with it while `may_claim` or `may_count` is not set.
    """

    def __init__(self, journal: MemoryJournal) -> None:
        super().__init__(journal)
        self.failures: defaultdict[str, list[Exception]] = defaultdict(list)
        self.claimed: list[str] = []
        self.counted: list[str] = []
        self.claiming = asyncio.Event()
        self.may_count = asyncio.Event()
        self.may_count.set()
        self.may_claim = asyncio.Event()
        self.may_claim.set()

    async def claim(self, room_id: str, home: str) -> Claim | None:
        self.claimed.append(room_id)
        self.claiming.set()
        await self.may_claim.wait()
        return await super().claim(room_id, home)

    async def release(self, room_id: str, term: int) -> None:
        fail_once(self.failures["release"])
        await super().release(room_id, term)

    async def rooms_of(self, user_id: str) -> list[str]:
        self.counted.append(user_id)
        fail_once(self.failures["rooms_of"])
        await self.may_count.wait()
        return await super().rooms_of(user_id)

    async def neglected(self, home: str, games: list[str], now: Millis, limit: int) -> list[str]:
        fail_once(self.failures["neglected"])
        return await super().neglected(home, games, now, limit)


def fail_once(failures: list[Exception]) -> None:
    if failures:
        raise failures.pop(0)


class HandClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.moment: Millis = START

    def now(self) -> Millis:
        return self.moment

    def monotonic(self) -> float:
        return self.moment / 1000


class Everybody:
    """Implements `Cards`: everybody has a card, but for those who are `gone`."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.renamed: dict[str, Card] = {}

    async def cards(self, user_ids: list[str]) -> dict[str, Card]:
        return {user: self.renamed.get(user) or card_of(user) for user in user_ids if user not in self.gone}


class Node:
    """`home` names it; nodes over one journal are one after the other, as a process and the next."""

    def __init__(
        self,
        journal: MemoryJournal,
        home: str = "node-1",
        policy: RoomPolicy = POLICY,
        games: Games = GAMES,
    ) -> None:
        self.journal = journal
        self.placement = FailingPlacement(journal)
        self.bus = LocalBus()
        self.clock = HandClock()
        self.heard: list[Delivery] = []
        self.everybody = Everybody()
        self.rooms = LocalRooms(
            home=home,
            games=games,
            journal=journal,
            placement=self.placement,
            bus=self.bus,
            cards=self.everybody,
            clock=self.clock,
            policy=policy,
        )

    async def listen(self, room_id: str = ROOM) -> None:
        await self.bus.subscribe(room_id, self.heard.append)

    def submit(self, user: str, command: RoomCommand | CreateRoom, tell: Tell, room_id: str = ROOM) -> None:
        sender = Sender(user_id=user, card=card_of(user), connection_id=f"{user}-1")
        self.rooms.submit(Request(room_id=room_id, sender=sender, command=command), tell)

    def ask(
        self, user: str, command: RoomCommand | CreateRoom, room_id: str = ROOM
    ) -> "asyncio.Future[Outcome]":
        told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.submit(user, command, told.set_result, room_id)
        return told

    async def outcome(self, user: str, command: RoomCommand | CreateRoom, room_id: str = ROOM) -> Outcome:
        """What the command comes to, as soon as it is told."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.ask(user, command, room_id)

    async def do(self, user: str, command: RoomCommand | CreateRoom, room_id: str = ROOM) -> Any:
        """The `data` of the answer to a command that must not be refused."""
        outcome = await self.outcome(user, command, room_id)
        assert isinstance(outcome, Answer), outcome
        return msgspec.json.decode(outcome.data)

    def records(self, room_id: str = ROOM) -> list[SealedRecord]:
        return self.journal.rooms[room_id].after(-1)


@asynccontextmanager
async def node(
    journal: MemoryJournal | None = None,
    home: str = "node-1",
    policy: RoomPolicy = POLICY,
    games: Games = GAMES,
) -> AsyncIterator[Node]:
    """A node that stops in good order at the end of the block."""
    node = Node(journal or MemoryJournal(), home, policy, games)
    try:
        yield node
    finally:
        await node.rooms.stop()


async def turns(count: int = 10) -> None:
    """Let the loop run what is ready, a few times over."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Let what goes on in the background bring it about."""
    async with asyncio.timeout(patience_s):
        while not holds():
            await turns()
