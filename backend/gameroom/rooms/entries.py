"""What may wait for a room."""

from msgspec import Struct

from gameroom.rooms.rooms import Card, Request, Tell


class Ask(Struct, frozen=True):
    """A command that waits. `expires_at`: in the loop's time; undecided then, it is withdrawn as `unavailable`."""

    request: Request
    tell: Tell
    expires_at: float


class Gone(Struct, frozen=True):
    """A connection that is gone. Never refused: there is at most one for each connection that joined."""

    user_id: str
    connection_id: str


class CardNews(Struct, frozen=True):
    """How a user is shown from now on; None: its account is gone.

    Never refused: of each user at most the newest card waits, and the end.
    """

    user_id: str
    card: Card | None

    def settles(self, entry: "Entry") -> bool:
        """Whether the older `entry` need not be told any more. The end of an account is not undone by a late card."""
        if not isinstance(entry, CardNews) or entry.user_id != self.user_id:
            return False
        return self.card is None or entry.card is not None


Entry = Ask | Gone | CardNews
