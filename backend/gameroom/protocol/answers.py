"""What the sender of a command gets, and the frames of the connection itself."""

from typing import Literal

from msgspec import UNSET, Raw, Struct, UnsetType

from gameroom.errors import FieldError, Params
from gameroom.protocol.commands import (
    Authenticate,
    Command,
    CreateRoom,
    FreeJson,
    GameAction,
    GetRoom,
    JoinRoom,
    Ping,
    SendChat,
    SetRole,
    StartGame,
    SubscribeLobby,
)
from gameroom.protocol.views import RoomSummary, RoomView, User


class Reply(Struct, tag_field="type", tag="REPLY", frozen=True, kw_only=True):
    """A command was done. `epoch`, `seq` are those of its last event. `data` is encoded already."""

    id: str | None
    command: str
    room_id: str | UnsetType = UNSET
    epoch: int | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    repeated: bool | UnsetType = UNSET
    data: Raw


class Error(Struct, tag_field="type", tag="ERROR", frozen=True, kw_only=True):
    """A command changed nothing, or the connection is about to be closed (`id` null, no `command`)."""

    id: str | None
    command: str | UnsetType = UNSET
    room_id: str | UnsetType = UNSET
    code: str
    message: str
    params: Params | UnsetType = UNSET
    errors: tuple[FieldError, ...] | UnsetType = UNSET
    retryable: bool
    retry_after_ms: int | UnsetType = UNSET


# --- the `data` of replies ------------------------------------------------------------------------------------


class Empty(Struct, frozen=True):
    pass


class Authenticated(Struct, frozen=True):
    token_expires_in: int


class Pong(Struct, frozen=True):
    server_time: str


class RoomData(Struct, frozen=True):
    """The answer to CREATE and GET."""

    room: RoomView


class LobbyRooms(Struct, frozen=True):
    """The newest public rooms, the newest first."""

    rooms: list[RoomSummary]


class SummaryData(Struct, frozen=True):
    """What a stranger is shown of a room, over REST."""

    room: RoomSummary


class Joined(Struct, frozen=True, kw_only=True):
    room: RoomView | UnsetType = UNSET
    resumed: bool
    missed: int | UnsetType = UNSET


class Seated(Struct, frozen=True):
    """The answer to SET_ROLE; `seat` is null for a spectator."""

    seat: int | None


class Started(Struct, frozen=True):
    round: int


class ChatSent(Struct, frozen=True):
    message_id: str


REPLY_DATA: dict[type[Command], type[Struct] | FreeJson] = {
    Authenticate: Authenticated,
    Ping: Pong,
    CreateRoom: RoomData,
    GetRoom: RoomData,
    JoinRoom: Joined,
    SetRole: Seated,
    StartGame: Started,
    GameAction: FreeJson,
    SendChat: ChatSent,
    SubscribeLobby: LobbyRooms,
}
"""What is in the `data` of the REPLY to a command; nothing in that to a command that is not named here."""


def reply_data_of(command: type[Command]) -> type[Struct] | FreeJson:
    """The type of the `data` of its REPLY; `FreeJson` where the game says what it is."""
    return REPLY_DATA.get(command, Empty)


# --- frames of the connection ---------------------------------------------------------------------------------


class Welcome(Struct, tag_field="type", tag="WELCOME", frozen=True, kw_only=True):
    protocol: Literal["gameroom.v1"] = "gameroom.v1"
    server_version: str
    features: list[str]
    connection_id: str
    user: User
    server_time: str
    token_expires_in: int
    ping_interval_ms: int
    max_message_bytes: int
    max_server_message_bytes: int


class TokenExpiring(Struct, tag_field="type", tag="TOKEN_EXPIRING", frozen=True):
    expires_in: int


class ServerDraining(Struct, tag_field="type", tag="SERVER_DRAINING", frozen=True):
    reconnect_after_ms: int


class LobbyChanged(Struct, tag_field="type", tag="LOBBY_CHANGED", frozen=True):
    """What makes the present list of the one before: rooms that are new or other, and the ids of those gone."""

    upserted: list[RoomSummary]
    removed: list[str]


DetachReason = Literal["left", "kicked", "closed", "replaced", "damaged"]


class Detached(Struct, tag_field="type", tag="DETACHED", frozen=True):
    room_id: str
    reason: DetachReason


ConnectionFrame = Welcome | TokenExpiring | ServerDraining | LobbyChanged | Detached
"""Every frame that is about the connection, neither an answer nor an event."""
