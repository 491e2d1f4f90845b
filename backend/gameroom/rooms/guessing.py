"""How often a user may offer a wrong password to a room: nobody shall find it by trying."""

from collections import Counter

from gameroom.clock import Clock
from gameroom.errors import RateLimited, WrongRoomPassword
from gameroom.protocol.commands import JoinRoom
from gameroom.rooms.entries import Ask
from gameroom.rooms.rooms import Outcome

WRONG_A_MINUTE = 10
WINDOW_S = 60.0
MOST_COUNTED = 10_000
"""Users and rooms that are counted in one minute; of further ones the first is forgotten."""


class Guesses:
    """Counts by the minute, in memory and for this node alone; a minute's counts are forgotten with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._window = 0.0
        self._wrong: Counter[tuple[str, str]] = Counter()

    def counted(self, ask: Ask) -> Ask:
        """The same, with its password counted as wrong until it is told that it is not. So of many at once no more are
        tried than one after the other. Raises `RateLimited`, which says when the next one is welcome."""
        if not isinstance(ask.request.command, JoinRoom) or ask.request.command.password is None:
            return ask
        line = (ask.request.sender.user_id, ask.request.room_id)
        self._count(line)

        def told(outcome: Outcome) -> None:
            if not isinstance(outcome, WrongRoomPassword):
                self._forgive(line)
            ask.tell(outcome)

        return Ask(ask.request, told, ask.expires_at)

    def _count(self, line: tuple[str, str]) -> None:
        window, passed_s = divmod(self._clock.monotonic(), WINDOW_S)
        if window != self._window:
            self._window, self._wrong = window, Counter()
        if self._wrong[line] >= WRONG_A_MINUTE:
            wait_ms = int((WINDOW_S - passed_s) * 1000) + 1
            raise RateLimited("Too many wrong passwords for this room; wait a little", retry_after_ms=wait_ms)
        self._wrong[line] += 1
        if len(self._wrong) > MOST_COUNTED:
            del self._wrong[next(iter(self._wrong))]

    def _forgive(self, line: tuple[str, str]) -> None:
        """It was counted in this minute or in one before, whose counts are gone."""
        self._wrong[line] -= 1
        if self._wrong[line] <= 0:
            del self._wrong[line]
