"""The database: one writer, readers that cannot write, bounds, and clear words for an operator."""

import asyncio
import os
import sqlite3
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError, OperationalError

from gameroom.errors import Unavailable
from gameroom.storage import engine, migrate, sqlite
from gameroom.storage.bounded_threads import BoundedThreads
from gameroom.storage.engine import Database
from gameroom.storage.failures import DatabaseUnusable, OutcomeUnknown
from gameroom.storage.lanes import Work
from tests.unit.storage.faults import busy_writer, failing_commit, locked_by_another_process


def pragma(name: str) -> Work[object]:
    return lambda connection: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def nothing(connection: Connection) -> None:
    pass


# --- transactions ---------------------------------------------------------------------------------------------


@pytest.fixture
async def numbers(database: Database) -> Database:
    """A database with a table of numbers."""
    await database.write(lambda c: c.execute(text("CREATE TABLE numbers (n INTEGER UNIQUE)")).close())
    return database


def add(number: int) -> Work[None]:
    return lambda connection: connection.execute(
        text("INSERT INTO numbers VALUES (:n)"), {"n": number}
    ).close()


async def all_numbers(database: Database) -> list[int]:
    return await database.read(lambda c: list(c.scalars(text("SELECT n FROM numbers ORDER BY n"))))


async def test_the_writer_syncs_every_commit_and_checks_references(database: Database) -> None:
    assert await database.write(pragma("synchronous")) == 2  # FULL
    assert await database.write(pragma("journal_mode")) == "wal"
    assert await database.write(pragma("foreign_keys")) == 1


async def test_what_is_written_is_read(numbers: Database) -> None:
    await numbers.write(add(1))
    assert await all_numbers(numbers) == [1]


async def test_work_that_raises_changes_nothing(numbers: Database) -> None:
    def work(connection: Connection) -> None:
        add(1)(connection)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await numbers.write(work)
    with pytest.raises(IntegrityError):
        await numbers.write(lambda c: (add(2)(c), add(2)(c)))
    await numbers.write(add(3))
    assert await all_numbers(numbers) == [3]


async def test_writes_at_once_go_one_after_the_other(numbers: Database) -> None:
    def increment(connection: Connection) -> None:
        before = connection.scalar(text("SELECT n FROM numbers"))
        connection.execute(text("UPDATE numbers SET n = :n"), {"n": before + 1})

    await numbers.write(add(0))
    await asyncio.gather(*(numbers.write(increment) for _ in range(100)))
    assert await all_numbers(numbers) == [100]


async def test_all_writes_are_on_one_thread(database: Database) -> None:
    threads = await asyncio.gather(*(database.write(lambda _: threading.get_ident()) for _ in range(20)))
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_a_reader_cannot_write(numbers: Database) -> None:
    with pytest.raises(Unavailable) as refused:
        await numbers.read(add(1))
    assert isinstance(refused.value.__cause__, OperationalError)
    assert await all_numbers(numbers) == []


async def test_a_read_sees_one_moment_while_writes_go_on(numbers: Database) -> None:
    seen_once, written = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def count_twice(connection: Connection) -> tuple[int, int]:
        count = text("SELECT count(*) FROM numbers")
        first = connection.execute(count).scalar_one()
        loop.call_soon_threadsafe(seen_once.set)
        assert written.wait(10)
        return first, connection.execute(count).scalar_one()

    reading = asyncio.create_task(numbers.read(count_twice))
    await seen_once.wait()
    await numbers.write(add(1))
    written.set()
    assert await reading == (0, 0)


# --- when the file fails --------------------------------------------------------------------------------------


async def test_a_file_locked_by_others_is_unavailable(
    file: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.05)
    database = Database.open(url)
    with locked_by_another_process(file):
        with pytest.raises(Unavailable) as refused:
            await database.write(nothing)
        assert str(file) not in refused.value.message
        assert await database.read(pragma("query_only")) == 1
    await database.write(nothing)
    await database.close()


async def test_a_full_disk_at_commit_is_certainly_rolled_back(numbers: Database) -> None:
    with failing_commit(numbers, stored=False, code=sqlite3.SQLITE_FULL), pytest.raises(Unavailable):
        await numbers.write(add(1))
    await numbers.write(add(1))
    assert await all_numbers(numbers) == [1]


@pytest.mark.parametrize("stored", [False, True])
async def test_a_commit_that_fails_midway_has_no_known_outcome(numbers: Database, stored: bool) -> None:
    with (
        failing_commit(numbers, stored=stored, code=sqlite3.SQLITE_IOERR_FSYNC),
        pytest.raises(OutcomeUnknown),
    ):
        await numbers.write(add(1))
    await numbers.write(add(2))
    assert await all_numbers(numbers) == ([1, 2] if stored else [2])


async def test_after_a_failed_commit_the_new_connection_is_set_up_like_the_first(database: Database) -> None:
    with (
        failing_commit(database, stored=False, code=sqlite3.SQLITE_IOERR_FSYNC),
        pytest.raises(OutcomeUnknown),
    ):
        await database.write(nothing)
    assert await database.write(pragma("synchronous")) == 2


async def test_values_stay_out_of_errors(numbers: Database) -> None:
    with pytest.raises(IntegrityError) as refused:
        await numbers.write(lambda c: (add(424242)(c), add(424242)(c)))
    assert "424242" not in str(refused.value)


# --- bounds ---------------------------------------------------------------------------------------------------


