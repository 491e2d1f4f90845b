"""The end of an access token, as its socket meets it."""

from asyncio import TimerHandle, get_running_loop
from collections.abc import Callable

from gameroom.clock import Clock, Millis

WARNING_MS = 60_000
"""How long before the end the client is told."""


class Expiry:
    """Calls `expiring` a minute before the token ends (at once, if less is left), and `expired` when it does."""

    def __init__(self, clock: Clock, expiring: Callable[[], None], expired: Callable[[], None]) -> None:
        self._clock = clock
        self._expiring = expiring
        self._expired = expired
        self._timer: TimerHandle | None = None

    def watch(self, expires_at: Millis) -> None:
        """Wait for this end, and no longer for the one watched before."""
        self.stop()
        left = max(0, expires_at - self._clock.now())
        warned_for = min(left, WARNING_MS)
        self._timer = _in(left - warned_for, self._warn, warned_for)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _warn(self, left: Millis) -> None:
        # The timer first: whoever is warned may stop all this, or watch another end.
        self._timer = _in(left, self._expired)
        self._expiring()


def _in(wait: Millis, call: Callable[..., None], *arguments: Millis) -> TimerHandle:
    return get_running_loop().call_later(wait / 1000, call, *arguments)
