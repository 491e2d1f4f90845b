"""Notices when one turn of a room keeps the whole server waiting, and says where it is.

Handlers are synchronous and trusted not to hang; this is for finding the one that does. A thread looks now and then
at what the loop is doing, so a turn costs two assignments, and neither a clock nor a lock.
"""

import logging
import sys
import threading
import time
from traceback import format_stack

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.05
TOO_LONG_S = 0.1
FRAMES = 20
"""Of the stack, innermost last."""


class Watchdog:
    """Watches the thread that calls `start`. `turn` is what the loop does now: a room and its game, in a new tuple."""

    def __init__(self) -> None:
        self.turn: tuple[str, str] | None = None
        self._watched = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._watched = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="gameroom-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended, at once or nearly so."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        seen, since, told = self.turn, 0.0, False
        while not self._stop.wait(LOOK_EVERY_S):
            now = time.monotonic()
            if self.turn is not seen:
                seen, since, told = self.turn, now, False
            elif seen is not None and not told and now - since >= TOO_LONG_S:
                told = True
                self._tell(seen)

    def _tell(self, turn: tuple[str, str]) -> None:
        """Once for each turn. Where it has just ended the stack says nothing, and nothing is said."""
        frame = sys._current_frames().get(self._watched)
        stack = "".join(format_stack(frame, FRAMES))
        if self.turn is turn:
            log.warning(
                "room %s: a turn of the game %s takes more than %d ms, and all rooms wait for it; it is here:\n%s",
                *turn,
                TOO_LONG_S * 1000,
                stack,
            )
