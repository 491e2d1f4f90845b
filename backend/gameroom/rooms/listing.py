"""What must be known of a room without opening it, kept up to date beside its state."""

from gameroom.games.registry import GameType
from gameroom.rooms.journal import Listing
from gameroom.rooms.parts import MEMBER, ROOM, Parts
from gameroom.rooms.state import RoomState
from gameroom.rooms.views import summary


class Listings:
    """Makes a room's listing, and only when it may have changed: it costs in proportion to the members."""

    def __init__(self, room_id: str, game_type: GameType, state: RoomState) -> None:
        self._room_id = room_id
        self._game_type = game_type
        self._state = state
        self._last: Listing | None = None
        self._stale = True

    def note(self, changes: Parts) -> None:
        """This is what a turn is about to commit."""
        before, now = self._state.play_before, self._state.play
        self._stale = (
            self._stale
            or (before.status, before.timers) != (now.status, now.timers)
            or any(key == ROOM or key.startswith(MEMBER) for key in changes)
        )

    def changed(self) -> Listing | None:
        """The listing, if it is another than at the last call."""
        if not self._stale:
            return None
        self._stale = False
        listing = self._make()
        if listing == self._last:
            return None
        self._last = listing
        return listing

    def _make(self) -> Listing:
        is_closed = self._state.play.status == "closed"
        return Listing(
            summary=summary(self._room_id, self._game_type, self._state),
            game_version=self._game_type.version,
            visibility=self._state.room.visibility,
            invite_code=self._state.room.invite_code,
            member_ids=() if is_closed else tuple(self._state.members),
            next_due_at=self._state.next_due_at(),
            occupied=not is_closed and self._state.anyone_connected(),
        )
