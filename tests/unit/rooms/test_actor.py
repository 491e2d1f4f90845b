"""The actor: decide → append → publish, and nothing in between."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from gameroom.bus.bus import Delivery
from gameroom.bus.local import LocalBus
from gameroom.clock import Millis
from gameroom.errors import GameroomError, InternalError, Unavailable
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import Command, GetRoom, JoinRoom, ResumeFrom, SendChat
from gameroom.rooms import recollecting
from gameroom.rooms.actor import Actor
from gameroom.rooms.entries import Ask, Gone
from gameroom.rooms.journal import Fenced, MemoryJournal, Refused, SealedRecord, Snapshot, Unit
from gameroom.rooms.memory import Memory
from gameroom.rooms.opening import Opened
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.records import Damaged
from gameroom.rooms.rooms import Answer, Outcome, Request, Tell
from gameroom.rooms.watchdog import Watchdog
from tests.unit.rooms.scene import POLICY, ROOM_ID, START, Scene


class HeldJournal(MemoryJournal):
    """A journal whose appends are stored only when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.units: list[Unit] = []
        self.held: list[asyncio.Future[None]] = []
        self.snapshots: list[Snapshot] = []
        self.arrived = asyncio.Event()
        self.unreadable = 0

    def append(self, unit: Unit) -> "asyncio.Future[None]":
        self.units.append(unit)
        self.held.append(asyncio.get_running_loop().create_future())
        self.arrived.set()
        return self.held[-1]

    async def read(self, room_id: str, after_seq: int, limit: int) -> list[SealedRecord]:
        if self.unreadable:
            self.unreadable -= 1
            raise Unavailable("The database is away")
        records = [record for unit in self.units for record in unit.records]
        return [record for record in records if record.seq > after_seq][:limit]

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)

    async def pending(self) -> Unit:
        """The unit that waits to be stored."""
        async with asyncio.timeout(5):
            await self.arrived.wait()
        self.arrived.clear()
        return self.units[-1]

    def store(self) -> None:
        self.held[-1].set_result(None)

    def fail(self, error: Exception) -> None:
        self.held[-1].set_exception(error)


class FixedClock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.moment: Millis = START

    def now(self) -> Millis:
        return self.moment

    def monotonic(self) -> float:
        return self.moment / 1000


