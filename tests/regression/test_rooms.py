"""Bugs of rooms, each as the test that shows it."""

import asyncio
import logging
from dataclasses import replace

import msgspec
import pytest

from gameroom.errors import GameroomError, IdReused, Unavailable
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import (
    CreateRoom,
    JoinRoom,
    LeaveRoom,
    ResumeFrom,
    SendChat,
    SetReady,
    StartGame,
)
from gameroom.protocol.limits import MAX_RESUME
from gameroom.rooms import local, recall
from gameroom.rooms.decision import Cause
from gameroom.rooms.history import RECENT_BYTES, RecentEvents
from gameroom.rooms.journal import Fenced, MemoryJournal, Refused, Unit
from gameroom.rooms.records import Record, StoredAnnouncement
from gameroom.rooms.room import Room
from gameroom.rooms.rooms import Answer, Outcome
from gameroom.rooms.routes import ROUTES, Route, Standing
from gameroom.rooms.window import AFTERLIFE_MS
from tests.unit.rooms.games import Secrets
from tests.unit.rooms.node import ROOM, FailingJournal, Node, SlowAppends, node, until
from tests.unit.rooms.scene import POLICY, Scene
from tests.unit.rooms.test_handlers import gathered, started

TIC_TAC_TOE = CreateRoom(game="tic-tac-toe")
PATIENCE_S = 0.2
"""How long a test waits for an answer that never came while the bug was there."""


def buggy(*_: object, **__: object) -> None:
    raise KeyError("our bug")


# --- nobody is left without an answer -------------------------------------------------------------------------


@pytest.mark.parametrize("breaks", [(Room, "decide"), (Cause, "of_request")])
async def test_who_asked_for_what_broke_the_room_is_told(
    monkeypatch: pytest.MonkeyPatch, breaks: tuple[type, str]
) -> None:
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        monkeypatch.setattr(*breaks, buggy)
        told = first.ask("ann", SendChat(text="hi"))
        async with asyncio.timeout(PATIENCE_S):
            assert isinstance(await told, GameroomError)


async def test_one_who_cannot_be_told_costs_the_others_of_the_turn_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local, "STOP_S", PATIENCE_S)
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        first.submit("ann", SendChat(text="one"), buggy)
        told = first.ask("ann", SendChat(text="two"))
        async with asyncio.timeout(PATIENCE_S):
            assert isinstance(await told, Answer)


async def test_one_who_cannot_be_told_of_its_deadline_costs_the_others_nothing() -> None:
    journal = SlowAppends()
    async with node(journal, policy=replace(POLICY, command_deadline_s=0.05)) as first:
        await first.do("ann", TIC_TAC_TOE)
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        journal.go.clear()
        first.ask("ann", SendChat(text="is stored later"))
        await asyncio.sleep(0)
        first.submit("ann", SendChat(text="one"), buggy)
        told = first.ask("ann", SendChat(text="two"))
        try:
            async with asyncio.timeout(PATIENCE_S):
                assert isinstance(await told, Unavailable)
        finally:
            journal.go.set()


async def test_one_who_cannot_be_told_that_the_server_stops_costs_the_others_nothing() -> None:
    journal = SlowAppends()
    first = Node(journal)
    await first.do("ann", TIC_TAC_TOE)
    journal.go.clear()
    first.ask("ann", SendChat(text="is stored later"))
    await asyncio.sleep(0)
    first.submit("ann", SendChat(text="one"), buggy)
    told = first.ask("ann", SendChat(text="two"))
    stop = asyncio.create_task(first.rooms.stop())
    await asyncio.sleep(0)
    journal.go.set()
    await stop
    async with asyncio.timeout(PATIENCE_S):
        assert isinstance(await told, Unavailable)


async def test_who_cannot_be_told_of_its_room_is_not_told_twice() -> None:
    outcomes: list[Outcome] = []

    def deaf(outcome: Outcome) -> None:
        outcomes.append(outcome)
        raise KeyError("our bug")

    async with node() as first:
        first.submit("ann", TIC_TAC_TOE, deaf)
        await until(lambda: bool(outcomes))
    assert [type(outcome) for outcome in outcomes] == [Answer]


# --- what is decided is stored --------------------------------------------------------------------------------


def test_a_resume_that_fails_leaves_no_gap_in_the_journal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene(TicTacToe)
    scene.do("bob", JoinRoom())
    scene.hang_up("bob")
    with monkeypatch.context() as patch, caplog.at_level(logging.CRITICAL):
        patch.setattr(recall, "resumed", buggy)
        scene.ask("bob", JoinRoom(resume=ResumeFrom(1, 2)))
    assert scene.recovered().state.encoded == scene.room.state.encoded
    assert scene.recovered().position == scene.room.position


