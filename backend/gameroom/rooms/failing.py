"""Rooms that their game cannot take up: its code has changed, and does not read what it once stored."""

import logging

from msgspec import Struct

from gameroom.clock import Clock
from gameroom.errors import GameFailed
from gameroom.rooms.discretion import Discretion
from gameroom.rooms.entries import Ask

log = logging.getLogger(__name__)

PAUSE_S = 30.0
"""For so long nobody tries again: it takes the reading of a whole room, and mostly comes to the same."""


class _Failure(Struct, frozen=True):
    why: GameFailed
    until: float
    private: bool


class FailingRooms:
    """Remembers each from its first failure on; the log has one line for each, and one traceback for each game."""

    def __init__(self, clock: Clock, discretion: Discretion) -> None:
        self._clock = clock
        self._discretion = discretion
        self._failures: dict[str, _Failure] = {}
        self._shown: set[str] = set()

    def __contains__(self, room_id: str) -> bool:
        """Whether it failed just now."""
        failure = self._failures.get(room_id)
        return failure is not None and self._clock.monotonic() < failure.until

    def add(self, room_id: str, game: str, error: GameFailed, *, private: bool) -> None:
        """The room could not be opened. `private`: outsiders may not learn that it is there."""
        if room_id not in self._failures:
            self._log(room_id, game, error)
        # A fresh error: that one holds the frames of the author's code.
        why = GameFailed(error.message)
        self._failures[room_id] = _Failure(why, self._clock.monotonic() + PAUSE_S, private)

    def opened(self, room_id: str) -> None:
        """It did go on."""
        self._failures.pop(room_id, None)

    def refuse(self, ask: Ask) -> None:
        """Tell why the command is not done."""
        failure = self._failures[ask.request.room_id]
        self._discretion.refuse(ask, failure.why, private=failure.private)

    def _log(self, room_id: str, game: str, error: GameFailed) -> None:
        log.error(
            "room %s: the game %s cannot take it up: %s. Nothing of it is lost: it waits for a game that reads what is "
            "stored (the former file, or a new version whose migrate_state does)",
            room_id,
            game,
            error.message,
            exc_info=None if game in self._shown else error,
        )
        self._shown.add(game)
