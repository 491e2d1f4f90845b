"""The bodies of REST, each declared once: what is read, what is answered, and the schemas of both."""

from typing import Annotated, Literal

from msgspec import NODEFAULT, UNSET, Meta, Struct, UnsetType, defstruct, field
from msgspec.structs import FieldInfo, fields

from gameroom.api.profile_checks import check_avatar_url, check_display_name, check_metadata
from gameroom.identity.keys import Jwks
from gameroom.protocol.answers import SummaryData
from gameroom.protocol.commands import Command, CreateRoom, FreeJson
from gameroom.protocol.limits import AVATAR_URL_LENGTH
from gameroom.protocol.problem import Problem
from gameroom.protocol.views import RoomSummary, RoomView, User
from gameroom.rooms.directory import Wanted

# `(?!\n)`: Python's `$` alone would let a line feed follow.
Username = Annotated[str, Meta(min_length=3, max_length=32, pattern=r"^[A-Za-z0-9_.-]+(?!\n)$")]
Password = Annotated[str, Meta(min_length=8, max_length=256)]
DisplayName = Annotated[str, Meta(min_length=1, max_length=50)]
AvatarUrl = Annotated[str, Meta(max_length=AVATAR_URL_LENGTH)]
DeviceId = Annotated[str, Meta(min_length=16, max_length=128, pattern=r"^[A-Za-z0-9_-]+(?!\n)$")]


class Register(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new account. `display_name` is the username if left out."""

    username: Username
    password: Password
    display_name: DisplayName | None = None

    def __post_init__(self) -> None:
        check_display_name(self.display_name)


class SignInAsGuest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`device_id` is a secret that the app makes once and keeps; with it the same guest comes back."""

    device_id: DeviceId | None = None
    display_name: DisplayName | None = None

    def __post_init__(self) -> None:
        check_display_name(self.display_name)


class Refresh(Struct, frozen=True, forbid_unknown_fields=True):
    refresh_token: str


class TokenForm(Struct, frozen=True, kw_only=True):
    """OAuth2's form. `username` and `password`, or `refresh_token`; anything else is ignored, as RFC 6749 says."""

    grant_type: Literal["password", "refresh_token"]
    username: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET


class Tokens(Struct, frozen=True, kw_only=True):
    """What opens sockets and calls, and what gets the next of these. Lives are in seconds."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a kind, not a secret
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


class SignedIn(Struct, frozen=True):
    user: User
    tokens: Tokens


class WsTicket(Struct, frozen=True):
    """Opens one socket, within `expires_in` seconds."""

    ticket: str
    expires_in: int


class UpdateProfile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New values; what is left out stays. `avatar_url`: http or https, null for none. `metadata`: at most 2 KiB."""

    display_name: DisplayName | UnsetType = UNSET
    avatar_url: AvatarUrl | UnsetType | None = UNSET
    metadata: dict[str, FreeJson] | UnsetType = UNSET

    def __post_init__(self) -> None:
        check_display_name(self.display_name)
        check_avatar_url(self.avatar_url)
        check_metadata(self.metadata)


class ChangePassword(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    current_password: str
    new_password: Password


class Upgrade(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a guest will sign in with from now on."""

    username: Username
    password: Password


class GameDescription(Struct, frozen=True, kw_only=True):
    """A game, and JSON Schemas (2020-12) of CREATE's `settings`, of GAME_ACTION's `action` and of a room's `state`."""

    name: str
    version: str
    title: str
    min_players: int
    max_players: int
    settings_schema: dict[str, FreeJson]
    action_schema: dict[str, FreeJson]
    view_schema: dict[str, FreeJson]


class GameList(Struct, frozen=True):
    items: list[GameDescription]


# --- rooms ----------------------------------------------------------------------------------------------------


def as_declared(info: FieldInfo) -> tuple[str, object, object]:
    """A field of one struct, for the declaration of another."""
    if info.default_factory is not NODEFAULT:
        return (info.name, info.type, field(default_factory=info.default_factory))
    return (info.name, info.type, field() if info.default is NODEFAULT else info.default)


NewRoom: type[Struct] = defstruct(
    "NewRoom",
    [as_declared(info) for info in fields(CreateRoom) if info.name not in Command.__struct_fields__],
    namespace={"__doc__": "A new room: the fields of CREATE_GAME_ROOM_GROUP."},
    module=__name__,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
)


class RoomAt(Struct, frozen=True, kw_only=True):
    """A room as its member sees it, at this position of its history."""

    room: RoomView
    epoch: int
    seq: int


class RoomQuery(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rooms, and which page of them: the one after `cursor`."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=256)] | None = None


class RoomPage(Struct, frozen=True):
    """`next_cursor` null: there are no more."""

    items: list[RoomSummary]
    next_cursor: str | None


# --- the rest -------------------------------------------------------------------------------------------------


class Health(Struct, frozen=True):
    status: Literal["ok"] = "ok"


class TokenProblem(Problem, frozen=True, kw_only=True):
    """A problem of `/auth/token`, which also speaks OAuth2 (RFC 6749, 5.2)."""

    error: str
    error_description: str


SHAPES: tuple[type[Struct], ...] = (
    Register,
    SignInAsGuest,
    Refresh,
    TokenForm,
    Tokens,
    SignedIn,
    WsTicket,
    UpdateProfile,
    ChangePassword,
    Upgrade,
    User,
    NewRoom,
    RoomAt,
    SummaryData,
    RoomPage,
    Jwks,
    GameDescription,
    GameList,
    Health,
    Problem,
    TokenProblem,
)
"""All of them, for the OpenAPI document."""
