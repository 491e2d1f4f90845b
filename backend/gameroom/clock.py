"""Time as the server tells it: whole milliseconds since the Unix epoch, UTC.

Inside, moments are `Millis`; on the wire they are RFC 3339 with milliseconds. Code that decides never asks the
clock itself: it is handed `now`.
"""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

Millis = int
"""A moment, in milliseconds since 1970-01-01T00:00:00Z, or a duration in milliseconds."""


class Clock(Protocol):
    """Where the edges and actors take the time from."""

    def now(self) -> Millis:
        """The wall clock's moment; may jump."""

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> Millis:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()


def rfc3339(moment: Millis) -> str:
    """`1764000000123` → `2025-11-24T16:00:00.123Z` (RFC 3339, UTC, milliseconds)."""
    second, rest = divmod(moment, 1000)
    return f"{_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=1024)
def _second(second: int) -> str:
    """Kept for a while: all that happens in one second bears it."""
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="seconds").removesuffix("+00:00")
