"""Group commit: many units in one transaction, and each stored exactly once, whatever fails."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from gameroom.errors import Unavailable
from gameroom.rooms.journal import Fenced, Listing, Refused
from gameroom.rooms.records import MAX_RECORD_BYTES
from gameroom.storage import journal as journal_module
from gameroom.storage import sqlite
from gameroom.storage.engine import Database
from gameroom.storage.journal import SqlJournal
from gameroom.storage.placement import SqlPlacement
from tests.contract.room_stores import birth, listing, record, snapshot, unit
from tests.unit.storage.faults import (
    busy_writer,
    failing_commit,
    failing_insert,
    locked_by_another_process,
)

ROOMS = [f"r{n:02}" for n in range(25)]


@pytest.fixture
async def rooms(journal: SqlJournal) -> list[str]:
    for room_id in ROOMS:
        await journal.create(birth(room_id))
    return ROOMS


async def bodies(journal: SqlJournal, room_id: str) -> list[bytes]:
    """What the room has after its first record."""
    return [stored.body for stored in await journal.read(room_id, 1, 100)]


# --- creating -------------------------------------------------------------------------------------------------


async def test_a_create_that_cannot_begin_in_time_is_not_stored(
    database: Database, journal: SqlJournal
) -> None:
    async with busy_writer(database), asyncio.timeout(1):
        with pytest.raises(Unavailable):
            await journal.create(birth("r", command_id="c"), asyncio.get_running_loop().time() + 0.05)
    assert await journal.born("ann", "c") is None
    assert not (await journal.create(birth("r", command_id="c"))).repeated


# --- batches --------------------------------------------------------------------------------------------------


async def test_units_that_arrive_during_a_write_share_the_next(
    database: Database, journal: SqlJournal, rooms: list[str]
) -> None:
    async with busy_writer(database):
        appends = []
        for room_id in rooms:
            appends.append(journal.append(unit(record(room_id, 2), record(room_id, 3))))
            await asyncio.sleep(0)
    await asyncio.gather(*appends)
    counts = journal.counts
    assert (counts.batches, counts.units, counts.records, counts.largest) == (2, 25, 50, 24)


async def test_batches_are_larger_than_one_under_load(journal: SqlJournal, rooms: list[str]) -> None:
    async def play(room_id: str) -> None:
        for seq in range(2, 22):
            await journal.append(unit(record(room_id, seq)))

    await asyncio.gather(*(play(room_id) for room_id in rooms))
    assert journal.counts.units == 20 * len(rooms)
    assert journal.counts.units / journal.counts.batches > 5


@pytest.mark.parametrize(("bound", "value"), [("BATCH_RECORDS", 10), ("BATCH_BYTES", 50_000)])
async def test_batches_are_bounded(
    journal: SqlJournal, rooms: list[str], monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    monkeypatch.setattr(journal_module, bound, value)
    big = b"b" * 5000
    await asyncio.gather(*(journal.append(unit(record(room_id, 2, body=big))) for room_id in rooms))
    assert (journal.counts.batches, journal.counts.largest) == (3, 10)


@pytest.mark.parametrize(("bound", "value"), [("BATCH_RECORDS", 7), ("BATCH_BYTES", 35_000)])
async def test_a_unit_that_would_break_the_bound_waits_for_the_next_batch(
    journal: SqlJournal, rooms: list[str], monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    monkeypatch.setattr(journal_module, bound, value)
    big = b"b" * 5000
    units = [unit(*(record(room_id, seq, body=big) for seq in (2, 3))) for room_id in rooms[:6]]
    await asyncio.gather(*map(journal.append, units))
    assert (journal.counts.batches, journal.counts.largest) == (2, 3)


@pytest.mark.parametrize("bound", ["BATCH_RECORDS", "BATCH_BYTES"])
async def test_a_unit_larger_than_the_bounds_is_stored_all_the_same(
    journal: SqlJournal, rooms: list[str], monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(journal_module, bound, 1)
    await journal.append(unit(*(record("r00", seq) for seq in range(2, 9))))
    assert len(await bodies(journal, "r00")) == 7


async def test_an_appender_that_is_gone_harms_no_other(journal: SqlJournal, rooms: list[str]) -> None:
    appends = [journal.append(unit(record(room_id, 2))) for room_id in rooms]
    appends[3].cancel()
    outcomes = await asyncio.gather(*appends, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(type(None)) == len(rooms) - 1
    assert await bodies(journal, rooms[3]) == [b"r03/2"]


async def test_closing_waits_for_what_was_appended(
    database: Database, journal: SqlJournal, rooms: list[str]
) -> None:
    appends = [journal.append(unit(record(room_id, 2))) for room_id in rooms]
    await journal.close()
    assert all(append.done() for append in appends)


async def test_closing_does_not_wait_for_a_database_that_stays_away(
    file: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.01)
    monkeypatch.setattr(journal_module, "CLOSE_DEADLINE_S", 0.1)
    database = Database.open(url)
    journal = SqlJournal(database)
    await journal.create(birth("r"))
    with locked_by_another_process(file):
        append = journal.append(unit(record("r", 2)))
        await journal.close()
        assert not append.done()
    await database.close()


# --- one unit at fault ----------------------------------------------------------------------------------------


AT_FAULT = {
    "too large": record("r07", 2, body=b"b" * (MAX_RECORD_BYTES + 1)),
    "beyond 64 bits": record("r07", 2**64),
    "not storable text": record("r07", 2, command=("\ud800", "c1")),
    "a seq that is taken": record("r07", 1, body=b"another"),
}


@pytest.mark.parametrize("fault", AT_FAULT)
async def test_only_the_unit_at_fault_is_refused(journal: SqlJournal, rooms: list[str], fault: str) -> None:
    bad = AT_FAULT[fault]
    units = [unit(bad if room_id == bad.room_id else record(room_id, 2)) for room_id in rooms]
    outcomes = await asyncio.gather(*map(journal.append, units), return_exceptions=True)
    refused = [room_id for room_id, outcome in zip(rooms, outcomes, strict=True) if outcome]
    assert (refused, type(outcomes[7])) == (["r07"], Refused)
    assert [len(await bodies(journal, room_id)) for room_id in rooms] == [int(r != "r07") for r in rooms]


async def test_a_listing_at_fault_refuses_its_unit_only(journal: SqlJournal, rooms: list[str]) -> None:
    taken = listing("r07", code="code of r01")
    units = [unit(record(room_id, 2), listing=taken if room_id == "r07" else None) for room_id in rooms]
    outcomes = await asyncio.gather(*map(journal.append, units), return_exceptions=True)
    assert [room_id for room_id, outcome in zip(rooms, outcomes, strict=True) if outcome] == ["r07"]
    assert await bodies(journal, "r07") == []


# --- the database fails ---------------------------------------------------------------------------------------


async def test_while_the_file_is_locked_appends_wait_and_are_then_stored_once(
    file: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.05)
    database = Database.open(url)
    journal = SqlJournal(database)
    await journal.create(birth("r"))
    await journal.create(birth("s"))
    with locked_by_another_process(file):
        appends = [journal.append(unit(record(room_id, 2))) for room_id in "rs"]
        for _ in range(4):  # whoever may give up does, in the time in which the appends are tried again
            with pytest.raises(Unavailable):
                await journal.create(birth("t"))
        assert not any(append.done() for append in appends)
    await asyncio.gather(*appends)
    assert [await bodies(journal, room_id) for room_id in "rst"] == [[b"r/2"], [b"s/2"], []]
    assert journal.counts.batches == 1, "certainly not stored: tried again as the batch that it was"
    await journal.close()
    await database.close()


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_CORRUPT])
async def test_a_failing_insert_is_tried_again(
    database: Database, journal: SqlJournal, rooms: list[str], code: int
) -> None:
    with failing_insert(database, code=code):
        await asyncio.gather(*(journal.append(unit(record(room_id, 2))) for room_id in rooms))
    assert [await bodies(journal, room_id) for room_id in rooms] == [[f"{r}/2".encode()] for r in rooms]


@pytest.mark.parametrize("stored", [False, True], ids=["before COMMIT", "after COMMIT"])
async def test_a_doubtful_commit_ends_with_each_unit_stored_once(
    database: Database, journal: SqlJournal, rooms: list[str], stored: bool
) -> None:
    with failing_commit(database, stored=stored, code=sqlite3.SQLITE_IOERR_FSYNC):
        units = [
            unit(record(room_id, 2, command=("ann", "c1")), record(room_id, 3), listing=_joined(room_id))
            for room_id in rooms
        ]
        await asyncio.gather(*map(journal.append, units))
    for each in units:
        assert await journal.read(each.room_id, 1, 100) == list(each.records)
        assert len((await journal.recover(each.room_id)).commands) == 1
    assert await SqlPlacement(database).rooms_of("bob") == rooms


def _joined(room_id: str) -> Listing:
    return listing(room_id, members=("ann", "bob"))


@pytest.mark.parametrize("stored", [False, True], ids=["before COMMIT", "after COMMIT"])
async def test_a_database_that_goes_away_after_a_doubtful_commit_is_waited_for(
    database: Database, journal: SqlJournal, rooms: list[str], stored: bool
) -> None:
    with (
        failing_commit(database, stored=stored, code=sqlite3.SQLITE_IOERR_FSYNC),
        failing_insert(database, code=sqlite3.SQLITE_FULL, after=1),
    ):
        await asyncio.gather(*(journal.append(unit(record(room_id, 2))) for room_id in rooms))
    assert [await bodies(journal, room_id) for room_id in rooms] == [[f"{r}/2".encode()] for r in rooms]


@pytest.mark.parametrize("stored", [False, True], ids=["before COMMIT", "after COMMIT"])
async def test_after_a_doubtful_commit_an_odd_error_does_not_pass_for_a_refusal(
    database: Database, journal: SqlJournal, rooms: list[str], stored: bool
) -> None:
    with (
        failing_commit(database, stored=stored, code=sqlite3.SQLITE_IOERR_FSYNC),
        failing_insert(database, code=sqlite3.SQLITE_NOMEM, after=1),
    ):
        await journal.append(unit(record("r00", 2, command=("ann", "c1"))))
    assert await bodies(journal, "r00") == [b"r00/2"]


async def test_a_doubtful_create_is_not_given_up_when_the_database_goes_away(
    database: Database, journal: SqlJournal
) -> None:
    with (
        failing_commit(database, stored=False, code=sqlite3.SQLITE_IOERR_FSYNC),
        failing_insert(database, code=sqlite3.SQLITE_FULL, after=1),
    ):
        born = await journal.create(birth("r", command_id="c1"))
    assert (born.room_id, born.repeated) == ("r", False)
    assert await journal.read("r", -1, 10) == [record("r", 1)]


@pytest.mark.parametrize("stored", [False, True], ids=["before COMMIT", "after COMMIT"])
async def test_a_claim_after_a_doubtful_commit_leaves_the_unit_stored_or_fenced(
    database: Database, journal: SqlJournal, rooms: list[str], stored: bool
) -> None:
    """The outcome that is told is the one that the next owner finds."""
    placement = SqlPlacement(database)
    with failing_commit(database, stored=stored, code=sqlite3.SQLITE_IOERR_FSYNC):
        append = journal.append(unit(record("r00", 2)))
        await asyncio.sleep(0)
        claim = await placement.claim("r00", "node-b")
    assert claim is not None
    found = await bodies(journal, "r00")
    outcome = (await asyncio.gather(append, return_exceptions=True))[0]
    assert (found, type(outcome)) == (([b"r00/2"], type(None)) if stored else ([], Fenced))
    assert await bodies(journal, "r00") == found


@pytest.mark.parametrize("stored", [False, True], ids=["before COMMIT", "after COMMIT"])
@pytest.mark.parametrize("command_id", ["c1", None])
async def test_a_doubtful_create_makes_one_room_and_is_no_repeat(
    database: Database, journal: SqlJournal, stored: bool, command_id: str | None
) -> None:
    with failing_commit(database, stored=stored, code=sqlite3.SQLITE_IOERR_FSYNC):
        born = await journal.create(birth("r", command_id=command_id))
    assert (born.room_id, born.repeated) == ("r", False)
    assert await journal.read("r", -1, 10) == [record("r", 1)]
    assert await SqlPlacement(database).rooms_of("ann") == ["r"]


@pytest.mark.parametrize("stored", [False, True], ids=["before COMMIT", "after COMMIT"])
async def test_a_doubtful_snapshot_is_saved(
    database: Database, journal: SqlJournal, rooms: list[str], stored: bool
) -> None:
    with failing_commit(database, stored=stored, code=sqlite3.SQLITE_IOERR_FSYNC):
        await journal.save_snapshot(snapshot("r00", 1))
    assert (await journal.recover("r00")).snapshot == snapshot("r00", 1)


async def test_a_late_snapshot_whose_commit_was_in_doubt_does_not_replace_a_newer_one(
    database: Database, journal: SqlJournal, rooms: list[str]
) -> None:
    await journal.append(unit(record("r00", 2)))
    with failing_commit(database, stored=False, code=sqlite3.SQLITE_IOERR_FSYNC):
        late = asyncio.create_task(journal.save_snapshot(snapshot("r00", 1)))
        await asyncio.sleep(0)
        await journal.save_snapshot(snapshot("r00", 2))
    await late
    assert (await journal.recover("r00")).snapshot == snapshot("r00", 2)


@pytest.mark.parametrize("stored", [False, True], ids=["before COMMIT", "after COMMIT"])
async def test_a_doubtful_claim_is_one_claim_and_still_clean(
    database: Database, journal: SqlJournal, rooms: list[str], stored: bool
) -> None:
    placement = SqlPlacement(database)
    await placement.release("r00", 1)
    with failing_commit(database, stored=stored, code=sqlite3.SQLITE_IOERR_FSYNC):
        claim = await placement.claim("r00", "node-b")
    assert claim is not None
    assert (claim.term, claim.clean) == (2, True)
    await journal.append(unit(record("r00", 2, term=claim.term)))


async def test_a_doubtful_claim_that_another_has_followed_is_made_anew(
    database: Database, journal: SqlJournal, rooms: list[str]
) -> None:
    placement = SqlPlacement(database)
    with failing_commit(database, stored=True, code=sqlite3.SQLITE_IOERR_FSYNC):
        first = asyncio.create_task(placement.claim("r00", "node-b"))
        await asyncio.sleep(0)
        second = await placement.claim("r00", "node-c")
    claims = [await first, second]
    assert sorted(claim.term for claim in claims if claim) == [3, 4]
    with pytest.raises(Fenced):
        await journal.append(unit(record("r00", 2, term=3)))
    await journal.append(unit(record("r00", 2, term=4)))


@pytest.mark.parametrize("stored", [False, True], ids=["before COMMIT", "after COMMIT"])
async def test_a_doubtful_release_is_done(
    database: Database, journal: SqlJournal, rooms: list[str], stored: bool
) -> None:
    placement = SqlPlacement(database)
    with failing_commit(database, stored=stored, code=sqlite3.SQLITE_IOERR_FSYNC):
        await placement.release("r00", 1)
    with pytest.raises(Fenced):
        await journal.append(unit(record("r00", 2)))
    claim = await placement.claim("r00", "node-b")
    assert claim is not None
    assert claim.clean
