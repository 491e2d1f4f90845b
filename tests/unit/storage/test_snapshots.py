"""Snapshots that wait are kept together, and each for itself where one is at fault."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, event

from gameroom.errors import Unavailable
from gameroom.storage import snapshots as snapshots_module
from gameroom.storage import sqlite
from gameroom.storage.engine import Database
from gameroom.storage.journal import SqlJournal
from tests.contract.room_stores import birth, record, snapshot, unit
from tests.unit.storage.faults import busy_writer, failing_commit, locked_by_another_process

ROOMS = [f"r{n:02}" for n in range(25)]


@pytest.fixture
async def rooms(journal: SqlJournal) -> list[str]:
    for room_id in ROOMS:
        await journal.create(birth(room_id))
    return ROOMS


@contextmanager
def counted_commits(database: Database) -> Iterator[list[Connection]]:
    """One entry for each transaction that the writer commits meanwhile."""
    commits: list[Connection] = []
    count = commits.append  # one and the same object, by which it is found again
    engine = database._writes._pool.engine
    event.listen(engine, "commit", count)
    yield commits
    event.remove(engine, "commit", count)


async def kept(journal: SqlJournal, room_ids: list[str]) -> list[int | None]:
    """The seq of the snapshot of each room."""
    recovered = [(await journal.recover(room_id)).snapshot for room_id in room_ids]
    return [None if found is None else found.seq for found in recovered]


async def test_snapshots_wanted_at_the_same_moment_cost_one_sync(
    database: Database, journal: SqlJournal, rooms: list[str]
) -> None:
    """Each had a transaction of its own: with 256 busy rooms every second commit was one snapshot's."""
    with counted_commits(database) as commits:
        await asyncio.gather(*(journal.save_snapshot(snapshot(room_id, 1)) for room_id in rooms))
    assert len(commits) == 1
    assert await kept(journal, rooms) == [1] * len(rooms)


async def test_snapshots_that_come_while_others_are_kept_share_the_next_transaction(
    database: Database, journal: SqlJournal, rooms: list[str]
) -> None:
    with counted_commits(database) as commits:
        async with busy_writer(database):
            saving = []
            for room_id in rooms:
                saving.append(asyncio.create_task(journal.save_snapshot(snapshot(room_id, 1))))
                await asyncio.sleep(0)
        await asyncio.gather(*saving)
    assert len(commits) == 3, "of what kept the writer busy, of the first snapshot and of all others"
    assert await kept(journal, rooms) == [1] * len(rooms)


async def test_transactions_of_snapshots_are_bounded(
    database: Database, journal: SqlJournal, rooms: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots_module, "BATCH_BYTES", 10 * len(snapshot("r00", 1).body))
    with counted_commits(database) as commits:
        await asyncio.gather(*(journal.save_snapshot(snapshot(room_id, 1)) for room_id in rooms))
    assert len(commits) == 3


async def test_a_snapshot_larger_than_the_bound_is_kept_all_the_same(
    journal: SqlJournal, rooms: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots_module, "BATCH_BYTES", 1)
    await journal.save_snapshot(snapshot("r00", 1))
    assert await kept(journal, ["r00"]) == [1]


async def test_two_snapshots_of_a_room_that_wait_together_end_with_the_newer(
    database: Database, journal: SqlJournal, rooms: list[str]
) -> None:
    await journal.append(unit(record("r00", 2)))
    async with busy_writer(database):
        saving = [asyncio.create_task(journal.save_snapshot(snapshot("r00", seq))) for seq in (1, 2, 1)]
        await asyncio.sleep(0)
    await asyncio.gather(*saving)
    assert await kept(journal, ["r00"]) == [2]


async def test_a_snapshot_that_cannot_be_stored_harms_no_other(journal: SqlJournal, rooms: list[str]) -> None:
    wanted = [snapshot(room_id, 2**64 if room_id == "r07" else 1) for room_id in rooms]
    outcomes = await asyncio.gather(*map(journal.save_snapshot, wanted), return_exceptions=True)
    assert [room_id for room_id, outcome in zip(rooms, outcomes, strict=True) if outcome] == ["r07"]
    assert isinstance(outcomes[7], OverflowError)
    assert await kept(journal, rooms) == [None if room_id == "r07" else 1 for room_id in rooms]


@pytest.mark.parametrize("stored", [False, True], ids=["before COMMIT", "after COMMIT"])
async def test_all_snapshots_of_a_doubtful_commit_are_kept(
    database: Database, journal: SqlJournal, rooms: list[str], stored: bool
) -> None:
    with failing_commit(database, stored=stored, code=sqlite3.SQLITE_IOERR_FSYNC):
        await asyncio.gather(*(journal.save_snapshot(snapshot(room_id, 1)) for room_id in rooms))
    assert await kept(journal, rooms) == [1] * len(rooms)


async def test_while_the_file_is_locked_snapshots_are_unavailable(
    file: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.01)
    database = Database.open(url)
    journal = SqlJournal(database)
    await journal.create(birth("r"))
    await journal.create(birth("s"))
    with locked_by_another_process(file):
        saving = (journal.save_snapshot(snapshot(room_id, 1)) for room_id in "rs")
        outcomes = await asyncio.gather(*saving, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    assert outcomes[0] is not outcomes[1], "each may be raised, and keeps a traceback then"
    await journal.close()
    await database.close()


async def test_who_does_not_wait_for_its_snapshot_any_more_harms_no_other(
    database: Database, journal: SqlJournal, rooms: list[str]
) -> None:
    async with busy_writer(database):
        saving = [asyncio.create_task(journal.save_snapshot(snapshot(room_id, 1))) for room_id in rooms]
        await asyncio.sleep(0)
        saving[3].cancel()
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*saving, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(type(None)) == len(rooms) - 1


async def test_closing_waits_for_snapshots(database: Database, journal: SqlJournal, rooms: list[str]) -> None:
    saving = [asyncio.create_task(journal.save_snapshot(snapshot(room_id, 1))) for room_id in rooms]
    await asyncio.sleep(0)
    await journal.close()
    assert await kept(journal, rooms) == [1] * len(rooms)
    await asyncio.gather(*saving)


async def test_a_snapshot_takes_the_place_of_the_former_one_whole(
    journal: SqlJournal, rooms: list[str]
) -> None:
    await journal.save_snapshot(snapshot("r00", 1))
    newer = replace(snapshot("r00", 2), epoch=3)
    await journal.save_snapshot(newer)
    assert (await journal.recover("r00")).snapshot == newer
