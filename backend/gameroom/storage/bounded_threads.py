"""Threads for blocking work, with a bounded queue before them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from gameroom.errors import Unavailable

T = TypeVar("T")


class BoundedThreads:
    """Runs jobs in the order they come. Used on one event loop.

    At most `limit` jobs wait or run: one more is `Unavailable` at once, for it would wait longer than anybody
    waits for it. A job that has not begun within `deadline_s` is withdrawn and `Unavailable`. The end of one
    that has begun is always awaited: it must not be guessed.
    """

    def __init__(self, name: str, threads: int, limit: int, deadline_s: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._limit = limit
        self._deadline_s = deadline_s
        self._jobs = 0
        self._closed = False

    async def run(self, job: Callable[[], T]) -> T:
        """Raises what the job raises, and `Unavailable`: then it was not begun."""
        if self._closed:
            raise Unavailable("The server is stopping")
        if self._jobs >= self._limit:
            raise Unavailable("Too much waits for the database")
        self._jobs += 1
        try:
            return await self._result(self._executor.submit(job))
        finally:
            self._jobs -= 1

    async def _result(self, running: "Future[T]") -> T:
        result = asyncio.wrap_future(running)
        try:
            await asyncio.wait((result,), timeout=self._deadline_s)
            if not result.done() and running.cancel():
                raise Unavailable("The database is too slow")
            return await result
        finally:
            result.cancel()  # no effect once it is done; else whoever waited is gone: withdraw the job

    async def close(self) -> None:
        """Returns when the jobs that were taken are done and the threads have ended."""
        self._closed = True
        await asyncio.to_thread(self._executor.shutdown)
