"""What is SQLite's own: its file and lock, how connections are set up, and what its errors mean."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from gameroom.rooms.journal import Snapshot, Unit
from gameroom.storage.backend import Pool, Pools
from gameroom.storage.failures import DatabaseUnusable
from gameroom.storage.sqlite_batches import keep_snapshots, settle, store_batch

NEEDED_VERSION = (3, 35)
"""The first that knows RETURNING."""

READERS = 4

BUSY_TIMEOUT_S = 2.0
"""How long a statement waits for a lock that another process holds on the file."""

CHECKED_BYTES = 64 * 1024 * 1024
"""Up to this size the whole file is checked at the start: it takes a few tenths of a second.

Of a larger one only the header and the schema are read, so that a restart stays quick; damage deeper inside
shows with the first statement that meets it.
"""


class Sqlite:
    """Implements `Backend` over one file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def of(cls, url: URL) -> "Sqlite":
        """Raises `DatabaseUnusable` for anything but a file that this SQLite serves."""
        if sqlite3.sqlite_version_info < NEEDED_VERSION:
            raise DatabaseUnusable(
                f"SQLite 3.35 or newer is needed; this Python has {sqlite3.sqlite_version}"
            )
        if not url.database or url.database == ":memory:":
            raise DatabaseUnusable("The database must be a file: sqlite:///path/to/file.db")
        return cls(Path(url.database))

    @property
    def name(self) -> str:
        return f"sqlite:///{self._file}"

    def held(self) -> AbstractContextManager[None]:
        return locked(self._file)

    def pools(self) -> Pools:
        writer = Pool(writer_engine(self._file), 1)
        return Pools(writer=writer, appender=writer, reader=Pool(reader_engine(self._file, READERS), READERS))

    def migrator(self) -> Engine:
        return writer_engine(self._file)

    def looker(self) -> Engine:
        _require(self._file)
        return reader_engine(self._file, connections=1)

    def beside(self) -> "Sqlite":
        _require(self._file)
        return _Beside(self._file)

    def check(self, connection: Connection) -> None:
        check_undamaged(self._file, connection)

    def lock_schema(self, connection: Connection) -> None:
        """Its transaction is the only one that writes."""

    def sentence_of(self, error: DBAPIError) -> str | None:
        ailment = _SENTENCES.get(_primary_code(error))
        return f"{self._file} {ailment}" if ailment else None

    def certainly_undone(self, error: DBAPIError) -> bool:
        """Its last page did not reach the log."""
        return _primary_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL)

    def gave_way(self, error: DBAPIError) -> bool:
        return False

    def store_batch(self, connection: Connection, units: Sequence[Unit]) -> list[bool]:
        return store_batch(connection, units)

    def settle(self, connection: Connection, unit: Unit) -> None:
        settle(connection, unit)

    def keep_snapshots(self, connection: Connection, kept: Sequence[Snapshot]) -> list[bool]:
        return keep_snapshots(connection, kept)


class _Beside(Sqlite):
    """The file of a server that may be running: not locked, and nobody waits while it is looked through."""

    def held(self) -> AbstractContextManager[None]:
        return nullcontext()

    def check(self, connection: Connection) -> None:
        pass


def _require(file: Path) -> None:
    """Connecting would make the file. Raises `DatabaseUnusable`."""
    if not file.exists():
        raise DatabaseUnusable(f"There is no database {file}; --data-dir or --database-url say where it is")


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


def _primary_code(error: DBAPIError) -> int:
    # Extended result codes (such as SQLITE_IOERR_FSYNC) have the primary one in the low byte.
    return getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
