"""A room is made, opened, handed over and found again: what a node promises around its actors."""

import asyncio

import pytest
from msgspec import structs

from gameroom.errors import GameroomError, IdReused
from gameroom.protocol.commands import (
    CreateRoom,
    GameAction,
    JoinRoom,
    SendChat,
)
from gameroom.rooms.journal import Birth, Born, Fenced, MemoryJournal, Recovery, Unit
from gameroom.rooms.rooms import Answer
from tests.unit.rooms.node import PATIENCE_S, ROOM, Node, SlowAppends, node
from tests.unit.rooms.scene import POLICY

TIC_TAC_TOE = CreateRoom(game="tic-tac-toe")
RELAY = CreateRoom(game="relay")
SEND = GameAction(action={"type": "send", "data": 1})


async def turns(count: int = 10) -> None:
    """Let the loop run what is ready, a few times over."""
    for _ in range(count):
        await asyncio.sleep(0)


# --- creating -------------------------------------------------------------------------------------------------


class SlowBirths(MemoryJournal):
    """Stores a new room only when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def create(self, birth: Birth) -> Born:
        await self.go.wait()
        return await super().create(birth)


async def test_a_create_is_answered_only_when_the_room_is_stored() -> None:
    journal = SlowBirths()
    async with node(journal) as first:
        told = first.ask("ann", TIC_TAC_TOE)
        await turns()
        assert not told.done()
        journal.go.set()
        assert isinstance(await told, Answer)
        assert [record.kind for record in first.records()] == ["MEMBER_JOINED"]


async def test_a_create_sent_again_names_the_room_that_it_made() -> None:
    async with node() as first:
        await first.do("ann", CreateRoom(game="relay", id="c1"))
        again = await first.outcome("ann", CreateRoom(game="relay", id="c1"), "another")
        assert isinstance(again, Answer)
        assert (again.room_id, again.repeated) == (ROOM, True)
        assert list(first.journal.rooms) == [ROOM]


async def test_a_create_sent_again_with_other_content_is_refused() -> None:
    async with node() as first:
        await first.do("ann", CreateRoom(game="relay", id="c1"))
        refused = await first.outcome("ann", CreateRoom(game="relay", name="other", id="c1"), "another")
        assert isinstance(refused, IdReused)


# --- opening --------------------------------------------------------------------------------------------------


class Straggler(MemoryJournal):
    """The former owner of a room still appends, just when the next one reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.late: Unit | None = None
        self.fenced = False

    async def recover(self, room_id: str) -> Recovery:
        recovery = await super().recover(room_id)
        if self.late is not None:
            self.fenced = isinstance(self.append(self.late).exception(), Fenced)
        return recovery


async def test_a_room_is_claimed_before_it_is_read() -> None:
    journal = Straggler()
    async with node(journal) as former:
        await former.do("ann", TIC_TAC_TOE)
        record = former.records()[0]
        journal.late = Unit(room_id=ROOM, term=record.term, records=(structs.replace(record, seq=2),))
        async with node(journal, "node-2") as present:
            await present.do("ann", JoinRoom())
        assert journal.fenced


async def test_the_damage_of_one_room_harms_no_other() -> None:
    journal = MemoryJournal()
    async with node(journal) as former:
        for room_id in ("good", "bad"):
            await former.do("ann", TIC_TAC_TOE, room_id)
    journal.rooms["bad"].snapshot = None
    journal.rooms["bad"].records[1] = structs.replace(journal.rooms["bad"].records[1], body=b"{}")
    async with node(journal, "node-2") as present:
        damaged = await present.outcome("ann", JoinRoom(), "bad")
        assert isinstance(damaged, GameroomError)
        assert damaged.code == "internal"
        await present.do("ann", JoinRoom(), "good")


async def test_who_comes_back_to_a_room_that_was_opened_again_causes_no_event() -> None:
    journal = MemoryJournal()
    former = Node(journal)
    await former.do("ann", TIC_TAC_TOE)
    await former.do("bob", JoinRoom())
    async with node(journal, "node-2") as present:
        for user in ("ann", "bob"):
            await present.do(user, JoinRoom())
        assert len(present.records()) == 2