class House:
    """An actor with everything around it. Implements `Keeper`."""

    def __init__(self, policy: RoomPolicy = POLICY) -> None:
        self.patience_s = policy.command_deadline_s
        self.scene = Scene(TicTacToe, policy=policy)
        self.scene.do("bob", JoinRoom())
        self.scene.do("cid", JoinRoom(role="spectator"))
        self.journal = HeldJournal()
        self.bus = LocalBus()
        self.clock = FixedClock()
        self.heard: list[Delivery] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.lost_rooms: list[Memory] = []
        self.damage: list[int] = []
        self.actor = Actor(
            ROOM_ID,
            journal=self.journal,
            bus=self.bus,
            clock=self.clock,
            policy=policy,
            keeper=self,
            watchdog=Watchdog(),
        )

    async def open(self) -> None:
        await self.bus.subscribe(ROOM_ID, self.heard.append)
        self.actor.open(self.scene.room)

    def ask(self, user: str, command: Command) -> "asyncio.Future[Outcome]":
        told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.submit(self.scene.request(user, command), told.set_result)
        return told

    def submit(self, request: Request, tell: Tell) -> None:
        self.actor.submit(Ask(request, tell, asyncio.get_running_loop().time() + self.patience_s))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def want_turn(self, take: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(take)

    def lost(self, actor: Actor, memory: Memory) -> None:
        self.lost_rooms.append(memory)

    def damaged(self, actor: Actor, damage: Damaged) -> None:
        self.damage.append(damage.seq)


@pytest.fixture
async def house() -> House:
    house = House()
    await house.open()
    return house


async def outcome_of(told: "asyncio.Future[Outcome]") -> Outcome:
    async with asyncio.timeout(5):
        return await told


async def turns(count: int = 5) -> None:
    """Let the loop run what is ready, a few times over."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_nothing_leaves_the_room_until_it_is_stored(house: House) -> None:
    said = house.ask("ann", SendChat(text="hi", id="1"))
    await house.journal.pending()
    read = house.ask("bob", GetRoom())
    refused = house.ask("bob", SendChat(text="hi", to="nobody"))
    again = house.ask("ann", SendChat(text="hi", id="1"))
    await turns()
    assert not any(told.done() for told in (said, read, refused, again))
    assert house.heard == []

    house.journal.store()
    first = await outcome_of(said)
    assert isinstance(first, Answer)
    assert [delivery.seq for delivery in house.heard] == [first.seq]
    assert isinstance(await outcome_of(read), Answer)
    assert isinstance(await outcome_of(refused), GameroomError)
    repeat = await outcome_of(again)
    assert isinstance(repeat, Answer)
    assert (repeat.repeated, repeat.data, repeat.seq) == (True, first.data, first.seq)


async def test_what_waits_is_appended_as_one_unit(house: House) -> None:
    first = house.ask("ann", SendChat(text="1"))
    await house.journal.pending()
    rest = [house.ask("ann", SendChat(text=str(number))) for number in range(2, 12)]
    house.journal.store()
    unit = await house.journal.pending()
    assert [record.seq for record in unit.records] == list(
        range(unit.records[0].seq, unit.records[0].seq + 10)
    )
    house.journal.store()
    outcomes = [await outcome_of(told) for told in (first, *rest)]
    assert all(isinstance(outcome, Answer) for outcome in outcomes)
    assert len(house.journal.units) == 2


async def test_events_of_a_command_come_before_its_answer(house: House) -> None:
    heard_when_told: list[int] = []
    request = house.scene.request("ann", SendChat(text="hi"))
    house.submit(request, lambda outcome: heard_when_told.append(len(house.heard)))
    await house.journal.pending()
    house.journal.store()
    await turns()
    assert heard_when_told == [1]


async def test_a_full_mailbox_refuses_at_once() -> None:
    house = House(replace(POLICY, mailbox=3))
    await house.open()
    house.ask("ann", SendChat(text="first"))
    await house.journal.pending()
    waiting = [house.ask("ann", SendChat(text="waits")) for _ in range(3)]
    refused = await outcome_of(house.ask("ann", SendChat(text="too many")))
    assert isinstance(refused, Unavailable)
    assert not any(told.done() for told in waiting)


async def test_an_undecided_command_is_withdrawn_at_its_deadline_a_decided_one_is_not() -> None:
    house = House(replace(POLICY, command_deadline_s=0.05))
    await house.open()
    decided = house.ask("ann", SendChat(text="decided"))
    await house.journal.pending()
    undecided = house.ask("bob", SendChat(text="undecided"))
    assert isinstance(await outcome_of(undecided), Unavailable)
    assert not decided.done()
    house.journal.store()
    assert isinstance(await outcome_of(decided), Answer)
    await turns()
    assert len(house.journal.units) == 1


async def test_nothing_is_told_of_a_repeat_while_its_first_copy_is_in_doubt() -> None:
    house = House(replace(POLICY, command_deadline_s=0.05))
    await house.open()
    first = house.ask("ann", SendChat(text="hi", id="1"))
    await house.journal.pending()
    again = house.ask("ann", SendChat(text="hi", id="1"))
    other = house.ask("ann", SendChat(text="other", id="2"))
    assert isinstance(await outcome_of(other), Unavailable)
    assert not again.done()
    house.journal.store()
    assert isinstance(await outcome_of(first), Answer)
    repeat = await outcome_of(again)
    assert isinstance(repeat, Answer)
    assert repeat.repeated


@pytest.mark.parametrize(
    ("failure", "told_as"), [(Fenced("room"), Unavailable), (Refused("no"), InternalError)]
)
async def test_a_room_whose_records_are_not_taken_is_given_up(
    house: House, failure: Exception, told_as: type[GameroomError]
) -> None:
    said = house.ask("ann", SendChat(text="hi"))
    await house.journal.pending()
    waits = house.ask("bob", SendChat(text="later"))
    house.journal.fail(failure)
    assert isinstance(await outcome_of(said), told_as)
    assert house.heard == []
    (memory,) = house.lost_rooms
    assert [user for user in ("ann", "bob", "cid", "dan") if user in memory.presence] == ["ann", "bob", "cid"]
    assert len(house.actor.leftovers()) == 1
    assert not waits.done()


async def test_due_timers_go_before_what_waits(house: House) -> None:
    house.actor.detach(Gone("bob", "bob-1"))
    gone = await house.journal.pending()
    assert [record.kind for record in gone.records] == ["MEMBER_DISCONNECTED"]
    house.clock.moment += POLICY.grace_ms
    house.ask("ann", SendChat(text="hi"))
    house.journal.store()
    unit = await house.journal.pending()
    assert [record.kind for record in unit.records] == ["MEMBER_LEFT", "CHAT_MESSAGE"]


async def test_members_that_do_not_confirm_after_an_adoption_are_disconnected() -> None:
    house = House(replace(POLICY, confirm_ms=20))
    await house.bus.subscribe(ROOM_ID, house.heard.append)
    house.actor.adopt(Opened(house.scene.recovered(), play_lost=False, unsnapped=0))
    back = house.ask("ann", JoinRoom())
    assert isinstance(await outcome_of(back), Answer)
    unit = await house.journal.pending()
    assert [record.kind for record in unit.records] == ["MEMBER_DISCONNECTED", "MEMBER_DISCONNECTED"]


async def test_snapshots_hold_only_what_is_stored() -> None:
    house = House(replace(POLICY, snapshot_every=3))
    await house.open()
    for number in range(6):
        told = house.ask("ann", SendChat(text=str(number)))
        await house.journal.pending()
        assert all(snapshot.seq < house.scene.room.position.seq for snapshot in house.journal.snapshots)
        house.journal.store()
        await outcome_of(told)
        await turns()
    assert [snapshot.seq for snapshot in house.journal.snapshots] == [6, 9]


async def test_a_retired_actor_stores_a_snapshot_of_its_last_state_and_keeps_what_waits(house: House) -> None:
    house.ask("ann", SendChat(text="last"))
    await house.journal.pending()
    retirement = asyncio.create_task(house.actor.retire())
    await turns()
    late = house.ask("bob", SendChat(text="late"))
    house.journal.store()
    async with asyncio.timeout(5):
        await retirement
    assert [snapshot.seq for snapshot in house.journal.snapshots] == [house.scene.room.position.seq]
    assert not late.done()
    assert len(house.actor.leftovers()) == 1


async def test_a_repeat_is_not_called_unapplied_while_its_record_cannot_be_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recollecting, "PAUSE_S", 0.01)
    said = house.ask("ann", SendChat(text="hi", id="1"))
    await house.journal.pending()
    house.journal.store()
    first = await outcome_of(said)
    house.journal.unreadable = 2
    again = await outcome_of(house.ask("ann", SendChat(text="hi", id="1")))
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert (again.repeated, again.data) == (True, first.data)


async def test_a_resume_whose_records_cannot_be_read_is_answered_with_the_whole_view() -> None:
    house = House(replace(POLICY, confirm_ms=10_000))
    house.actor.adopt(Opened(house.scene.recovered(), play_lost=False, unsnapped=0))
    house.journal.unreadable = 1
    back = await outcome_of(house.ask("bob", JoinRoom(resume=ResumeFrom(1, 2))))
    assert isinstance(back, Answer)
    assert b'"resumed":false' in back.data
