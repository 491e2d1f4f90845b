"""Jobs in threads: their order, their bounds, and their ends."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from gameroom.errors import Unavailable
from gameroom.storage.bounded_threads import BoundedThreads


class Gate:
    """A job that runs until it is let go."""

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._go = threading.Event()

    def __call__(self) -> None:
        self._begun.set()
        assert self._go.wait(10)

    async def begun(self) -> None:
        assert await asyncio.to_thread(self._begun.wait, 10)

    def open(self) -> None:
        self._go.set()


@pytest.fixture
async def threads() -> AsyncIterator[BoundedThreads]:
    threads = BoundedThreads("test", 1, limit=3, deadline_s=10)
    yield threads
    await threads.close()


async def start(job: "asyncio.Task[None]", gate: Gate) -> None:
    await gate.begun()
    assert not job.done()


def noting(done: list[str], name: str) -> Callable[[], None]:
    return lambda: done.append(name)


async def test_jobs_run_in_the_order_they_come_and_the_first_before_all_that_wait(
    threads: BoundedThreads,
) -> None:
    gate, done = Gate(), list[str]()
    running = asyncio.create_task(threads.run(gate))
    await start(running, gate)
    async with asyncio.TaskGroup() as group:
        for name in ("a", "b"):
            group.create_task(threads.run(noting(done, name)))
            await asyncio.sleep(0)
        group.create_task(threads.run(noting(done, "first"), first=True))
        await asyncio.sleep(0)
        gate.open()
    await running
    assert done == ["first", "a", "b"]


async def test_one_more_than_the_limit_is_refused_at_once_but_not_what_goes_first(
    threads: BoundedThreads,
) -> None:
    gate, done = Gate(), list[str]()
    running = asyncio.create_task(threads.run(gate))
    await start(running, gate)
    waiting = [asyncio.create_task(threads.run(noting(done, name))) for name in ("a", "b")]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="Too much"):
        await threads.run(noting(done, "too many"))
    first = asyncio.create_task(threads.run(noting(done, "first"), first=True))
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(running, first, *waiting)
    assert done == ["first", "a", "b"]


async def test_a_job_that_cannot_begin_in_time_is_withdrawn() -> None:
    threads = BoundedThreads("test", 1, limit=3, deadline_s=0.05)
    gate, done = Gate(), list[str]()
    running = asyncio.create_task(threads.run(gate))
    await start(running, gate)
    with pytest.raises(Unavailable, match="too slow"):
        await threads.run(noting(done, "late"))
    gate.open()
    await running
    await threads.run(noting(done, "after"))
    assert done == ["after"]
    await threads.close()


async def test_a_job_that_must_begin_sooner_is_withdrawn_sooner(threads: BoundedThreads) -> None:
    gate, done = Gate(), list[str]()
    running = asyncio.create_task(threads.run(gate))
    await start(running, gate)
    async with asyncio.timeout(1):
        with pytest.raises(Unavailable, match="too slow"):
            await threads.run(noting(done, "late"), by=asyncio.get_running_loop().time() + 0.05)
    gate.open()
    await running
    assert done == []


async def test_whoever_is_cancelled_while_waiting_gives_the_turn_to_the_next(threads: BoundedThreads) -> None:
    gate, done = Gate(), list[str]()
    running = asyncio.create_task(threads.run(gate))
    await start(running, gate)
    gone = asyncio.create_task(threads.run(noting(done, "gone")))
    stays = asyncio.create_task(threads.run(noting(done, "stays")))
    await asyncio.sleep(0)
    gone.cancel()
    gate.open()
    await asyncio.gather(running, stays)
    assert done == ["stays"]


async def test_a_job_that_has_begun_ends_though_nobody_waits_for_it(threads: BoundedThreads) -> None:
    gate, done = Gate(), list[str]()
    running = asyncio.create_task(threads.run(gate))
    await start(running, gate)
    running.cancel()
    after = asyncio.create_task(threads.run(noting(done, "after")))
    await asyncio.sleep(0)
    assert done == []
    gate.open()
    await after
    assert done == ["after"]


async def test_close_waits_for_what_was_taken_and_takes_no_more() -> None:
    threads = BoundedThreads("test", 1, limit=3, deadline_s=10)
    gate, done = Gate(), list[str]()
    running = asyncio.create_task(threads.run(gate))
    await start(running, gate)
    waiting = asyncio.create_task(threads.run(noting(done, "taken")))
    await asyncio.sleep(0)
    closing = asyncio.create_task(threads.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="stopping"):
        await threads.run(noting(done, "too late"))
    gate.open()
    await asyncio.gather(running, waiting, closing)
    assert done == ["taken"]
