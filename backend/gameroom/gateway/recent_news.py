"""What was told of users a moment ago: a credential may have been read just before, and be used just after."""

from collections import OrderedDict

from gameroom.clock import Clock
from gameroom.identity.account import account_gone
from gameroom.protocol.views import User

REMEMBERED_S = 60.0
"""Far longer than the check of a credential takes."""


class RecentNews:
    """Bounded by time: what is older than a minute is forgotten with the next one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told = 0
        self._last: OrderedDict[str, tuple[User | None, int, float]] = OrderedDict()

    @property
    def told(self) -> int:
        """How much news there has been; what comes later is news since this moment."""
        return self._told

    def add(self, user_id: str, user: User | None) -> None:
        """The user as of now; None: deleted."""
        now = self._clock.monotonic()
        self._told += 1
        self._last[user_id] = (user, self._told, now)
        self._last.move_to_end(user_id)
        while next(iter(self._last.values()))[2] < now - REMEMBERED_S:
            self._last.popitem(last=False)

    def newest(self, user: User, since: int) -> User:
        """The user as last told since that moment, else as given. Raises `Unauthenticated` if deleted since."""
        newest, number, _ = self._last.get(user.user_id, (user, 0, 0.0))
        if number <= since:
            return user
        if newest is None:
            raise account_gone()
        return newest
