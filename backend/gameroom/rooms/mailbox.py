"""What may wait for a room, and how who asked is told."""

import logging
from collections.abc import Iterable

from msgspec import Struct

from gameroom.errors import GameroomError
from gameroom.rooms.rooms import Card, Outcome, Request, Tell

log = logging.getLogger(__name__)


class Ask(Struct, frozen=True):
    """A command that waits. `expires_at`: in the loop's time; undecided then, it is withdrawn as `unavailable`."""

    request: Request
    tell: Tell
    expires_at: float


class Gone(Struct, frozen=True):
    """A connection that is gone. Never refused: there is at most one for each connection that joined."""

    user_id: str
    connection_id: str


class News(Struct, frozen=True):
    """How a user is shown from now on; None: its account is gone.

    Never refused: of each user at most the newest card waits, and the end.
    """

    user_id: str
    card: Card | None

    def settles(self, entry: "Entry") -> bool:
        """Whether the older `entry` need not be told any more. The end of an account is not undone by a late card."""
        if not isinstance(entry, News) or entry.user_id != self.user_id:
            return False
        return self.card is None or entry.card is not None


Entry = Ask | Gone | News


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
