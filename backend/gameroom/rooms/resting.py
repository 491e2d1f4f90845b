"""A room at rest: nothing has reached it for a while, so it is kept as bytes until something does."""

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from gameroom.games.registry import GameType
from gameroom.rooms.history import RecentEvents
from gameroom.rooms.memory import Memory
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.presence import Presence
from gameroom.rooms.records import Position
from gameroom.rooms.room import Room
from gameroom.rooms.state import RoomState


class Resting(Struct, frozen=True, kw_only=True):
    """All of a room in little memory: `parts` encoded, `events` packed (None: the journal has them)."""

    room_id: str
    term: int
    game_type: GameType
    policy: RoomPolicy
    position: Position
    is_private: bool
    parts: bytes
    events: bytes | None
    memory: Memory

    @classmethod
    def of(cls, room: Room) -> "Resting":
        """The room as it is; nothing of it may be pending."""
        journaled = room.game_type.durability == "journal"
        return cls(
            room_id=room.room_id,
            term=room.term,
            game_type=room.game_type,
            policy=room.policy,
            position=room.position,
            is_private=room.is_private,
            parts=msgspec.json.encode(room.state.whole()),
            events=None if journaled else room.memory.recent.packed(),
            memory=replace(room.memory, recent=NO_EVENTS),
        )

    def wake(self) -> Room:
        """The room as it was. Raises `GameFailed` or `MsgspecError` where that is impossible: a bug of ours."""
        parts = {key: bytes(data) for key, data in _PARTS.decode(self.parts).items()}
        recent = RecentEvents() if self.events is None else RecentEvents.of(self.events)
        return Room(
            self.room_id,
            self.term,
            self.game_type,
            RoomState.decode(self.game_type, parts),
            self.position,
            policy=self.policy,
            memory=replace(self.memory, recent=recent),
        )

    @property
    def presence(self) -> Presence:
        return self.memory.presence

    @property
    def is_quiet(self) -> bool:
        return not self.presence

    def has_decided(self, user_id: str, command_id: str | None) -> bool:
        return command_id is not None and self.memory.window.has(user_id, command_id)


NO_EVENTS = RecentEvents()
"""Stands where a room at rest has none: one for all of them."""

_PARTS = msgspec.json.Decoder(dict[str, Raw])
