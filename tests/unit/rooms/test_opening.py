"""A room is made, opened, handed over and found again: what a node promises around its actors."""

import asyncio
import logging
from dataclasses import replace
from math import inf

import msgspec
import pytest
from msgspec import structs

from gameroom.errors import GameroomError, IdReused, InternalError, RoomClosed, RoomNotFound, Unavailable
from gameroom.games.registry import Games, load_game
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import (
    CreateRoom,
    GameAction,
    JoinRoom,
    SendChat,
    SetReady,
    StartGame,
)
from gameroom.rooms import setbacks, sweep
from gameroom.rooms.journal import (
    Birth,
    Born,
    Fenced,
    MemoryJournal,
    Recovery,
    Refused,
    RoomInMemory,
    Snapshot,
    Unit,
)
from gameroom.rooms.records import unseal
from gameroom.rooms.rooms import Answer
from tests.unit.rooms.node import (
    GAMES,
    PATIENCE_S,
    ROOM,
    FailingJournal,
    Node,
    SlowAppends,
    node,
    turns,
    until,
)
from tests.unit.rooms.scene import POLICY, card_of

TIC_TAC_TOE = CreateRoom(game="tic-tac-toe")
RELAY = CreateRoom(game="relay")
SEND = GameAction(action={"type": "send", "data": 1})


# --- creating -------------------------------------------------------------------------------------------------


class SlowBirths(MemoryJournal):
    """Stores a new room only when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def create(self, birth: Birth, by: float = inf) -> Born:
        await self.go.wait()
        return await super().create(birth, by)


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


class Hurried(MemoryJournal):
    """Remembers by when a room had to be begun, and never finds what was made before."""

    def __init__(self) -> None:
        super().__init__()
        self.by: list[float] = []

    async def create(self, birth: Birth, by: float = inf) -> Born:
        self.by.append(by)
        return await super().create(birth, by)

    async def born(self, creator_id: str, command_id: str) -> Born | None:
        return await asyncio.get_running_loop().create_future()


async def test_a_create_has_one_deadline_in_all() -> None:
    """Counting its sender's rooms and waiting for the database had one each."""
    journal = Hurried()
    async with node(journal, policy=replace(POLICY, command_deadline_s=0.1)) as first:
        latest = asyncio.get_running_loop().time() + 0.1
        first.placement.may_count.clear()
        told = first.ask("ann", RELAY)
        await turns()
        first.placement.may_count.set()
        assert isinstance(await told, Answer)
        assert journal.by == [pytest.approx(latest, abs=0.05)]
        unknown = await first.outcome("ann", CreateRoom(game="no-such-game", id="c"), "other")
        assert isinstance(unknown, Unavailable)


async def test_a_room_that_is_stored_while_the_server_stops_is_handed_over_too() -> None:
    journal = SlowBirths()
    first = Node(journal)
    told = first.ask("ann", RELAY)
    await turns()
    stop = asyncio.create_task(first.rooms.stop())
    await turns()
    journal.go.set()
    await stop
    assert isinstance(await told, Answer)
    assert is_handed_over(journal.rooms[ROOM])


class DoubtfulBirths(MemoryJournal):
    """Stores a new room, and says so only when the test does."""

    def __init__(self) -> None:
        super().__init__()
        self.settled = asyncio.Event()

    async def create(self, birth: Birth, by: float = inf) -> Born:
        born = await super().create(birth, by)
        if not born.repeated:
            await self.settled.wait()
        return born


async def test_a_create_whose_room_was_opened_while_it_was_in_doubt_leaves_that_room_its_owner() -> None:
    journal = DoubtfulBirths()
    create = CreateRoom(game="tic-tac-toe", id="c1")
    async with node(journal) as first:
        told = first.ask("ann", create)
        await turns()
        again = await first.outcome("ann", create, "another")
        assert isinstance(again, Answer)
        await first.do("ann", JoinRoom(), again.room_id)
        journal.settled.set()
        assert isinstance(await told, Answer)
        await first.do("ann", SendChat(text="the only writer"))
        assert first.placement.claimed == [ROOM]


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
        assert isinstance(await present.outcome("ann", JoinRoom(), "bad"), RoomClosed)
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


async def test_a_room_that_is_not_there_is_not_claimed() -> None:
    async with node() as first:
        assert isinstance(await first.outcome("ann", JoinRoom(), "nowhere"), RoomNotFound)
        assert first.placement.claimed == []


