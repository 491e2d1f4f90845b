"""The room's history as clients read it: one struct per event's `data`, and the frame around it.

An event is stored once and shown to each viewer in a frame of its own: the head and `data` are the same for
all, `announcements` and `patch` are the viewer's.
"""

from typing import Any, ClassVar, Literal

from msgspec import UNSET, Raw, Struct, UnsetType

from gameroom.protocol.views import MemberView

MemberField = Literal["ready", "role", "seat", "profile"]
RoomField = Literal[
    "name", "visibility", "password", "settings", "locked", "max_players", "metadata", "invite_code"
]
"""What may change about a room, in the words of the command that changes it."""

GameEnd = Literal["finished", "abandoned"]
"""How a game can end its round."""

EndReason = Literal[GameEnd, "aborted"]


class Event(Struct, frozen=True, kw_only=True):
    """The `data` of an event; `type` is its word on the wire."""

    type: ClassVar[str]


class MemberJoined(Event, frozen=True, kw_only=True):
    type = "MEMBER_JOINED"
    user_id: str
    member: MemberView


class MemberLeft(Event, frozen=True, kw_only=True):
    type = "MEMBER_LEFT"
    user_id: str
    reason: Literal["left", "timeout", "account_deleted"]


class MemberDisconnected(Event, frozen=True, kw_only=True):
    type = "MEMBER_DISCONNECTED"
    user_id: str
    reserved_until: str


class MemberReconnected(Event, frozen=True, kw_only=True):
    type = "MEMBER_RECONNECTED"
    user_id: str


class MemberUpdated(Event, frozen=True, kw_only=True):
    type = "MEMBER_UPDATED"
    user_id: str
    changed: list[MemberField]


class MemberKicked(Event, frozen=True, kw_only=True):
    type = "MEMBER_KICKED"
    user_id: str
    by: str
    ban: bool
    reason: str | None


class HostChanged(Event, frozen=True, kw_only=True):
    type = "HOST_CHANGED"
    host_id: str
    previous_host_id: str


class RoomUpdated(Event, frozen=True, kw_only=True):
    type = "GAME_ROOM_GROUP_UPDATED"
    by: str
    changed: list[RoomField]


class GameStarted(Event, frozen=True, kw_only=True):
    type = "GAME_STARTED"
    round: int
    players: dict[str, str]
    """Seat, as a string, to user id."""


class GameUpdated(Event, frozen=True, kw_only=True, omit_defaults=True):
    type = "GAME_UPDATED"
    user_id: str | UnsetType = UNSET
    seat: int | UnsetType = UNSET
    cause: Literal["action", "timer", "tick", "member", "version"]


class GameEnded(Event, frozen=True, kw_only=True):
    type = "GAME_ENDED"
    round: int
    reason: EndReason
    result: Any
    players: dict[str, str]


class ChatMessage(Event, frozen=True, kw_only=True, omit_defaults=True):
    type = "CHAT_MESSAGE"
    message_id: str
    user_id: str
    text: str
    to: str | UnsetType = UNSET


class EpochStarted(Event, frozen=True, kw_only=True):
    type = "EPOCH_STARTED"
    reason: Literal["play_lost", "restored"]


class RoomClosedEvent(Event, frozen=True, kw_only=True):
    type = "GAME_ROOM_GROUP_CLOSED"
    by: str | None
    reason: str | None


AnyEvent = (
    MemberJoined
    | MemberLeft
    | MemberDisconnected
    | MemberReconnected
    | MemberUpdated
    | MemberKicked
    | HostChanged
    | RoomUpdated
    | GameStarted
    | GameUpdated
    | GameEnded
    | ChatMessage
    | EpochStarted
    | RoomClosedEvent
)

EVENTS: dict[str, type[Event]] = {event.type: event for event in AnyEvent.__args__}
"""Every event by its `type` on the wire."""


class EventFrame(Struct, frozen=True, kw_only=True):
    """One event as one viewer gets it. The raw fields are JSON already."""

    type: str
    room_id: str
    epoch: int
    seq: int
    at: str
    data: Raw
    announcements: list[Raw] | UnsetType = UNSET
    patch: Raw | UnsetType = UNSET
    view: Raw | UnsetType = UNSET


class HiddenRun(Struct, tag_field="type", tag="HIDDEN", frozen=True, kw_only=True):
    """A run of `count` (default 1) events that this viewer may not see; the last one is `seq`."""

    room_id: str
    epoch: int
    seq: int
    count: int | UnsetType = UNSET
