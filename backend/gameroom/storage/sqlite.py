"""What is SQLite's own: its file and lock, how connections are set up, and what its errors mean."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from gameroom.storage.failures import DatabaseUnusable

NEEDED_VERSION = (3, 35)
"""The first that knows RETURNING."""

BUSY_TIMEOUT_S = 2.0
"""How long a statement waits for a lock that another process holds on the file."""

CHECKED_BYTES = 64 * 1024 * 1024
"""Up to this size the whole file is checked at the start: it takes a few tenths of a second.

Of a larger one only the header and the schema are read, so that a restart stays quick; damage deeper inside
shows with the first statement that meets it.
"""


def file_of(url: str) -> Path:
    """The file that the URL names. Raises `DatabaseUnusable` for anything but a file that this SQLite serves."""
    if sqlite3.sqlite_version_info < NEEDED_VERSION:
        raise DatabaseUnusable(f"SQLite 3.35 or newer is needed; this Python has {sqlite3.sqlite_version}")
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite":
        raise DatabaseUnusable(
            f"Databases of the kind {parsed.get_backend_name()!r} are not supported; use sqlite"
        )
    if not parsed.database or parsed.database == ":memory:":
        raise DatabaseUnusable("The database must be a file: sqlite:///path/to/file.db")
    return Path(parsed.database)


def existing_file_of(url: str) -> Path:
    """The same for a file that is there: connecting would make it. Raises `DatabaseUnusable`."""
    file = file_of(url)
    if not file.exists():
        raise DatabaseUnusable(f"There is no database {file}; --data-dir or --database-url say where it is")
    return file


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        # Not shown: a URL that cannot be parsed may still hold a password.
        raise DatabaseUnusable("The database URL cannot be read; use sqlite:///path/to/file.db") from None


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold `<file>.lock`, so that no second server uses the file. Raises `DatabaseUnusable`.

    The lock is the kernel's (flock): it ends with the process, however that ends.
    """
    with _lock_file(file) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 32, 0).decode(errors="replace") or "unknown"
            raise DatabaseUnusable(f"{file} is in use by another server (process {owner})") from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield


@contextmanager
def _lock_file(file: Path) -> Iterator[int]:
    try:
        descriptor = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DatabaseUnusable(f"Cannot write in {file.absolute().parent}: {error.strerror}") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


# --- connections ----------------------------------------------------------------------------------------------


def writer_engine(file: Path) -> Engine:
    """An engine with one connection; its transactions take the write lock at once (BEGIN IMMEDIATE).

    Makes the file where it is missing. Raises `DatabaseUnusable`.
    """
    _make_private(file)
    # FULL: under WAL a commit survives power loss only if the log is synced with every commit.
    return _engine(
        file, connections=1, begin="BEGIN IMMEDIATE", pragmas=("journal_mode=WAL", "synchronous=FULL")
    )


def reader_engine(file: Path, connections: int) -> Engine:
    """An engine whose transactions see one moment of the database and cannot change it."""
    return _engine(file, connections=connections, begin="BEGIN", pragmas=("query_only=ON",))


def _make_private(file: Path) -> None:
    """Make the file if it is missing: SQLite would make it readable by all, password hashes included.

    One that is there is not opened: closing it again would end the locks that this process holds on it.
    """
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        pass
    except OSError as error:
        raise DatabaseUnusable(f"Cannot write in {file.absolute().parent}: {error.strerror}") from None


def _engine(file: Path, *, connections: int, begin: str, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_S,
        hide_parameters=True,  # values are players' own: they stay out of errors and logs
        # Without isolation_level=None the driver begins transactions by itself, later than we mean it to.
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in ("foreign_keys=ON", *pragmas):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def check_undamaged(file: Path, connection: Connection) -> None:
    """Raises `DatabaseUnusable` if the file is damaged, as far as `CHECKED_BYTES` lets us look."""
    connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
    if file.stat().st_size > CHECKED_BYTES:
        return
    verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if verdict != "ok":
        raise DatabaseUnusable(f"{file} is damaged ({verdict}): restore it from a backup")


# --- errors ---------------------------------------------------------------------------------------------------

_SENTENCES = {
    sqlite3.SQLITE_BUSY: "is locked by another process",
    sqlite3.SQLITE_LOCKED: "is locked by another process",
    sqlite3.SQLITE_PERM: "cannot be opened: permission denied",
    sqlite3.SQLITE_READONLY: "cannot be written: it is read-only",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk fails",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore it from a backup",
    sqlite3.SQLITE_NOTADB: "is not a database",
}
"""The errors that lie with the file and not with the statement, by SQLite's primary result code."""


def sentence_of(file: Path, error: DBAPIError) -> str | None:
    """What ails the file, for the operator; None if the statement was at fault."""
    ailment = _SENTENCES.get(_primary_code(error))
    return f"{file} {ailment}" if ailment else None


def certainly_rolled_back(error: DBAPIError) -> bool:
    """Whether a COMMIT that failed so has left nothing: its last page did not reach the log."""
    return _primary_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL)


def _primary_code(error: DBAPIError) -> int:
    # Extended result codes (such as SQLITE_IOERR_FSYNC) have the primary one in the low byte.
    return getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
