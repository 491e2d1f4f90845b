"""How much one connection may send."""

from gameroom.clock import Clock, Millis

FLOOD_FACTOR = 10
"""A connection that sends this many times what it may is closed."""


class TokenBucket:
    """Lets `rate` things a second through, and `burst` at once."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled_at = now

    def take(self, now: float) -> float:
        """Take one token: 0.0; or, when there is none, the seconds until there will be."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0.0


class Flooded(Exception):
    """The connection sends ten times what it may, refusals notwithstanding."""


class FrameLimit:
    """The frames of one socket, pings and pongs included: each costs us a little, whatever we answer.

    Refused frames count too, against a second bucket that ends the connection.
    """

    def __init__(self, clock: Clock, rate: float, burst: float) -> None:
        self._clock = clock
        now = clock.monotonic()
        self._admitted = TokenBucket(rate, burst, now)
        self._refused = TokenBucket(rate * (FLOOD_FACTOR - 1), burst * (FLOOD_FACTOR - 1), now)

    def take(self) -> Millis:
        """Count one frame. 0: it is welcome; else it is not, and the next one is in so many milliseconds.

        Raises `Flooded`.
        """
        now = self._clock.monotonic()
        wait = self._admitted.take(now)
        if wait and self._refused.take(now):
            raise Flooded
        return int(wait * 1000) + 1 if wait else 0
