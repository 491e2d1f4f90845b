"""The state of a room: one typed value in parts, changed within a turn, then committed or rolled back.

The parts are the room, its play, each member, and the game. All but the game's are frozen: a change puts a new
value in place of the old, so what a turn has changed is known exactly, and undoing it is putting the old value
back. The game's own state is changed in place by the author's code; it is undone from its encoded form.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from gameroom.clock import Millis
from gameroom.games.game import GameState
from gameroom.games.registry import GameType
from gameroom.protocol.commands import FreeJson
from gameroom.rooms.parts import GAME, LEFT, MEMBER, PLAY, ROOM, Due, Member, Parts, PlayPart, RoomPart


class RoomState:
    """The parts of one room, decoded, and `encoded`: the same parts as they are committed."""

    def __init__(self, game_type: GameType, room: RoomPart, play: PlayPart) -> None:
        self.room = room
        self.play = play
        self.members: dict[str, Member] = {}
        self.left: dict[str, Millis] = {}
        """Who left when, the longest gone first; forgotten once their command ids are not answered any more."""
        self.game: GameState | None = None
        self.encoded: dict[str, bytes] = {}
        self._game_type = game_type
        self._room_before: RoomPart | None = None
        self._play_before: PlayPart | None = None
        self._members_before: dict[str, Member | None] = {}
        self._left_before: dict[str, Millis | None] = {}
        self._game_touched = False
        self._connected = 0
        self._seats: dict[int, str] = {}
        self._seats_in_order: tuple[int, ...] | None = None
        self._reserved: dict[str, Millis] = {}
        self._settings: tuple[dict[str, FreeJson], Struct] | None = None

    @classmethod
    def decode(cls, game_type: GameType, parts: dict[str, bytes]) -> "RoomState":
        """The committed state whose encoded parts these are. Raises `msgspec.ValidationError` on damage."""
        state = cls(game_type, _ROOM.decode(parts[ROOM]), _PLAY.decode(parts[PLAY]))
        for key, data in parts.items():
            if key.startswith(MEMBER):
                state._put_member(key.removeprefix(MEMBER), _MEMBER.decode(data))
        left = {key.removeprefix(LEFT): int(data) for key, data in parts.items() if key.startswith(LEFT)}
        state.left = dict(sorted(left.items(), key=lambda entry: entry[1]))
        if GAME in parts:
            state.game = game_type.decode(parts[GAME])
        state.encoded = dict(parts)
        return state

    # --- changing, within a turn --------------------------------------------------------------------------------

    def change_room(self, **fields: Any) -> None:
        self._room_before = self.room_before
        self.room = replace(self.room, **fields)

    def change_play(self, **fields: Any) -> None:
        self._play_before = self.play_before
        self.play = replace(self.play, **fields)

    def change_member(self, user_id: str, **fields: Any) -> None:
        self.set_member(user_id, replace(self.members[user_id], **fields))

    def set_member(self, user_id: str, member: Member | None) -> None:
        """Put the member in place; None removes it."""
        self._members_before.setdefault(user_id, self.members.get(user_id))
        self._put_member(user_id, member)

    def set_left(self, user_id: str, at: Millis | None) -> None:
        """The user has left; None: that was long ago."""
        self._left_before.setdefault(user_id, self.left.get(user_id))
        self._put_left(user_id, at)

    def oldest_left(self) -> list[tuple[str, Millis]]:
        """Who left, the longest gone first."""
        return list(self.left.items())

    def open_game(self) -> GameState | None:
        """The game's state for code that may change it in place."""
        self._game_touched = self._game_touched or self.game is not None
        return self.game

    def set_game(self, game: GameState | None) -> None:
        self._game_touched = True
        self.game = game

    def mark_new(self) -> None:
        """Nothing of this state was ever committed: all of it counts as changed."""
        self._room_before, self._play_before = self.room, self.play

    def _put_member(self, user_id: str, member: Member | None) -> None:
        self._reserved.pop(user_id, None)
        former = self.members.pop(user_id, None) if member is None else self.members.get(user_id)
        if former is not None:
            self._connected -= former.connected
            self._empty_seat(user_id, former.seat)
        if member is None:
            return
        if member.seat is not None:
            self._seats[member.seat] = user_id
            self._seats_in_order = None
        self._connected += member.connected
        self.members[user_id] = member
        if member.reserved_until is not None:
            self._reserved[user_id] = member.reserved_until

    def _empty_seat(self, user_id: str, seat: int | None) -> None:
        if seat is not None and self._seats.get(seat) == user_id:
            del self._seats[seat]
            self._seats_in_order = None

    def _put_left(self, user_id: str, at: Millis | None) -> None:
        self.left.pop(user_id, None)
        if at is not None:
            self.left[user_id] = at

    # --- the turn so far ----------------------------------------------------------------------------------------

    @property
    def room_before(self) -> RoomPart:
        """The room's part as it was before this turn."""
        return self._room_before or self.room

    @property
    def play_before(self) -> PlayPart:
        return self._play_before or self.play

    @property
    def members_before(self) -> dict[str, Member | None]:
        """The members that this turn has touched, as they were; None: new."""
        return self._members_before

    def game_so_far(self) -> bytes | None:
        """The game's state as this turn has left it, encoded. May raise: it is the author's data."""
        return self._encode_game() if self._game_touched else self.encoded.get(GAME)

    def changes(self) -> Parts:
        """Every part that differs from the committed one. May raise: it encodes the author's data."""
        found: Parts = {}
        if self._room_before is not None:
            found[ROOM] = _ENCODER.encode(self.room)
        if self._play_before is not None:
            found[PLAY] = _ENCODER.encode(self.play)
        for user_id in self._members_before:
            member = self.members.get(user_id)
            found[MEMBER + user_id] = None if member is None else _ENCODER.encode(member)
        for user_id in self._left_before:
            at = self.left.get(user_id)
            found[LEFT + user_id] = None if at is None else b"%d" % at
        if self._game_touched:
            found[GAME] = self._encode_game()
        return {key: data for key, data in found.items() if data != self.encoded.get(key)}

    # --- its end ------------------------------------------------------------------------------------------------

    def commit(self, changes: Parts) -> None:
        for key, data in changes.items():
            if data is None:
                self.encoded.pop(key, None)
            else:
                self.encoded[key] = data
        self._forget_before()

    def restore_game(self) -> None:
        """Undo what game code did in this turn, and only that."""
        if self._game_touched:
            data = self.encoded.get(GAME)
            self.game = None if data is None else self._game_type.decode(data)
            self._game_touched = False

    def rollback(self) -> None:
        """As if the turn had not been."""
        self.room, self.play = self.room_before, self.play_before
        for user_id, member in self._members_before.items():
            self._put_member(user_id, member)
        if self._left_before:
            left = {u: at for u, at in (self.left | self._left_before).items() if at is not None}
            self.left = dict(sorted(left.items(), key=lambda entry: entry[1]))
        self.restore_game()
        self._forget_before()

    def _forget_before(self) -> None:
        self._room_before = self._play_before = None
        self._members_before = {}
        self._left_before = {}
        self._game_touched = False

    def _encode_game(self) -> bytes | None:
        return None if self.game is None else self._game_type.encode(self.game)

    # --- reading ------------------------------------------------------------------------------------------------

    def settings(self) -> Struct:
        """The game's settings, typed."""
        if self._settings is None or self._settings[0] is not self.room.settings:
            self._settings = (self.room.settings, self._game_type.settings(self.room.settings))
        return self._settings[1]

    def timers(self) -> Iterator[Due]:
        """Every timer that runs, in no order."""
        if self.room.closes_at is not None:
            yield Due(self.room.closes_at, ROOM, "empty")
        for user_id, at in self._reserved.items():
            yield Due(at, MEMBER, user_id)
        for name, at in self.play.timers.items():
            yield Due(at, GAME, name)

    def runs(self, due: Due) -> bool:
        """Whether this very timer still runs, neither ended nor set anew."""
        if due.part == MEMBER:
            return self._reserved.get(due.name) == due.at
        if due.part == GAME:
            return self.play.timers.get(due.name) == due.at
        return self.room.closes_at == due.at

    def next_due_at(self) -> Millis | None:
        first = min(self.timers(), default=None)
        return first.at if first else None

    def round_seat(self, user_id: str) -> int | None:
        """The seat that the user has in the present or last round, if any."""
        return self._round_seat(user_id, self.members.get(user_id), self.play)

    def round_seat_before(self, user_id: str) -> int | None:
        """The same, as it was before this turn."""
        member = self._members_before.get(user_id, self.members.get(user_id))
        return self._round_seat(user_id, member, self.play_before)

    def _round_seat(self, user_id: str, member: Member | None, play: PlayPart) -> int | None:
        if member is None or member.seat is None:
            return None
        in_round = self._game_type.always_playing or play.players.get(member.seat) == user_id
        return member.seat if in_round else None

    def round_seats(self) -> tuple[int, ...]:
        """The seats of the round, rising. Where there are no rounds: those of all players, as they come and go."""
        if not self._game_type.always_playing:
            return tuple(sorted(self.play.players))
        if self._seats_in_order is None:
            self._seats_in_order = tuple(sorted(self._seats))
        return self._seats_in_order

    @property
    def connected(self) -> int:
        """How many members are connected."""
        return self._connected

    def anyone_connected(self) -> bool:
        return self._connected > 0

    def on_seat(self, seat: int) -> str | None:
        """Who sits there."""
        return self._seats.get(seat)

    def seated(self) -> Iterable[str]:
        """Who has a seat, in no order."""
        return self._seats.values()

    def players(self) -> dict[int, str]:
        """Who sits where, by rising seat."""
        return dict(sorted(self._seats.items()))

    def whole(self) -> dict[str, Raw]:
        """All committed parts, ready for a snapshot."""
        return {key: Raw(data) for key, data in self.encoded.items()}


_ENCODER = msgspec.json.Encoder()
_ROOM = msgspec.json.Decoder(RoomPart)
_PLAY = msgspec.json.Decoder(PlayPart)
_MEMBER = msgspec.json.Decoder(Member)