async def test_members_have_their_cards_when_a_room_is_opened_again() -> None:
    journal = MemoryJournal()
    async with node(journal) as former:
        await former.do("ann", TIC_TAC_TOE)
    async with node(journal, "node-2") as present:
        view = (await present.do("bob", JoinRoom()))["room"]
    names = {user: member["display_name"] for user, member in view["members"].items()}
    assert names == {user: card_of(user).display_name for user in ("ann", "bob")}


@pytest.mark.parametrize("game", ["relay", "tic-tac-toe"])
async def test_a_read_that_fails_after_the_claim_loses_no_play(game: str) -> None:
    journal = FailingJournal()
    async with node(journal) as former:
        said = await former.outcome("ann", CreateRoom(game=game))
    journal.failures["recover"] += [Unavailable("away"), KeyError("the driver's bug")]
    async with node(journal, "node-2") as present:
        assert isinstance(await present.outcome("ann", JoinRoom()), Unavailable)
        assert isinstance(await present.outcome("ann", JoinRoom()), InternalError)
        back = await present.outcome("ann", JoinRoom())
        assert present.placement.claimed == [ROOM]
    assert isinstance(said, Answer)
    assert isinstance(back, Answer)
    assert (back.epoch, back.seq) == (said.epoch, said.seq)


@pytest.mark.parametrize("failure", [Unavailable("away"), KeyError("the driver's bug")])
async def test_a_room_that_could_never_be_read_is_given_back_as_clean_as_it_was(failure: Exception) -> None:
    journal = FailingJournal()
    async with node(journal) as former:
        await former.do("ann", RELAY)
    journal.failures["recover"].append(failure)
    async with node(journal, "node-2") as present:
        assert isinstance(await present.outcome("ann", JoinRoom()), GameroomError)
    assert is_handed_over(journal.rooms[ROOM])


async def test_a_room_that_is_being_read_when_the_server_stops_is_given_back_as_clean_as_it_was() -> None:
    journal = SlowReads()
    async with node(journal) as former:
        await former.do("ann", RELAY)
    present = Node(journal, "node-2")
    told = present.ask("ann", JoinRoom())
    await journal.reading.wait()
    stop = asyncio.create_task(present.rooms.stop())
    await turns()
    journal.go.set()
    await stop
    assert isinstance(await told, Unavailable)
    assert is_handed_over(journal.rooms[ROOM])


async def test_a_room_that_is_being_claimed_when_the_server_stops_is_given_back_as_clean_as_it_was() -> None:
    journal = MemoryJournal()
    async with node(journal) as former:
        await former.do("ann", RELAY)
    present = Node(journal, "node-2")
    present.placement.may_claim.clear()
    told = present.ask("ann", JoinRoom())
    await present.placement.claiming.wait()
    stop = asyncio.create_task(present.rooms.stop())
    await turns()
    present.placement.may_claim.set()
    await stop
    assert isinstance(await told, Unavailable)
    assert is_handed_over(journal.rooms[ROOM])


