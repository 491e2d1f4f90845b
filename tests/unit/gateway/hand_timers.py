"""Timers that a test drives by hand, so that what must not happen is known not to have happened."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Timer:
    """Stands in for `asyncio.TimerHandle`."""

    due: float
    call: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class HandTimers:
    """Stands in for the loop of whoever sets timers; time passes only when the test says so."""

    now: float = 0.0
    _waiting: list[Timer] = field(default_factory=list)

    def call_later(self, delay: float, call: Callable[..., object], *args: object) -> Timer:
        timer = Timer(self.now + delay, lambda: call(*args))
        self._waiting.append(timer)
        return timer

    def pass_s(self, seconds: float) -> None:
        """Let time pass; what is due meanwhile is called, in its order, also what is set meanwhile."""
        end = self.now + seconds
        while due := [timer for timer in self._waiting if timer.due <= end and not timer.cancelled]:
            timer = min(due, key=lambda timer: timer.due)
            self._waiting.remove(timer)
            self.now = timer.due
            timer.call()
        self.now = end
