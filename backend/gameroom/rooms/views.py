"""What a member of a room may see of it: whitelists over the state, and the patch from one view to the next."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from gameroom.clock import Millis, rfc3339
from gameroom.errors import GameFailed
from gameroom.games.registry import GameType
from gameroom.protocol.commands import FreeJson
from gameroom.protocol.operation import Operation
from gameroom.protocol.patch import diff, escape
from gameroom.protocol.views import MemberView, RoomSummary, RoomView
from gameroom.rooms.card_book import CardBook
from gameroom.rooms.parts import Member, PlayPart, RoomPart
from gameroom.rooms.presence import Presence
from gameroom.rooms.rooms import Card
from gameroom.rooms.state import RoomState


def member_view(member: Member, card: Card) -> MemberView:
    reserved = member.reserved_until
    return MemberView(
        display_name=card.display_name,
        avatar_url=card.avatar_url,
        role=member.role,
        seat=member.seat,
        ready=member.ready,
        connected=member.connected,
        reserved_until=UNSET if reserved is None else rfc3339(reserved),
    )


def facts(room_id: str, game_type: GameType, room: RoomPart, play: PlayPart) -> RoomView:
    """The view without what differs by member and by viewer: `members` is empty and `state` null."""
    return RoomView(
        room_id=room_id,
        game=game_type.name,
        game_version=game_type.version,
        name=room.name,
        status=play.status,
        visibility=room.visibility,
        locked=room.locked,
        has_password=room.password_mac is not None,
        host_id=room.host_id,
        min_players=game_type.min_players,
        max_players=room.max_players,
        round=play.round,
        grace_ms=room.grace_ms,
        settings=room.settings,
        metadata=room.metadata,
        invite_code=room.invite_code,
        members={},
        state=None,
        deadlines={name: rfc3339(at) for name, at in play.timers.items()},
        result=play.result,
        created_at=rfc3339(room.created_at),
    )


class _Settings(NamedTuple):
    given: dict[str, FreeJson]
    effective: dict[str, FreeJson]


class Viewpoint:
    """One room as seen from its seats. Knows the views of the committed state, so that changes can be diffed."""

    def __init__(
        self, room_id: str, game_type: GameType, state: RoomState, cards: CardBook, presence: Presence
    ) -> None:
        self.room_id = room_id
        self._game_type = game_type
        self._state = state
        self.cards = cards
        self._presence = presence
        self._settings: _Settings | None = None
        self._committed: dict[int | None, Any] = {}
        self._pending: dict[int | None, Any] = {}

    @property
    def settings_bytes(self) -> int:
        """How much longer than the room's part its settings can make a view, at most."""
        if not self._game_type.setting_names:
            return 0
        return len(msgspec.json.encode(self._effective(self._state.room.settings)))

    @property
    def secretive(self) -> bool:
        """Whether viewers may see different things."""
        return self._game_type.secretive

    @property
    def flush_ms(self) -> Millis:
        """How long what is told of this room may wait on its way out."""
        return self._game_type.flush_ms

    @property
    def journaled(self) -> bool:
        """Whether all that is played stands in the journal."""
        return self._game_type.durability == "journal"

    def is_member(self, user_id: str) -> bool:
        return user_id in self._state.members

    def unbroken_since(self, user_id: str) -> int:
        """The seq since when the member has its role and seat."""
        return self._state.members[user_id].since

    def summary(self) -> RoomSummary:
        """The room as strangers may see it."""
        return summary(self.room_id, self._game_type, self._state)

    @property
    def connected(self) -> int:
        """How many members are connected."""
        return self._state.connected

    def is_connected(self, user_id: str) -> bool:
        member = self._state.members.get(user_id)
        return member is not None and member.connected

    def on_seats(self, seats: Iterable[int]) -> Iterator[str]:
        """Who hears the round from one of these seats."""
        for seat in seats:
            user_id = self._state.on_seat(seat)
            if user_id is not None and self.seat(user_id) == seat:
                yield user_id

    def may_differ(self) -> set[str]:
        """All members that may see the room otherwise than a spectator does, or did so before this turn."""
        users = set(self.without_patches)
        if self.secretive:
            users.update(
                self._state.seated(), self._state.members_before, self._state.play_before.players.values()
            )
        return users

    @property
    def without_patches(self) -> set[str]:
        """The members that want the whole view with each change."""
        return self._presence.without_patches

    def seat(self, user_id: str) -> int | None:
        """The seat from which the user sees and hears the round."""
        return self._state.round_seat(user_id)

    def key(self, user_id: str) -> int | None:
        """Viewers with the same key see the same: all of them, unless the game has secrets."""
        return self.seat(user_id) if self.secretive else None

    def key_before(self, user_id: str) -> int | None:
        """The key that the viewer had before this turn."""
        return self._state.round_seat_before(user_id) if self.secretive else None

    def room(self, key: int | None) -> RoomView:
        """The whole view, as the state now stands."""
        members = {user_id: self.member(user_id, m) for user_id, m in self._state.members.items()}
        shell = self._facts(self._state.room, self._state.play)
        return msgspec.structs.replace(shell, members=members, state=self.game(key))

    def member(self, user_id: str, member: Member) -> MemberView:
        return member_view(member, self.cards.card(user_id))

    def game(self, key: int | None) -> Any:
        """The game's view for a seat (None: a spectator), as plain JSON; null before the first round."""
        state = self._state.game
        return None if state is None else self._game_type.view(state, key)

    def settle(self, *, game_changed: bool) -> None:
        """The turn is decided: what was seen last is what is seen now."""
        self.cards.settle()
        if game_changed:
            self._committed = self._pending
        self._pending = {}

    def discard(self) -> None:
        """The turn is undone."""
        self.cards.rollback()
        self._pending = {}

    def committed_game(self, key: int | None) -> Any:
        """The game's view before this turn."""
        if key not in self._committed:
            data = self._state.encoded.get("game")
            view = None if data is None else self._game_type.view(self._game_type.decode(data), key)
            self._committed[key] = view
        return self._committed[key]

    # --- patches ------------------------------------------------------------------------------------------------

    def shared_patch(self) -> list[Operation]:
        """How this turn changed what all viewers see alike: everything but the game's state."""
        operations = self._facts_patch()
        for user_id, before in self._state.members_before.items():
            operations += self._member_patch(user_id, before)
        return operations

    def game_patch(self, key: int | None) -> list[Operation]:
        """How this turn changed the game's view for `key`."""
        view = self._pending[key] = self.game(key)
        try:
            before = self.committed_game(key)
        except GameFailed:
            return [Operation("replace", "/state", view)]
        return diff(before, view, "/state")

    def _facts(self, room: RoomPart, play: PlayPart) -> RoomView:
        shown = facts(self.room_id, self._game_type, room, play)
        if not self._game_type.setting_names:
            return shown
        return msgspec.structs.replace(shown, settings=self._effective(room.settings))

    def _effective(self, given: dict[str, FreeJson]) -> dict[str, FreeJson]:
        """The settings with all defaults; made once for as long as nobody gives others."""
        if self._settings is None or self._settings.given is not given:
            self._settings = _Settings(given, self._game_type.effective(given))
        return self._settings.effective

    def _facts_patch(self) -> list[Operation]:
        state = self._state
        if state.room_before is state.room and state.play_before is state.play:
            return []
        old = self._facts(state.room_before, state.play_before)
        new = self._facts(state.room, state.play)
        operations: list[Operation] = []
        for field in RoomView.__struct_fields__:
            operations += diff(getattr(old, field), getattr(new, field), f"/{field}")
        return operations

    def _member_patch(self, user_id: str, before: Member | None) -> list[Operation]:
        path = f"/members/{escape(user_id)}"
        now = self._state.members.get(user_id)
        if now is None:
            return [] if before is None else [Operation("remove", path)]
        view = msgspec.to_builtins(self.member(user_id, now))
        if before is None:
            return [Operation("add", path, view)]
        former = member_view(before, self.cards.card_before(user_id))
        return diff(msgspec.to_builtins(former), view, path)


def summary(room_id: str, game_type: GameType, state: RoomState) -> RoomSummary:
    """The room as strangers may see it."""
    roles = [member.role for member in state.members.values()]
    return RoomSummary(
        room_id=room_id,
        name=state.room.name,
        game=game_type.name,
        status=state.play.status,
        player_count=roles.count("player"),
        max_players=state.room.max_players,
        spectator_count=roles.count("spectator"),
        locked=state.room.locked,
        has_password=state.room.password_mac is not None,
        created_at=rfc3339(state.room.created_at),
    )