class SlowReads(MemoryJournal):
    """Reads a room only when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = asyncio.Event()
        self.go = asyncio.Event()

    async def recover(self, room_id: str) -> Recovery:
        self.reading.set()
        await self.go.wait()
        return await super().recover(room_id)


async def test_a_server_that_does_not_have_the_game_leaves_its_rooms_alone() -> None:
    journal = MemoryJournal()
    async with node(journal) as former:
        await former.do("ann", RELAY)
    others = Games([game for game in GAMES if game.name != "relay"])
    async with node(journal, "node-2", games=others) as present:
        assert isinstance(await present.outcome("ann", JoinRoom()), Unavailable)
        assert present.placement.claimed == []
    async with node(journal, "node-3") as next_one:
        back = await next_one.outcome("ann", JoinRoom())
        assert isinstance(back, Answer)
        assert (back.epoch, back.seq) == (1, 1)


# --- losing a room --------------------------------------------------------------------------------------------


LOSE_S = 0.01


@pytest.fixture
def short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setbacks, "FIRST_PAUSE_S", LOSE_S)


async def with_a_due_timer(first: Node) -> None:
    await first.do("ann", TIC_TAC_TOE)
    first.rooms.detach(ROOM, "ann", "ann-1")
    await turns()
    first.clock.moment += POLICY.grace_ms


@pytest.mark.usefixtures("short_rests")
async def test_a_room_that_cannot_get_past_an_input_stays_closed(caplog: pytest.LogCaptureFixture) -> None:
    journal = FailingJournal()
    async with node(journal) as first:
        await with_a_due_timer(first)
        journal.failures["append"] += [Refused("no")] * 100
        lost = [await first.outcome("bob", JoinRoom()) for _ in range(setbacks.HOPELESS)]
        closed = [await first.outcome("bob", JoinRoom()) for _ in range(2)]
        assert len(first.placement.claimed) == setbacks.HOPELESS
        assert 100 - len(journal.failures["append"]) == setbacks.HOPELESS
    assert {type(outcome) for outcome in (*lost, *closed)} == {InternalError}
    assert ["stays closed" in str(refusal) for refusal in closed] == [True, True]
    assert len([r for r in caplog.records if "stays closed" in r.message and r.levelno == logging.ERROR]) == 1
    journal.failures.clear()
    async with node(journal, "node-2") as present:
        await present.do("bob", JoinRoom())


@pytest.mark.usefixtures("short_rests")
async def test_a_room_that_stores_something_in_between_is_opened_every_time() -> None:
    journal = FailingJournal()
    async with node(journal) as first:
        await first.do("ann", TIC_TAC_TOE)
        for number in range(2 * setbacks.HOPELESS):
            journal.failures["append"].append(Refused("no"))
            assert isinstance(await first.outcome("ann", SendChat(text="lost")), InternalError)
            await first.do("ann", SendChat(text=f"stored {number}"))


async def test_who_waits_for_a_lost_room_keeps_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setbacks, "FIRST_PAUSE_S", 3600.0)
    journal = FailingJournal()
    async with node(journal, policy=replace(POLICY, command_deadline_s=0.05)) as first:
        await first.do("ann", TIC_TAC_TOE)
        journal.failures["append"].append(Refused("no"))
        assert isinstance(await first.outcome("ann", SendChat(text="lost")), InternalError)
        assert isinstance(await first.outcome("ann", SendChat(text="waits")), Unavailable)
        assert first.placement.claimed == []


async def test_a_stop_does_not_wait_for_a_lost_room_that_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setbacks, "FIRST_PAUSE_S", 3600.0)
    journal = FailingJournal()
    async with asyncio.timeout(PATIENCE_S), node(journal) as first:
        await first.do("ann", TIC_TAC_TOE)
        journal.failures["append"].append(Refused("no"))
        assert isinstance(await first.outcome("ann", SendChat(text="lost")), InternalError)
        waits = first.ask("ann", SendChat(text="waits"))
    assert isinstance(waits.result(), Unavailable)


@pytest.mark.usefixtures("short_rests")
async def test_a_lost_room_that_rested_while_the_server_stopped_is_not_opened_after_it() -> None:
    journal = FailingJournal()
    async with node(journal) as first:
        await first.do("ann", TIC_TAC_TOE)
        journal.failures["append"].append(Refused("no"))
        assert isinstance(await first.outcome("ann", SendChat(text="lost")), InternalError)
    await asyncio.sleep(2 * LOSE_S)
    assert first.placement.claimed == []


class HeldAppends(MemoryJournal):
    """Says what becomes of a unit only when the test does, once it `holds`."""

    def __init__(self) -> None:
        super().__init__()
        self.holds = False
        self.held: list[asyncio.Future[None]] = []

    def append(self, unit: Unit) -> "asyncio.Future[None]":
        if not self.holds:
            return super().append(unit)
        self.held.append(asyncio.get_running_loop().create_future())
        return self.held[-1]


async def test_a_room_that_is_lost_while_the_server_stops_is_not_opened_again() -> None:
    journal = HeldAppends()
    first = Node(journal)
    await first.do("ann", TIC_TAC_TOE)
    journal.holds = True
    lost = first.ask("ann", SendChat(text="lost"))
    await turns()
    waits = first.ask("ann", SendChat(text="waits"))
    stop = asyncio.create_task(first.rooms.stop())
    await turns()
    journal.holds = False
    journal.held[0].set_exception(Refused("no"))
    await stop
    assert isinstance(lost.result(), InternalError)
    assert isinstance(waits.result(), Unavailable)
    assert first.placement.claimed == []
    assert not is_handed_over(journal.rooms[ROOM])


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


def is_handed_over(room: RoomInMemory) -> bool:
    return room.home is None and room.clean


async def test_what_waits_when_the_server_stops_is_told_so() -> None:
    journal = SlowAppends()
    first = Node(journal)
    await first.do("ann", TIC_TAC_TOE)
    journal.go.clear()
    first.ask("ann", SendChat(text="is stored"))
    await turns()
    waits = first.ask("ann", SendChat(text="waits"))
    stop = asyncio.create_task(first.rooms.stop())
    await turns()
    late = first.ask("ann", SendChat(text="comes late"))
    journal.go.set()
    await stop
    assert [type(told.result()) for told in (waits, late)] == [Unavailable, Unavailable]


# --- putting away ---------------------------------------------------------------------------------------------


class SlowSnapshots(FailingJournal):
    """Saves a snapshot only while `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.saving = asyncio.Event()
        self.go = asyncio.Event()

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        self.saving.set()
        await self.go.wait()
        await super().save_snapshot(snapshot)


async def leave_quiet(first: Node) -> None:
    """Nobody is connected to the room any more, and has not been for long."""
    await first.do("ann", RELAY)
    first.rooms.detach(ROOM, "ann", "ann-1")
    await turns()
    first.clock.moment += int(TIRED.evict_after_s * 1000) + 1


TIRED = replace(POLICY, evict_after_s=1.0)
"""Rooms are put away before any of their timers is due."""


@pytest.mark.usefixtures("sweeps_often")
async def test_a_room_that_nobody_is_connected_to_is_put_away_clean() -> None:
    journal = MemoryJournal()
    async with node(journal, policy=TIRED) as first:
        await leave_quiet(first)
        await first.rooms.start()
        await until(lambda: is_handed_over(journal.rooms[ROOM]))
        back = await first.outcome("ann", JoinRoom())
        assert isinstance(back, Answer)
        assert back.epoch == 1
        assert first.placement.claimed == [ROOM]


@pytest.mark.usefixtures("sweeps_often")
async def test_a_room_in_which_somebody_is_or_has_just_been_connected_is_not_put_away() -> None:
    journal = MemoryJournal()
    async with node(journal, policy=TIRED) as first:
        for room_id in (ROOM, "quiet", "left just now"):
            await first.do("ann", RELAY, room_id)
        first.rooms.detach("quiet", "ann", "ann-1")
        await turns()
        first.clock.moment += 5_000
        first.rooms.detach("left just now", "ann", "ann-1")
        await turns()
        await first.rooms.start()
        await until(lambda: is_handed_over(journal.rooms["quiet"]))
        assert journal.rooms[ROOM].home == "node-1"
        assert journal.rooms["left just now"].home == "node-1"


@pytest.mark.usefixtures("sweeps_often")
async def test_what_comes_while_a_room_is_put_away_is_done_once_it_is_opened_again() -> None:
    journal = SlowSnapshots()
    async with node(journal, policy=TIRED) as first:
        await leave_quiet(first)
        await first.rooms.start()
        await journal.saving.wait()
        told = first.ask("ann", JoinRoom())
        await turns()
        assert not told.done()
        journal.go.set()
        back = await told
        assert isinstance(back, Answer)
        assert back.epoch == 1
        assert first.placement.claimed == [ROOM]


@pytest.mark.usefixtures("sweeps_often")
@pytest.mark.parametrize("failure", [Unavailable("away"), KeyError("the driver's bug")])
@pytest.mark.parametrize("step", ["save_snapshot", "release"])
async def test_a_room_that_could_not_be_put_away_goes_on(step: str, failure: Exception) -> None:
    journal = FailingJournal()
    async with node(journal, policy=TIRED) as first:
        await leave_quiet(first)
        failures = journal.failures[step] if step == "save_snapshot" else first.placement.failures[step]
        failures += [failure] * 1_000
        await first.rooms.start()
        await until(lambda: len(failures) < 1_000)
        back = await first.outcome("ann", JoinRoom())
        assert isinstance(back, Answer)
        assert back.epoch == 1
        assert first.placement.claimed == []
        failures.clear()


# --- sweeping -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sweeps_often")
@pytest.mark.parametrize("failure", [Unavailable("away"), KeyError("the driver's bug")])
async def test_a_sweep_that_fails_is_not_the_last(failure: Exception) -> None:
    journal = MemoryJournal()
    await Node(journal).do("ann", TIC_TAC_TOE)
    async with node(journal, "node-2") as present:
        present.placement.failures["neglected"] += [failure] * 3
        await present.rooms.start()
        await until(lambda: journal.rooms[ROOM].home == "node-2")


@pytest.mark.usefixtures("sweeps_often")
async def test_a_room_that_could_not_be_read_is_looked_after_though_sweeps_fail() -> None:
    journal = FailingJournal()
    former = Node(journal)
    await with_a_due_timer(former)
    journal.failures["recover"].append(Unavailable("away"))
    async with node(journal, "node-2") as present:
        present.clock.moment = former.clock.moment
        assert isinstance(await present.outcome("bob", JoinRoom()), Unavailable)
        present.placement.failures["neglected"] += [Unavailable("away")] * 3
        await present.rooms.start()
        await until(lambda: present.records()[-1].kind == "MEMBER_LEFT")


@pytest.mark.usefixtures("sweeps_often")
async def test_rooms_of_a_game_that_is_not_here_keep_no_other_room_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They filled every sweep, for nobody could ever claim them."""
    journal = MemoryJournal()
    former = Node(journal)
    for number in range(sweep.SWEEP_ROOMS):
        await former.do(f"ann{number}", RELAY, f"a-{number}")
    await former.do("ann", TIC_TAC_TOE)
    async with node(journal, "node-2", games=Games([load_game(TicTacToe)])) as present:
        await present.rooms.start()
        await until(lambda: journal.rooms[ROOM].home == "node-2")
        assert present.placement.claimed == [ROOM]
        for number in range(3):
            assert isinstance(await present.outcome("eve", JoinRoom(), f"a-{number}"), Unavailable)
    assert [r.message for r in caplog.records] == ["rooms of the game relay wait until a server has it"]


async def test_many_neglected_rooms_do_not_wait_a_second_for_each_score(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep, "SWEEP_ROOMS", 2)
    monkeypatch.setattr(sweep, "SWEEP_S", 3_600.0)
    monkeypatch.setattr(sweep, "HURRIED_SWEEP_S", 0.01)
    journal = MemoryJournal()
    former = Node(journal)
    rooms = [f"r-{number}" for number in range(5)]
    for room_id in rooms:
        await former.do(f"ann-{room_id}", TIC_TAC_TOE, room_id)
    async with node(journal, "node-2") as present:
        await present.rooms.start()
        await until(lambda: {journal.rooms[room_id].home for room_id in rooms} == {"node-2"})


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


@pytest.mark.parametrize("by_a_command", [False, True], ids=["by the sweep", "by a command"])
async def test_a_turn_clock_that_ran_out_while_down_fires_once_first_and_with_its_due_time(
    by_a_command: bool,
) -> None:
    journal = Watched()
    former = Node(journal)
    await former.do("ann", CreateRoom(game="secrets"))
    await former.do("bob", JoinRoom())
    for user in ("ann", "bob"):
        await former.do(user, SetReady(ready=True))
    await former.do("ann", StartGame())
    due_at = former.clock.moment + 30_000
    stored = len(former.records())
    journal.appended.clear()
    async with node(journal, "node-2") as present:
        present.clock.moment = due_at + 3_600_000
        if not by_a_command:
            await present.rooms.start()
            async with asyncio.timeout(PATIENCE_S):
                await journal.appended.wait()
        await present.do("ann", JoinRoom())
        await present.do("ann", SendChat(text="back"))
        fired, *later = [unseal(record) for record in present.records()[stored:]]
        assert (fired.kind, fired.at) == ("GAME_UPDATED", present.clock.moment)
        assert msgspec.json.decode(fired.input) == {
            "type": "TIMER",
            "part": "game",
            "name": "run_late",
            "due_at": due_at,
        }
        assert [record.kind for record in later] == ["CHAT_MESSAGE"]


async def test_a_room_tells_the_sweeper_when_its_next_timer_is_due() -> None:
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        assert first.journal.rooms[ROOM].listing.next_due_at is None
        first.rooms.detach(ROOM, "ann", "ann-1")
        await turns()
        assert first.journal.rooms[ROOM].listing.next_due_at == first.clock.moment + POLICY.grace_ms
