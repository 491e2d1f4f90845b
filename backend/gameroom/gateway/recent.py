"""What was told a moment ago: a credential may have been checked just before, and be used just after."""

from collections import OrderedDict
from typing import Generic, TypeVar

from gameroom.clock import Clock

V = TypeVar("V")
D = TypeVar("D")

REMEMBERED_S = 60.0
"""Far longer than the check of a credential takes."""


class Recent(Generic[V]):
    """The last word about each key. Bounded by time: what is older than a minute is forgotten with the next one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told = 0
        self._last: OrderedDict[str, tuple[V, int, float]] = OrderedDict()

    @property
    def told(self) -> int:
        """How much was told; what comes later is news since this moment."""
        return self._told

    def add(self, key: str, word: V) -> None:
        now = self._clock.monotonic()
        self._told += 1
        self._last[key] = (word, self._told, now)
        self._last.move_to_end(key)
        while next(iter(self._last.values()))[2] < now - REMEMBERED_S:
            self._last.popitem(last=False)

    def last(self, key: str, default: D, since: int = 0) -> V | D:
        """What was told last about the key, if that was after the moment `since`; else the default."""
        if key not in self._last:
            return default
        word, number, _ = self._last[key]
        return word if number > since else default
