"""What may be seen of users and rooms: whitelists, shared by the socket and REST."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from gameroom.protocol.commands import FreeJson, Role, Visibility

Status = Literal["waiting", "playing", "closed"]


class User(Struct, frozen=True, kw_only=True):
    """An account as its owner sees it."""

    user_id: str
    username: str | None
    display_name: str
    guest: bool
    roles: list[str]
    avatar_url: str | None
    metadata: dict[str, FreeJson]
    created_at: str


class MemberView(Struct, frozen=True, kw_only=True):
    """A member of a room as everybody in it sees it. `seat` is null for spectators."""

    display_name: str
    avatar_url: str | None
    role: Role
    seat: int | None
    ready: bool
    connected: bool
    reserved_until: str | UnsetType = UNSET


class RoomView(Struct, frozen=True, kw_only=True):
    """A room as one of its members may see it: `state` is the game's view for that member's seat."""

    room_id: str
    game: str
    game_version: str
    name: str
    status: Status
    visibility: Visibility
    locked: bool
    has_password: bool
    host_id: str
    min_players: int
    max_players: int
    round: int
    grace_ms: int
    settings: dict[str, FreeJson]
    metadata: dict[str, FreeJson]
    invite_code: str | UnsetType = UNSET
    members: dict[str, MemberView]
    state: Any
    deadlines: dict[str, str]
    result: Any
    created_at: str


class RoomSummary(Struct, frozen=True, kw_only=True):
    """A room as strangers may see it."""

    room_id: str
    name: str
    game: str
    status: Status
    player_count: int
    max_players: int
    spectator_count: int
    locked: bool
    has_password: bool
    created_at: str
