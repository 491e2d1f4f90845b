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
        self._timers: tuple[TimerHandle, ...] = ()

    def watch(self, expires_at: Millis) -> None:
        """Wait for this end, and no longer for the one watched before."""
        self.stop()
        self._timers = (
            self._at(expires_at - WARNING_MS, self._expiring),
            self._at(expires_at, self._expired),
        )

    def stop(self) -> None:
        for timer in self._timers:
            timer.cancel()

    def _at(self, moment: Millis, call: Callable[[], None]) -> TimerHandle:
        return get_running_loop().call_later(max(0, moment - self._clock.now()) / 1000, call)
