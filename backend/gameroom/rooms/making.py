"""How many rooms one user may make: each is written down for good, by whichever door it is asked for."""

from collections import Counter

from gameroom.clock import Clock
from gameroom.errors import RateLimited

ROOMS_A_MINUTE = 60
"""Unless the policy says otherwise."""

WINDOW_S = 60.0


class MakingLimit:
    """Counts by the minute, in memory and for this node alone; a minute's counts are forgotten with it."""

    def __init__(self, clock: Clock, rooms_a_minute: int) -> None:
        self._clock = clock
        self._rooms_a_minute = rooms_a_minute
        self._window = 0.0
        self._made: Counter[str] = Counter()

    def count(self, user_id: str) -> None:
        """The user makes a room. Raises `RateLimited`, which says when the next one is welcome."""
        window, passed_s = divmod(self._clock.monotonic(), WINDOW_S)
        if window != self._window:
            self._window, self._made = window, Counter()
        if self._made[user_id] >= self._rooms_a_minute:
            wait_ms = int((WINDOW_S - passed_s) * 1000) + 1
            raise RateLimited("You make too many rooms; wait a little", retry_after_ms=wait_ms)
        self._made[user_id] += 1