# --- positions ------------------------------------------------------------------------------------------------


def test_who_leaves_a_game_that_fails_hears_that_its_round_was_aborted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was no viewer any more when GAME_ENDED was framed, and MEMBER_LEFT came to it after a gap."""
    scene = started(Secrets, "bob", "cid")
    copy = scene.copies["cid"]
    monkeypatch.setattr(Secrets, "reveal", buggy)
    scene.room.viewpoint.settle(game_changed=True)  # so that views are made anew
    scene.do("cid", LeaveRoom())
    assert [frame["type"] for frame in copy.frames[-2:]] == ["GAME_ENDED", "MEMBER_LEFT"]


def test_the_answer_to_a_leave_stands_at_the_last_event_that_its_sender_heard() -> None:
    """It stood at the GAME_ENDED behind that, which a strict client took for an event that was lost."""
    scene = started(TicTacToe, "bob")
    copy = scene.copies["bob"]
    outcome = scene.ask("bob", LeaveRoom(id="leave"))
    again = scene.ask("bob", LeaveRoom(id="leave"))
    assert isinstance(outcome, Answer) and isinstance(again, Answer)
    assert copy.frames[-1]["type"] == "MEMBER_LEFT"
    assert (outcome.seq, again.seq) == (copy.seq, copy.seq)
    assert scene.room.position.seq > copy.seq


# --- ids ------------------------------------------------------------------------------------------------------


def test_a_leavers_ids_stay_expired_when_the_room_has_forgotten_the_leaver() -> None:
    scene = Scene(TicTacToe)
    scene.do("bob", JoinRoom())
    scene.do("cid", JoinRoom(role="spectator"))
    scene.do("bob", SendChat(text="hi", id="1"))
    scene.do("bob", LeaveRoom())
    scene.pass_time(AFTERLIFE_MS)
    scene.do("cid", LeaveRoom())
    assert isinstance(scene.refused("bob", SendChat(text="hi", id="1")), IdReused)


def test_a_late_copy_of_what_failed_by_our_bug_is_not_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(TicTacToe)
    with monkeypatch.context() as patch:
        patch.setitem(ROUTES, SendChat, Route(command=SendChat, handler=buggy, by=Standing.MEMBER))
        assert scene.refused("ann", SendChat(text="hi", id="1")).code == "internal"
    assert scene.refused("ann", SendChat(text="hi", id="1")).code == "internal"


@pytest.mark.parametrize("break_it", ["append", "turn"])
async def test_a_late_copy_of_what_was_lost_with_its_room_is_not_applied(
    monkeypatch: pytest.MonkeyPatch, break_it: str
) -> None:
    """The room that was opened instead knew nothing of what its asker had been told."""
    journal, said = FailingJournal(), SendChat(text="never said", id="1")
    async with node(journal) as first:
        await first.do("ann", TIC_TAC_TOE)
        with monkeypatch.context() as patch:
            if break_it == "append":
                journal.failures["append"].append(Refused("no"))
            else:
                patch.setattr(Room, "decide", buggy)
            assert refusal_of(await first.outcome("ann", said)) == "internal"
        assert refusal_of(await first.outcome("ann", said)) == "internal"
        await first.do("ann", SendChat(text="a new one", id="2"))
    assert [record.command_id for record in first.records()][1:] == ["2"]


@pytest.mark.parametrize("opened_after", [[], [Unavailable("away")]], ids=["at once", "the second time"])
async def test_what_a_room_refused_before_it_was_lost_stays_refused(opened_after: list[Exception]) -> None:
    journal, whisper = FailingJournal(), SendChat(text="psst", to="bob", id="1")
    async with node(journal) as first:
        await first.do("ann", TIC_TAC_TOE)
        refused = refusal_of(await first.outcome("ann", whisper))
        journal.failures["append"].append(Refused("no"))
        journal.failures["recover"] += opened_after
        await first.outcome("ann", SendChat(text="costs the room"))
        await until(lambda: not journal.failures["recover"])
        await first.do("bob", JoinRoom())
        assert refusal_of(await first.outcome("ann", whisper)) == refused


async def test_what_was_refused_beside_what_is_not_stored_is_decided_anew() -> None:
    journal = FailingJournal()
    async with node(journal) as first:
        await first.do("ann", TIC_TAC_TOE)
        await first.do("bob", JoinRoom())
        journal.failures["append"].append(Refused("no"))
        leave = first.ask("bob", LeaveRoom())
        await first.do("ann", SendChat(text="still there?", to="bob", id="1"))
        assert refusal_of(await leave) == "internal"


async def test_a_late_copy_of_what_was_refused_by_a_room_that_could_not_be_opened_is_not_applied() -> None:
    journal, said = FailingJournal(), SendChat(text="never said", id="1")
    async with node(journal) as former:
        await former.do("ann", TIC_TAC_TOE)
    async with node(journal, "node-2") as present:
        journal.failures["recover"].append(KeyError("our bug"))
        assert refusal_of(await present.outcome("ann", said)) == "internal"
        await present.do("ann", JoinRoom())
        assert refusal_of(await present.outcome("ann", said)) == "internal"


def refusal_of(outcome: Outcome) -> str:
    assert isinstance(outcome, GameroomError), outcome
    return outcome.code


# --- damage ---------------------------------------------------------------------------------------------------


async def test_a_snapshot_in_anothers_place_is_damage() -> None:
    journal = MemoryJournal()
    async with node(journal) as former:
        for room_id in ("one", "two"):
            await former.do("ann", TIC_TAC_TOE, room_id)
    journal.rooms["one"].snapshot = journal.rooms["two"].snapshot
    async with node(journal, "node-2") as present:
        outcome = await present.outcome("ann", JoinRoom(), "one")
        assert isinstance(outcome, GameroomError)


# --- bounds ---------------------------------------------------------------------------------------------------


def test_recent_events_are_bounded_in_all_their_bytes() -> None:
    recent = RecentEvents()
    for seq in range(1, MAX_RESUME + 1):
        recent.add(message(seq, RECENT_BYTES // 4))
    assert recent.since(1, MAX_RESUME - 10, MAX_RESUME) is None


def message(seq: int, size: int) -> Record:
    return Record(
        room_id=ROOM,
        epoch=1,
        seq=seq,
        term=1,
        at=0,
        kind="GAME_UPDATED",
        game="relay",
        game_version="1",
        data=msgspec.Raw(b"{}"),
        announcements=(StoredAnnouncement(None, msgspec.Raw(b"x" * size)),),
    )


# --- presence -------------------------------------------------------------------------------------------------


class FencedOnce(MemoryJournal):
    """Takes the next unit of nobody, once it is told so."""

    def __init__(self) -> None:
        super().__init__()
        self.fenced = False

    def append(self, unit: Unit) -> "asyncio.Future[None]":
        if not self.fenced:
            return super().append(unit)
        self.fenced = False
        refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        refused.set_exception(Fenced(unit.room_id))
        return refused


async def test_a_leave_that_was_not_stored_leaves_the_member_attached() -> None:
    journal = FencedOnce()
    async with node(journal) as first:
        await first.do("ann", TIC_TAC_TOE)
        await first.do("bob", JoinRoom())
        journal.fenced = True
        assert isinstance(await first.outcome("bob", LeaveRoom()), GameroomError)
        assert isinstance(await first.outcome("bob", SendChat(text="still here")), Answer)


def test_a_start_without_one_of_its_players_tells_of_no_change_that_no_hook_made() -> None:
    """The round that START has just begun was taken for something that the hook had done."""
    scene = gathered(TicTacToe, "bob")
    for user in ("ann", "bob"):
        scene.do(user, SetReady(ready=True))
    scene.hang_up("bob")
    before = len(scene.records)
    scene.do("ann", StartGame())
    assert [record.kind for record in scene.records[before:]] == ["GAME_STARTED"]


@pytest.mark.parametrize("failure", [Refused("no"), Fenced(ROOM)])
async def test_a_repeat_is_not_called_unapplied_because_it_was_decided_beside_what_is_not_stored(
    failure: Exception,
) -> None:
    """It was told what the others were told: that nothing was changed."""
    journal = FailingJournal()
    async with node(journal) as first:
        await first.do("ann", TIC_TAC_TOE)
        done = SendChat(text="long since stored", id="1")
        said = await first.do("ann", done)
        journal.failures["append"].append(failure)
        unlucky = first.ask("ann", SendChat(text="not taken"))
        again = await first.outcome("ann", done)
        assert isinstance(await unlucky, GameroomError)
        assert isinstance(again, Answer)
        assert (again.repeated, msgspec.json.decode(again.data)) == (True, said)
