"""Sign-ins that ended a moment ago: a credential may have been checked just before, and be used just after."""

from collections import OrderedDict

from gameroom.clock import Clock
from gameroom.identity.revocations import Revocation

REMEMBERED_S = 60.0
"""Far longer than the check of a credential takes."""


class RecentRevocations:
    """Bounded by time: what is older than a minute is forgotten with the next one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ended: OrderedDict[str, tuple[Revocation, float]] = OrderedDict()

    def add(self, revocation: Revocation) -> None:
        now = self._clock.monotonic()
        self._ended[revocation.sign_in_id] = (revocation, now)
        while self._ended and next(iter(self._ended.values()))[1] < now - REMEMBERED_S:
            self._ended.popitem(last=False)

    def of(self, sign_in_id: str) -> Revocation | None:
        """How the sign-in has ended, if it has lately."""
        ended = self._ended.get(sign_in_id)
        return ended[0] if ended else None
