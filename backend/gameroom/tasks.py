"""The owner of what goes on in the background: every task has one, which awaits it."""

import logging
from asyncio import Event, Task, get_running_loop, timeout, wait
from collections.abc import Coroutine
from contextlib import suppress

logger = logging.getLogger(__name__)


async def pause(seconds: float, *, unless: Event) -> None:
    """Wait so long, but no longer than until `unless` is set."""
    with suppress(TimeoutError):
        async with timeout(seconds):
            await unless.wait()


class Tasks:
    """Runs coroutines until they end or `stop` is called. Each one answers for its own deadline and its own failures.

    Not a TaskGroup: there one failure would cancel the work of everybody else.
    """

    def __init__(self) -> None:
        self._running: set[Task[None]] = set()

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run `work` on the loop; what it raises is our bug, and is logged."""
        task = get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    async def finish(self, deadline_s: float) -> None:
        """Wait for what runs to end, at most so many seconds; then stop."""
        if self._running:
            await wait(tuple(self._running), timeout=deadline_s)
        await self.stop()

    async def stop(self) -> None:
        """Cancel what still runs, and await its end."""
        for task in self._running:
            task.cancel()
        await self.idle()

    async def idle(self) -> None:
        """Until nothing runs."""
        while self._running:
            await wait(self._running)

    def _done(self, task: Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("work in the background failed", exc_info=error)
