"""The owner of everything that the gateway waits for."""

import logging
from asyncio import Task, get_running_loop, wait
from collections.abc import Coroutine

logger = logging.getLogger(__name__)


class Tasks:
    """Runs coroutines until they end or `stop` is called. Each one answers for its own deadline and its own failures.

    Not a TaskGroup: there one failure would cancel every other connection's work.
    """

    def __init__(self) -> None:
        self._running: set[Task[None]] = set()

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run `work` on the loop; what it raises is our bug, and is logged."""
        task = get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

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
            logger.error("work of the gateway failed", exc_info=error)
