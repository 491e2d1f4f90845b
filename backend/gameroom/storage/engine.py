"""The database of a process: work in threads, on a bounded number of connections."""

from contextlib import ExitStack
from math import inf

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from gameroom.storage import migrate
from gameroom.storage.backend import Backend, Pool, Pools
from gameroom.storage.backends import backend_of
from gameroom.storage.bounded_threads import BoundedThreads
from gameroom.storage.failures import DatabaseUnusable
from gameroom.storage.lanes import Lane, T, Work

WAITING_WRITES = 256
"""About a tenth of a second of small transactions."""
WAITING_READS = 256
DEADLINE_S = 10.0


class Database:
    """Runs work in transactions. In SQLite all writes of the process go one after the other, on one connection.

    A SQLite file is locked against other servers from `open` to `close`.
    """

    @classmethod
    def open(cls, url: str) -> "Database":
        """Raises `DatabaseUnusable`, also where the schema is not this code's (see `migrate.upgrade`). Blocks."""
        return cls._opened(backend_of(url))

    @classmethod
    def beside(cls, url: str) -> "Database":
        """The database of a server that may be running, for an operator's few and short transactions.

        Without the lock; what makes rooms needs it. Raises as `open`, and where there is no database yet. Blocks.
        """
        return cls._opened(backend_of(url).beside())

    @classmethod
    def _opened(cls, backend: Backend) -> "Database":
        resources = ExitStack()
        try:
            resources.enter_context(backend.held())
            pools = backend.pools()
            for pool in (pools.writer, pools.appender, pools.reader):
                resources.callback(pool.engine.dispose)
            _check(backend, pools.writer.engine)
        except BaseException:
            resources.close()
            raise
        return cls(backend, pools, resources)

    def __init__(self, backend: Backend, pools: Pools, resources: ExitStack) -> None:
        self.backend = backend
        self._resources = resources
        self._writes = self._lane("database-writer", pools.writer, WAITING_WRITES)
        self._reads = self._lane("database-reader", pools.reader, WAITING_READS)
        self._appends = (
            self._writes
            if pools.appender is pools.writer
            else self._lane("database-appender", pools.appender, WAITING_WRITES)
        )

    def _lane(self, name: str, pool: Pool, waiting: int) -> Lane:
        return Lane(self.backend, pool, BoundedThreads(name, pool.size, waiting, DEADLINE_S))

    async def write(self, work: Work[T], *, first: bool = False, by: float = inf) -> T:
        """Run the work in a transaction of its own and commit it; with `first` before all that waits.

        Work that has not begun by the loop's time `by` is withdrawn.

        What the work raises rolls everything back and is raised here. Raises `Unavailable`: certainly rolled
        back or never begun (the file is locked, the disk full, the server away, too much waits). Raises
        `OutcomeUnknown` where COMMIT failed midway.
        """
        return await self._writes.write(work, first=first, by=by)

    async def append(self, work: Work[T], *, first: bool = False) -> T:
        """Like `write`, for work on rows that claims wait for: none is locked while the database waits for us.

        In PostgreSQL each statement of the work is a transaction of its own, sent as one message: so a process that
        freezes between two of them holds nothing. In SQLite, which has no other writers, all are one transaction.
        The work must be right either way: with its first statement that changes anything it is done, and raises no
        more. In PostgreSQL it is not delayed by what `write` does.
        """
        return await self._appends.write(work, first=first, by=inf)

    async def read(self, work: Work[T]) -> T:
        """Run the work on one moment of the database. Raises what it raises, and `Unavailable`."""
        return await self._reads.read(work)

    async def close(self) -> None:
        """Finish what was taken, end the threads, close the connections and give the lock up."""
        await self._writes.close()
        await self._appends.close()
        await self._reads.close()
        self._resources.close()


def _check(backend: Backend, writer: Engine) -> None:
    try:
        with writer.begin() as connection:
            backend.check(connection)
            migrate.require_newest(connection)
    except DBAPIError as error:
        raise DatabaseUnusable(backend.sentence_of(error) or f"{backend.name}: {error.orig}") from error