# --- handing over ---------------------------------------------------------------------------------------------


async def test_a_stopped_node_hands_its_rooms_over_clean_with_their_very_last_state() -> None:
    journal = MemoryJournal()
    async with node(journal) as former:
        await former.do("ann", TIC_TAC_TOE)
        said = await former.outcome("ann", SendChat(text="last"))
    assert isinstance(said, Answer)
    snapshot = journal.rooms[ROOM].snapshot
    assert snapshot is not None
    assert snapshot.seq == said.seq
    claim = await former.placement.claim(ROOM, "node-2")
    assert claim is not None
    assert claim.clean


async def test_a_room_is_handed_over_only_when_its_last_append_is_stored() -> None:
    journal = SlowAppends()
    first = Node(journal)
    await first.do("ann", TIC_TAC_TOE)
    journal.go.clear()
    told = first.ask("ann", SendChat(text="last"))
    await turns()
    stop = asyncio.create_task(first.rooms.stop())
    await turns()
    assert journal.rooms[ROOM].snapshot is None
    assert not told.done()
    journal.go.set()
    await stop
    said, snapshot = await told, journal.rooms[ROOM].snapshot
    assert isinstance(said, Answer)
    assert snapshot is not None
    assert snapshot.seq == said.seq


async def test_play_that_was_not_journaled_is_lost_with_its_node_and_that_is_said_first() -> None:
    journal = MemoryJournal()
    former = Node(journal)
    await former.do("ann", RELAY)
    await former.do("ann", SEND)
    async with node(journal, "node-2") as present:
        await present.listen()
        back = await present.outcome("ann", JoinRoom())
        assert isinstance(back, Answer)
        assert back.epoch == 2
        assert [record.kind for record in present.records()] == ["MEMBER_JOINED", "EPOCH_STARTED"]
        assert [(delivery.epoch, delivery.seq) for delivery in present.heard] == [(2, 2)]


@pytest.mark.parametrize("game", ["relay", "tic-tac-toe"])
async def test_a_clean_hand_over_keeps_the_position(game: str) -> None:
    journal = MemoryJournal()
    async with node(journal) as former:
        await former.do("ann", CreateRoom(game=game))
        said = await former.outcome("ann", SendChat(text="hi"))
    assert isinstance(said, Answer)
    async with node(journal, "node-2") as present:
        back = await present.outcome("ann", JoinRoom())
        assert isinstance(back, Answer)
        assert (back.epoch, back.seq) == (said.epoch, said.seq)


async def test_a_journaled_room_keeps_its_epoch_whatever_became_of_its_node() -> None:
    journal = MemoryJournal()
    await Node(journal).do("ann", TIC_TAC_TOE)
    async with node(journal, "node-2") as present:
        back = await present.outcome("ann", JoinRoom())
        assert isinstance(back, Answer)
        assert (back.epoch, back.seq) == (1, 1)


# --- timers ---------------------------------------------------------------------------------------------------


class Watched(MemoryJournal):
    """Says when something is appended."""

    def __init__(self) -> None:
        super().__init__()
        self.appended = asyncio.Event()

    def append(self, unit: Unit) -> "asyncio.Future[None]":
        self.appended.set()
        return super().append(unit)


async def test_a_timer_that_came_due_while_nobody_ran_the_room_fires_unasked() -> None:
    journal = Watched()
    former = Node(journal)
    await former.do("ann", TIC_TAC_TOE)
    former.rooms.detach(ROOM, "ann", "ann-1")
    await turns()
    journal.appended.clear()
    async with node(journal, "node-2") as present:
        present.clock.moment += POLICY.grace_ms
        await present.rooms.start()
        async with asyncio.timeout(PATIENCE_S):
            await journal.appended.wait()
        assert [record.kind for record in present.records()][-1] == "MEMBER_LEFT"


async def test_a_room_tells_the_sweeper_when_its_next_timer_is_due() -> None:
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        assert first.journal.rooms[ROOM].listing.next_due_at is None
        first.rooms.detach(ROOM, "ann", "ann-1")
        await turns()
        assert first.journal.rooms[ROOM].listing.next_due_at == first.clock.moment + POLICY.grace_ms
