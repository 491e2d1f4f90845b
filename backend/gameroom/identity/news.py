"""News of people: who shows them, or keeps something of theirs, hears at once when that has changed.

Told in the process in which it happened, after it was stored. A process that dies in between tells nobody: whoever
keeps something of people beyond its own life must look again when it starts.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from gameroom.protocol.views import User

logger = logging.getLogger(__name__)


class Reader(Protocol):
    """Called on the loop, of each user in the order in which things were stored; must neither wait nor raise."""

    def changed(self, user: User) -> None:
        """The user is shown differently from now on: another name, another picture, or no guest any more."""

    def deleted(self, user_id: str) -> None:
        """The account is gone, and with it every sign-in."""


class News:
    """Tells all readers; one that breaks keeps none of the others from hearing."""

    def __init__(self) -> None:
        self._readers: list[Reader] = []

    def watch(self, reader: Reader) -> None:
        self._readers.append(reader)

    def changed(self, user: User) -> None:
        self._tell(lambda reader: reader.changed(user))

    def deleted(self, user_id: str) -> None:
        self._tell(lambda reader: reader.deleted(user_id))

    def _tell(self, word: Callable[[Reader], None]) -> None:
        for reader in self._readers:
            try:
                word(reader)
            except Exception:
                # The change is stored: a reader's bug must not turn it into a failure for its author.
                logger.exception("Cannot pass on what changed of a user")
