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

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor
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
    dialect = database._writer.dialect
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
    """One of the writer's statements of many rows reports an error, and has changed nothing.

    `after`: how many such statements go well before.
    """
    dialect = database._writer.dialect
    execute = dialect.do_executemany
    outcomes = iter([None] * after)

    def fail_once(cursor: DBAPICursor, statement: str, rows: Any, context: Any = None) -> None:
        if next(outcomes, code) is None:
            return execute(cursor, statement, rows, context)
        dialect.do_executemany = execute  # type: ignore[method-assign]
        raise sqlite_error(code)

    dialect.do_executemany = fail_once  # type: ignore[method-assign,assignment]
    yield
    assert dialect.do_executemany == execute, "no row was written"


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
