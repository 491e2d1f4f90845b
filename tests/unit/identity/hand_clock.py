"""A clock that a test moves by hand."""

from gameroom.clock import Millis

START: Millis = 1_800_000_000_000


class HandClock:
    """Implements `Clock`; both its times go on together, and only when told to."""

    def __init__(self) -> None:
        self._passed_ms = 0

    def now(self) -> Millis:
        return START + self._passed_ms

    def monotonic(self) -> float:
        return self._passed_ms / 1000

    def pass_s(self, seconds: float) -> None:
        self._passed_ms += int(seconds * 1000)
