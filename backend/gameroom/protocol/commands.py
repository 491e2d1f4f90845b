"""What a client may ask on a socket: one struct per command, told apart by `type`.

`id` makes a command exactly-once; `ack: false` asks for errors only. Unknown fields are refused.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from gameroom.protocol import limits

CommandId = Annotated[str, Meta(min_length=1, max_length=limits.ID_LENGTH)]
FreeJson = Any
"""JSON that the server carries but does not read: int64, string keys, at most 64 levels; `codec` checks it."""

# `(?!\n)`: Python's `$` alone would let a line feed follow.
RoomId = Annotated[str, Meta(min_length=1, max_length=limits.ID_LENGTH, pattern=r"^[A-Za-z0-9_-]+(?!\n)$")]
UserId = Annotated[str, Meta(min_length=1, max_length=limits.ID_LENGTH)]
GameName = Annotated[str, Meta(max_length=limits.ID_LENGTH)]
InviteCode = Annotated[
    str, Meta(min_length=1, max_length=limits.INVITE_CODE_LENGTH, pattern=r"^[A-Za-z0-9 -]+(?!\n)$")
]
AccessToken = Annotated[str, Meta(max_length=limits.ACCESS_TOKEN_LENGTH)]

Role = Literal["player", "spectator"]
Visibility = Literal["public", "unlisted", "private"]
Updates = Literal["patch", "view"]

RoomName = Annotated[str, Meta(min_length=1, max_length=limits.ROOM_NAME_LENGTH)]
RoomPassword = Annotated[str, Meta(min_length=1, max_length=limits.ROOM_PASSWORD_LENGTH)]
MaxPlayers = Annotated[int, Meta(ge=1, le=limits.MOST_PLAYERS)]
Reason = Annotated[str, Meta(max_length=limits.REASON_LENGTH)]


class Command(Struct, tag_field="type", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What every command has. `room_id` is ignored by the commands that are not about a room."""

    id: CommandId | None = None
    ack: bool = True


class RoomCommand(Command, frozen=True, kw_only=True):
    """A command to one room; the gateway fills in a `room_id` that was left out."""

    room_id: RoomId | None = None


# --- about the connection -------------------------------------------------------------------------------------


class Authenticate(Command, tag="AUTHENTICATE", frozen=True, kw_only=True):
    access_token: AccessToken


class Ping(Command, tag="PING", frozen=True, kw_only=True):
    pass


class SubscribeLobby(Command, tag="SUBSCRIBE_LOBBY", frozen=True, kw_only=True):
    game: GameName | None = None


class UnsubscribeLobby(Command, tag="UNSUBSCRIBE_LOBBY", frozen=True, kw_only=True):
    pass


# --- rooms: coming and going ----------------------------------------------------------------------------------


class CreateRoom(Command, tag="CREATE_GAME_ROOM_GROUP", frozen=True, kw_only=True):
    game: GameName
    name: RoomName | None = None
    visibility: Visibility = "public"
    password: RoomPassword | None = None
    settings: dict[str, FreeJson] = {}
    max_players: MaxPlayers | None = None
    metadata: dict[str, FreeJson] = {}


class ResumeFrom(Struct, forbid_unknown_fields=True, frozen=True):
    """The position of the last event that the client has applied."""

    epoch: Annotated[int, Meta(ge=0, le=limits.MAX_INT)]
    seq: Annotated[int, Meta(ge=0, le=limits.MAX_INT)]


class JoinRoom(RoomCommand, tag="JOIN_GAME_ROOM_GROUP", frozen=True, kw_only=True):
    invite_code: InviteCode | None = None
    password: RoomPassword | None = None
    role: Role | None = None
    resume: ResumeFrom | None = None
    updates: Updates = "patch"


class LeaveRoom(RoomCommand, tag="LEAVE_GAME_ROOM_GROUP", frozen=True, kw_only=True):
    pass


class GetRoom(RoomCommand, tag="GET_GAME_ROOM_GROUP", frozen=True, kw_only=True):
    pass


class SetRole(RoomCommand, tag="SET_ROLE", frozen=True, kw_only=True):
    role: Role


# --- hosting --------------------------------------------------------------------------------------------------


class UpdateRoom(RoomCommand, tag="UPDATE_GAME_ROOM_GROUP", frozen=True, kw_only=True):
    """What is given takes the place of what the room has; `password` null: none."""

    name: RoomName | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    password: RoomPassword | UnsetType | None = UNSET
    settings: dict[str, FreeJson] | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    max_players: MaxPlayers | UnsetType = UNSET
    metadata: dict[str, FreeJson] | UnsetType = UNSET
    rotate_invite_code: bool = False


class KickMember(RoomCommand, tag="KICK_MEMBER", frozen=True, kw_only=True):
    user_id: UserId
    ban: bool = False
    reason: Reason | None = None


class TransferHost(RoomCommand, tag="TRANSFER_HOST", frozen=True, kw_only=True):
    user_id: UserId


class CloseRoom(RoomCommand, tag="CLOSE_GAME_ROOM_GROUP", frozen=True, kw_only=True):
    reason: Reason | None = None


# --- play -----------------------------------------------------------------------------------------------------


class SetReady(RoomCommand, tag="SET_READY", frozen=True, kw_only=True):
    ready: bool


class StartGame(RoomCommand, tag="START_GAME", frozen=True, kw_only=True):
    seed: (
        Annotated[str, Meta(min_length=1, max_length=64)]
        | Annotated[int, Meta(ge=limits.MIN_INT, le=limits.MAX_INT)]
        | UnsetType
    ) = UNSET


class GameAction(RoomCommand, tag="GAME_ACTION", frozen=True, kw_only=True):
    """`action` is `{"type": …, …}` as the game's own action types say."""

    action: dict[str, FreeJson]


# --- chat -----------------------------------------------------------------------------------------------------


class SendChat(RoomCommand, tag="SEND_CHAT", frozen=True, kw_only=True):
    text: Annotated[str, Meta(min_length=1, max_length=limits.CHAT_LENGTH)]
    to: UserId | None = None


AnyCommand = (
    Authenticate
    | Ping
    | SubscribeLobby
    | UnsubscribeLobby
    | CreateRoom
    | JoinRoom
    | LeaveRoom
    | GetRoom
    | SetRole
    | UpdateRoom
    | KickMember
    | TransferHost
    | CloseRoom
    | SetReady
    | StartGame
    | GameAction
    | SendChat
)

COMMANDS: dict[str, type[Command]] = {
    str(command.__struct_config__.tag): command for command in AnyCommand.__args__
}
"""Every command by its `type` on the wire."""


def type_of(command: Command) -> str:
    """The command's word on the wire, such as `JOIN_GAME_ROOM_GROUP`."""
    return str(command.__struct_config__.tag)
