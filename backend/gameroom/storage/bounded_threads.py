"""Threads for blocking work, with a bounded queue before them."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import TypeVar

from gameroom.errors import Unavailable

T = TypeVar("T")


class BoundedThreads:
    """Runs jobs in the order they come, those with `first` before all that wait. Used on one event loop.

    At most `limit` jobs wait or run, those with `first` not counted: one more is `Unavailable` at once, for it would
    wait longer than anybody waits for it. A job that has not begun within `deadline_s` is withdrawn and
    `Unavailable`. The end of one that has begun is always awaited: it must not be guessed.
    """

    def __init__(self, name: str, threads: int, limit: int, deadline_s: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._limit = limit
        self._deadline_s = deadline_s
        self._threads = threads
        self._idle = threads
        self._all_idle = asyncio.Event()
        self._all_idle.set()
        self._jobs = 0
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._closed = False

    async def run(self, job: Callable[[], T], *, first: bool = False, by: float = inf) -> T:
        """Raises what the job raises, and `Unavailable`: then it was not begun.

        `by`: when the job is withdrawn at the latest, in the loop's time.
        """
        if self._closed:
            raise Unavailable("The server is stopping")
        if first:
            return await self._run(job, self._first, by)
        if self._jobs >= self._limit:
            raise Unavailable("Too much waits for the database")
        self._jobs += 1
        try:
            return await self._run(job, self._others, by)
        finally:
            self._jobs -= 1

    async def _run(self, job: Callable[[], T], queue: "deque[asyncio.Future[None]]", by: float) -> T:
        await self._take_thread(queue, by)
        running = asyncio.wrap_future(self._executor.submit(job))
        running.add_done_callback(self._ended)
        return await asyncio.shield(running)

    def _ended(self, running: "asyncio.Future[T]") -> None:
        if not running.cancelled():
            running.exception()  # seen, also where whoever waited is gone
        self._give_back()

    async def _take_thread(self, queue: "deque[asyncio.Future[None]]", by: float) -> None:
        if self._idle:
            self._idle -= 1
            self._all_idle.clear()
            return
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout_at(min(by, loop.time() + self._deadline_s)):
                await turn
        except BaseException as error:
            self._withdraw(turn, queue)
            if isinstance(error, TimeoutError):
                raise Unavailable("The database is too slow") from None
            raise

    def _withdraw(self, turn: "asyncio.Future[None]", queue: "deque[asyncio.Future[None]]") -> None:
        """Whoever waited is gone: its turn, if it came at that very moment, is somebody else's."""
        if turn in queue:
            queue.remove(turn)
        elif not turn.cancelled():
            self._give_back()

    def _give_back(self) -> None:
        """A thread is free: the next one's turn."""
        for queue in (self._first, self._others):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._idle += 1
        if self._idle == self._threads:
            self._all_idle.set()

    async def close(self) -> None:
        """Returns when the jobs that were taken are done and the threads have ended."""
        self._closed = True
        await self._all_idle.wait()
        await asyncio.to_thread(self._executor.shutdown)