async def test_beyond_the_bound_writes_are_unavailable_at_once(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "WAITING_WRITES", 2)
    database = Database.open(url)
    async with busy_writer(database):
        waiting = asyncio.create_task(database.write(nothing))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="Too much waits"):
            await database.write(nothing)
    await waiting
    await database.write(nothing)
    await database.close()


async def test_a_write_that_waits_too_long_is_withdrawn(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "DEADLINE_S", 0.05)
    database = Database.open(url)
    begun: list[bool] = []
    async with busy_writer(database):
        with pytest.raises(Unavailable, match="too slow"):
            await database.write(lambda _: begun.append(True))
    await database.write(nothing)
    assert begun == []
    await database.close()


async def test_a_job_that_has_begun_is_awaited_beyond_the_deadline() -> None:
    threads = BoundedThreads("test", threads=1, limit=1, deadline_s=0.01)
    end = threading.Event()
    asyncio.get_running_loop().call_later(0.1, end.set)
    assert await threads.run(lambda: end.wait(10))
    await threads.close()


async def test_a_waiting_job_of_a_caller_that_is_gone_is_withdrawn() -> None:
    threads = BoundedThreads("test", threads=1, limit=3, deadline_s=10)
    end, begun = threading.Event(), list[str]()
    first = asyncio.create_task(threads.run(lambda: end.wait(10)))
    second = asyncio.create_task(threads.run(lambda: begun.append("second")))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait((second,))
    end.set()
    await first
    await threads.run(lambda: begun.append("third"))
    assert begun == ["third"]
    await threads.close()


async def test_after_closing_all_is_unavailable(url: str) -> None:
    database = Database.open(url)
    await database.close()
    for use in (database.read, database.write):
        with pytest.raises(Unavailable, match="stopping"):
            await use(nothing)


async def test_closing_ends_the_threads_and_frees_the_file(url: str) -> None:
    database = Database.open(url)
    await asyncio.gather(*(database.read(nothing) for _ in range(10)), database.write(nothing))
    await database.close()
    names = [thread.name for thread in threading.enumerate() if thread.name.startswith("database-")]
    assert names == []
    again = Database.open(url)
    await again.close()


# --- words for the operator -----------------------------------------------------------------------------------


async def test_a_second_server_is_told_who_has_the_file(database: Database, url: str) -> None:
    with pytest.raises(DatabaseUnusable, match=rf"in use by another server \(process {os.getpid()}\)"):
        Database.open(url)


async def test_a_second_process_is_told_too(database: Database, url: str) -> None:
    program = "import sys; from gameroom.storage.engine import Database; Database.open(sys.argv[1])"
    second = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, url, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await second.communicate()
    assert b"in use by another server" in errors


def test_a_failed_open_leaves_no_lock(file: Path) -> None:
    file.write_bytes(b"not a database" * 100)
    for _ in range(2):
        with pytest.raises(DatabaseUnusable, match=f"{file} is not a database"):
            Database.open(f"sqlite:///{file}")
    with sqlite.locked(file):
        pass


def test_damage_is_seen_at_the_start(url: str, file: Path) -> None:
    damage(file, 8192)
    for use in (Database.open, migrate.upgrade, migrate.current):
        with pytest.raises(DatabaseUnusable, match=f"{file} is damaged"):
            use(url)


async def test_damage_deep_in_a_large_file_shows_with_the_first_statement_that_meets_it(
    url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(file, -8192)
    monkeypatch.setattr(sqlite, "CHECKED_BYTES", 0)
    database = Database.open(url)
    with pytest.raises(Unavailable):
        await database.read(lambda c: list(c.execute(text("SELECT * FROM filler"))))
    await database.close()


def damage(file: Path, start: int) -> None:
    """Overwrite two pages of a file that has some hundred."""
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE filler (content)")
        connection.executemany("INSERT INTO filler VALUES (randomblob(1000))", [()] * 200)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(file.read_bytes())
    start %= len(content)
    content[start : start + 8192] = os.urandom(8192)
    file.write_bytes(content)


def test_the_file_is_for_its_owner_only(url: str, file: Path) -> None:
    assert [path.stat().st_mode & 0o777 for path in sorted(file.parent.glob("*"))] == [0o600, 0o600]


def test_an_old_sqlite_is_refused(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 26, 0))
    with pytest.raises(DatabaseUnusable, match=r"SQLite 3\.35 or newer is needed"):
        Database.open(f"sqlite:///{file}")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("")
    with pytest.raises(DatabaseUnusable, match=r"Cannot write in .*/a-file: Not a directory"):
        Database.open(f"sqlite:///{tmp_path / 'a-file' / 'rooms.db'}")
    with pytest.raises(DatabaseUnusable, match=r"Cannot write in .*/missing: No such file"):
        Database.open(f"sqlite:///{tmp_path / 'missing' / 'rooms.db'}")


def test_a_file_locked_at_the_start_is_named(url: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.05)
    with locked_by_another_process(file):
        for use in (Database.open, migrate.upgrade):
            with pytest.raises(DatabaseUnusable, match=f"{file} is locked by another process"):
                use(url)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://ann:hunter2@host/db", "Databases of the kind 'mysql' are not supported"),
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("hunter2 is no url", "cannot be read"),
    ],
)
def test_a_url_that_cannot_be_used_is_explained_and_not_shown(url: str, sentence: str) -> None:
    with pytest.raises(DatabaseUnusable, match=sentence) as refused:
        Database.open(url)
    assert "hunter2" not in str(refused.value)
