"""The order in which the rooms of a node take their turns."""

import asyncio
from collections import deque
from collections.abc import Callable

TURNS_AT_ONCE = 32
"""Turns in one go of the loop: about a millisecond. Meanwhile others wait: sockets, and the journal, whose thread can
store what was decided while the next rooms decide."""


class Turns:
    """Each room in the order in which it wanted its turn. Bounded by the rooms: each waits for one at most."""

    def __init__(self) -> None:
        self._wanted: deque[Callable[[], None]] = deque()
        self._scheduled = False

    def want(self, take: Callable[[], None]) -> None:
        """Have the turn taken soon. Called on the loop."""
        self._wanted.append(take)
        if not self._scheduled:
            self._go_on()

    def _go_on(self) -> None:
        self._scheduled = True
        asyncio.get_running_loop().call_soon(self._take_some)

    def _take_some(self) -> None:
        try:
            for _ in range(min(TURNS_AT_ONCE, len(self._wanted))):
                self._wanted.popleft()()
        finally:  # a bug met in one room's turn must not cost the others theirs
            self._scheduled = False
            if self._wanted:
                self._go_on()
