"""Sign-ins that ended a moment ago: a credential may have been checked just before, and be used just after."""

from collections import OrderedDict

from gameroom.clock import Clock
from gameroom.identity.revocations import Revocation, Why

REMEMBERED_S = 60.0
"""Far longer than a handshake takes between the check of its credential and the opening of its socket."""


class RecentRevocations:
    """Bounded by time: what is older than a minute is forgotten with the next one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ended: OrderedDict[str, tuple[Why, float]] = OrderedDict()

    def add(self, revocation: Revocation) -> None:
        now = self._clock.monotonic()
        self._ended[revocation.sign_in_id] = (revocation.why, now)
        while self._ended and next(iter(self._ended.values()))[1] < now - REMEMBERED_S:
            self._ended.popitem(last=False)

    def why(self, sign_in_id: str) -> Why | None:
        """Why the sign-in has ended, if it has lately."""
        ended = self._ended.get(sign_in_id)
        return ended[0] if ended else None
