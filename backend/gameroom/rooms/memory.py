"""What an open room knows beside its state. None of it must survive a death: the journal has it, or nobody misses
it."""

from msgspec import Struct, field

from gameroom.rooms.card_book import CardBook
from gameroom.rooms.history import RecentEvents
from gameroom.rooms.parts import Parts
from gameroom.rooms.presence import Presence
from gameroom.rooms.window import CommandWindow


class Memory(Struct, kw_only=True):
    """`presence`: who is connected from where; `cards`: how its members are shown; `unsaved`: parts that were changed
    by play that is not journaled, and stand in the next record; `renewed`: another version of the game was the last to
    tell anything, and nobody was told that this one has the room now."""

    presence: Presence = field(default_factory=Presence)
    cards: CardBook = field(default_factory=CardBook)
    window: CommandWindow = field(default_factory=CommandWindow)
    recent: RecentEvents = field(default_factory=RecentEvents)
    unsaved: Parts = field(default_factory=dict)
    renewed: bool = False

    def settle(self) -> None:
        """What was decided is stored."""
        self.presence.settle()
        self.window.settle()

    def rollback(self) -> None:
        """What was decided since the last `settle` is certainly not stored."""
        self.presence.rollback()
        self.window.rollback()
