"""How work reaches the database: through bounded threads, in one of three ways of holding it together."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gameroom.errors import Unavailable
from gameroom.storage.backend import Backend, Pool
from gameroom.storage.bounded_threads import BoundedThreads
from gameroom.storage.failures import OutcomeUnknown

ATTEMPTS = 3
"""Of work that had to give way to another transaction each time."""

T = TypeVar("T")
Work = Callable[[Connection], T]
"""What is done in one transaction, in a thread: it touches nothing but the connection and its arguments.

After it was rolled back it may be done again.
"""

_log = logging.getLogger(__name__)


class Lane:
    """The connections of one pool, and a thread for each."""

    def __init__(self, backend: Backend, pool: Pool, threads: BoundedThreads) -> None:
        self._backend = backend
        self._pool = pool
        self._threads = threads

    async def write(self, work: Work[T], *, first: bool, by: float) -> T:
        """As `Database.write`."""
        return await self._threads.run(partial(self._write, work), first=first, by=by)

    async def read(self, work: Work[T]) -> T:
        """As `Database.read`."""
        return await self._threads.run(partial(self._read, work))

    async def close(self) -> None:
        """Finish what was taken, and end the threads."""
        await self._threads.close()

    def _write(self, work: Work[T]) -> T:
        with self._ailments():
            for _ in range(ATTEMPTS - 1):
                try:
                    return self._write_once(work)
                except DBAPIError as error:
                    if not self._backend.gave_way(error):
                        raise
            return self._write_once(work)

    def _write_once(self, work: Work[T]) -> T:
        with self._begun() as connection:
            if self._pool.autocommit:
                with self._doubts(connection):
                    return work(connection)
            result = work(connection)
            with self._doubts(connection):
                connection.commit()
            return result

    def _read(self, work: Work[T]) -> T:
        with self._ailments(), self._begun() as connection:
            result = work(connection)
            connection.commit()
            return result

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        """A connection in a transaction, which is rolled back unless the work commits it."""
        connection = self._pool.engine.connect()
        try:
            try:
                connection.begin()
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                # It had died while it waited in the pool: the next one is new.
                connection.close()
                connection = self._pool.engine.connect()
                connection.begin()
            yield connection
        finally:
            connection.close()

    @contextmanager
    def _doubts(self, connection: Connection) -> Iterator[None]:
        """What happens in here is told certainly: done, undone (the error), or `OutcomeUnknown`."""
        try:
            yield
        except DBAPIError as error:
            undone = self._backend.certainly_undone(error)
            if not (undone and self._pool.autocommit):
                connection.invalidate()  # in an unknown state: the next transaction gets a new one
            if undone:
                raise
            _log.error("the outcome of a COMMIT is unknown: %s", " ".join(str(error.orig).split()))
            raise OutcomeUnknown("COMMIT failed") from error

    @contextmanager
    def _ailments(self) -> Iterator[None]:
        """Errors of the database, not of the work, become `Unavailable`, and are told to the operator."""
        try:
            yield
        except DBAPIError as error:
            sentence = self._backend.sentence_of(error)
            if sentence is None:
                raise
            _log.error("%s", sentence)
            raise Unavailable("The database cannot be used at the moment") from error
