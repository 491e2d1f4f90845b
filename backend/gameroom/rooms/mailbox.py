"""What may wait for a room, and how who asked is told."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable

from gameroom.errors import GameroomError, Unavailable
from gameroom.rooms.entries import Ask, CardNews, Entry, Gone
from gameroom.rooms.rooms import Outcome, Tell

log = logging.getLogger(__name__)


class Mailbox:
    """What waits for one room, in its order.

    `most`: commands; further ones are refused. `is_decided`: whether a command repeats one that is decided, but not
    stored yet: of that nothing certain can be told, so it is not withdrawn.
    """

    def __init__(self, most: int, is_decided: Callable[[Ask], bool]) -> None:
        self._most = most
        self._is_decided = is_decided
        self._loop = asyncio.get_running_loop()
        self._entries: deque[Entry] = deque()
        self._asks = 0
        self._deadline: asyncio.TimerHandle | None = None

    def __bool__(self) -> bool:
        return bool(self._entries)

    def ask(self, ask: Ask) -> bool:
        """Whether it waits now; else it is refused at once: better an answer now than one that is too late."""
        if self._asks >= self._most:
            refusal = Unavailable(f"{self._asks} commands wait in this room already", retry_after_ms=1_000)
            tell_one(ask.tell, refusal)
            return False
        self._asks += 1
        self._entries.append(ask)
        return True

    def put(self, gone: Gone) -> None:
        self._entries.append(gone)

    def hear(self, news: CardNews) -> None:
        """What is newer takes the place of what waits."""
        self._entries = deque(entry for entry in self._entries if not news.settles(entry))
        self._entries.append(news)

    def take_over(self, waiting: list[Entry]) -> None:
        """What waited elsewhere, each with the deadline that it had."""
        self._asks += sum(isinstance(entry, Ask) for entry in waiting)
        self._entries.extend(waiting)

    def put_back(self, asks: list[Ask]) -> None:
        """Before all that waits, as if they had not been taken."""
        self._asks += len(asks)
        self._entries.extendleft(reversed(asks))

    def take(self) -> Entry:
        """The one that has waited longest."""
        entry = self._entries.popleft()
        self._asks -= isinstance(entry, Ask)
        return entry

    def take_all(self) -> list[Entry]:
        waiting, self._asks = list(self._entries), 0
        self._entries.clear()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        return waiting

    def watch(self) -> None:
        """While nothing can be decided, look after the deadline of what has waited longest."""
        if self._deadline is None:
            asks = (entry for entry in self._entries if isinstance(entry, Ask))
            first = next((ask for ask in asks if not self._is_decided(ask)), None)
            if first is not None:
                self._deadline = self._loop.call_at(first.expires_at, self._expire)

    def _expire(self) -> None:
        self._deadline = None
        now = self._loop.time()
        waiting, self._entries = self._entries, deque()
        for entry in waiting:
            if isinstance(entry, Ask) and entry.expires_at <= now and not self._is_decided(entry):
                self._asks -= 1
                tell_one(entry.tell, _too_late())
            else:
                self._entries.append(entry)
        self.watch()


def _too_late() -> Unavailable:
    return Unavailable("The room could not decide this in time; it was not applied")


def refuse(waiting: Iterable[Entry], error: GameroomError) -> None:
    """Tell everybody who waits that it will not be done."""
    for entry in waiting:
        if isinstance(entry, Ask):
            tell_one(entry.tell, error)


def tell_one(tell: Tell, outcome: Outcome) -> None:
    """One who cannot be told must cost the others nothing."""
    try:
        tell(outcome)
    except Exception:  # a bug of whoever asked
        log.exception("an outcome could not be told")
