"""Ways in which a database fails, as context managers."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from gameroom.storage.engine import Database

HOLD_WRITE_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked_by_another_process(file: Path) -> Iterator[None]:
    """Another process, a backup tool say, holds the write lock."""
    program = [sys.executable, "-c", HOLD_WRITE_LOCK, str(file)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        try:
            yield
        finally:
            holder.communicate(timeout=10)


@contextmanager
def failing_commit(database: Database, *, stored: bool, code: int) -> Iterator[None]:
    """The writer's next COMMIT reports an error, before it took effect or after."""
    dialect = database._writes._pool.engine.dialect
    commit = dialect.do_commit

    def fail_once(connection: PoolProxiedConnection) -> None:
        dialect.do_commit = commit  # type: ignore[method-assign]
        if stored:
            commit(connection)
        raise sqlite_error(code)

    dialect.do_commit = fail_once  # type: ignore[method-assign,assignment]
    yield
    assert dialect.do_commit == commit, "nothing was committed"


@contextmanager
def failing_insert(database: Database, *, code: int, after: int = 0) -> Iterator[None]:
    """One of the writer's inserts of records reports an error, and has changed nothing.

    `after`: how many such inserts go well before.
    """
    outcomes = iter([None] * after + [code])

    def fail_once(
        connection: Connection, cursor: DBAPICursor, statement: str, rows: Any, context: Any, many: bool
    ) -> tuple[str, Any]:
        if statement.startswith("INSERT INTO records") and (failure := next(outcomes, None)) is not None:
            raise DBAPIError.instance(statement, None, sqlite_error(failure), sqlite3.Error)
        return statement, rows

    event.listen(database._writes._pool.engine, "before_cursor_execute", fail_once, retval=True)
    yield
    event.remove(database._writes._pool.engine, "before_cursor_execute", fail_once)
    assert list(outcomes) == [], "too few records were written"


def sqlite_error(code: int) -> sqlite3.DatabaseError:
    """The error as the driver would raise it."""
    damaged = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    kind = sqlite3.DatabaseError if damaged else sqlite3.OperationalError
    error = kind(f"injected error {code}")
    error.sqlite_errorcode = code
    return error


@asynccontextmanager
async def busy_writer(database: Database) -> AsyncIterator[None]:
    """Until the block ends the writer's thread does one long job."""
    begun, end = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work(connection: Connection) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert end.wait(10)

    job = asyncio.create_task(database.write(work))
    await begun.wait()
    try:
        yield
    finally:
        end.set()
        await job
