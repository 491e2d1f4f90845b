"""The database of a process: transactions in threads, all writes on one of them."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from math import inf
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gameroom.errors import Unavailable
from gameroom.storage import migrate, sqlite
from gameroom.storage.bounded_threads import BoundedThreads
from gameroom.storage.failures import DatabaseUnusable, OutcomeUnknown

READERS = 4
WAITING_WRITES = 256
"""About a tenth of a second of small transactions."""
WAITING_READS = 256
DEADLINE_S = 10.0

T = TypeVar("T")
Work = Callable[[Connection], T]
"""What is done in one transaction, in a thread: it touches nothing but the connection and its arguments."""

Check = Callable[[Path, Connection], None]
"""Looks at the file before it is used. Raises `DatabaseUnusable`."""

_log = logging.getLogger(__name__)


class Database:
    """Runs work in transactions. All writes of the process go one after the other, on one connection.

    The file is locked against other servers from `open` to `close`.
    """

    @classmethod
    def open(cls, url: str) -> "Database":
        """Raises `DatabaseUnusable`, also where the schema is not this code's (see `migrate.upgrade`). Blocks."""
        file = sqlite.file_of(url)
        return cls._opened(file, sqlite.locked(file), sqlite.check_undamaged)

    @classmethod
    def beside(cls, url: str) -> "Database":
        """The database of a server that may be running, for an operator's few and short transactions.

        Without the lock; what makes rooms needs it. Raises as `open`, and where there is no database yet. Blocks.
        """
        file = sqlite.existing_file_of(url)
        return cls._opened(file, nullcontext(), _taken_as_it_is)

    @classmethod
    def _opened(cls, file: Path, held: AbstractContextManager[None], check: Check) -> "Database":
        resources = ExitStack()
        try:
            resources.enter_context(held)
            writer = resources.enter_context(_disposing(sqlite.writer_engine(file)))
            _check(file, writer, check)
            readers = resources.enter_context(_disposing(sqlite.reader_engine(file, READERS)))
        except BaseException:
            resources.close()
            raise
        return cls(file, writer, readers, resources)

    def __init__(self, file: Path, writer: Engine, readers: Engine, resources: ExitStack) -> None:
        self._file = file
        self._writer = writer
        self._readers = readers
        self._resources = resources
        self._write_thread = BoundedThreads("database-writer", 1, WAITING_WRITES, DEADLINE_S)
        self._read_threads = BoundedThreads("database-reader", READERS, WAITING_READS, DEADLINE_S)

    async def write(self, work: Work[T], *, first: bool = False, by: float = inf) -> T:
        """Run the work in a transaction of its own and commit it; with `first` before all that waits.

        Work that has not begun by the loop's time `by` is withdrawn.

        What the work raises rolls everything back and is raised here. Raises `Unavailable`: certainly rolled
        back or never begun (the file is locked, the disk full, too much waits). Raises `OutcomeUnknown` where
        COMMIT failed midway.
        """
        return await self._write_thread.run(partial(self._write, work), first=first, by=by)

    async def read(self, work: Work[T]) -> T:
        """Run the work on one moment of the database. Raises what it raises, and `Unavailable`."""
        return await self._read_threads.run(partial(self._read, work))

    async def close(self) -> None:
        """Finish what was taken, end the threads, close the connections and give the lock up."""
        await self._write_thread.close()
        await self._read_threads.close()
        self._resources.close()

    def _write(self, work: Work[T]) -> T:
        with self._ailments(), self._writer.connect() as connection:
            connection.begin()
            result = work(connection)
            _commit(connection)
            return result

    def _read(self, work: Work[T]) -> T:
        with self._ailments(), self._readers.connect() as connection, connection.begin():
            return work(connection)

    @contextmanager
    def _ailments(self) -> Iterator[None]:
        """Errors of the file, not of the work, become `Unavailable`, and are told to the operator."""
        try:
            yield
        except DBAPIError as error:
            sentence = sqlite.sentence_of(self._file, error)
            if sentence is None:
                raise
            _log.error("%s", sentence)
            raise Unavailable("The database cannot be used at the moment") from error


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except DBAPIError as error:
        connection.invalidate()  # in an unknown state: the next transaction gets a new one
        if sqlite.certainly_rolled_back(error):
            raise
        _log.error("COMMIT failed: %s", error.orig)
        raise OutcomeUnknown("COMMIT failed") from error


def _taken_as_it_is(_: Path, __: Connection) -> None:
    """Whoever comes beside a server does not make it wait while the whole file is looked through."""


def _check(file: Path, writer: Engine, check: Check) -> None:
    try:
        with writer.begin() as connection:
            check(file, connection)
            migrate.require_newest(connection)
    except DBAPIError as error:
        raise DatabaseUnusable(sqlite.sentence_of(file, error) or f"{file}: {error.orig}") from error


@contextmanager
def _disposing(engine: Engine) -> Iterator[Engine]:
    try:
        yield engine
    finally:
        engine.dispose()
