"""When sockets send what may wait a little: all of one loop at the same moments, so that much leaves together."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from weakref import WeakKeyDictionary

from gameroom.clock import Millis

Flush = Callable[[], None]


class Departures:
    """Of one loop. One timer for each waiting time, however many wait; none while nobody does."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[Millis, list[Flush]] = {}

    def leave_within(self, wait_ms: Millis, flush: Flush) -> None:
        """Have `flush` called in so many milliseconds, or sooner."""
        waiting = self._waiting.get(wait_ms)
        if waiting is None:
            self._waiting[wait_ms] = [flush]
            self._loop.call_later(wait_ms / 1000, self._leave, wait_ms)
        else:
            waiting.append(flush)

    def _leave(self, wait_ms: Millis) -> None:
        for flush in self._waiting.pop(wait_ms):
            flush()


_of_loops: "WeakKeyDictionary[AbstractEventLoop, Departures]" = WeakKeyDictionary()


def departures_of(loop: AbstractEventLoop) -> Departures:
    """Those of this loop, always the same."""
    departures = _of_loops.get(loop)
    if departures is None:
        departures = _of_loops[loop] = Departures(loop)
    return departures
