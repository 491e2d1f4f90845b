"""Who may ask for what when, and which handler does it: the whole table of a room is `ROUTES`."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Generic, TypeVar

from msgspec import Struct

from gameroom.protocol.commands import (
    CloseRoom,
    Command,
    FreeJson,
    GameAction,
    GetRoom,
    JoinRoom,
    KickMember,
    LeaveRoom,
    RoomCommand,
    SendChat,
    SetReady,
    SetRole,
    StartGame,
    TransferHost,
    UpdateRoom,
)
from gameroom.protocol.views import Status
from gameroom.rooms.handlers import chat, hosting, membership, play, updating
from gameroom.rooms.rest_commands import EndRoom, InspectRoom
from gameroom.rooms.rooms import Sender
from gameroom.rooms.turn import Turn

C = TypeVar("C", bound=RoomCommand)


Reply = Struct | FreeJson
"""The `data` of a REPLY before it is encoded; None where the room's view is the answer."""


class Standing(IntEnum):
    """What somebody must be to ask."""

    ANYBODY = 0
    MEMBER = 1
    PLAYER = 2
    HOST = 3


class Route(Struct, Generic[C], frozen=True, kw_only=True):
    """`handler` takes the very command that the route is found by.

    `holds_view`: the answer is the room's view, so the command itself need not cause an event.
    `despite_game`: a game that fails cannot stand in the way; its round is aborted.
    `though_closed`: it may be asked of a closed room too.
    """

    command: type[C]
    handler: Callable[[Turn, Sender, C], Reply]
    by: Standing
    during: Status | None = None
    holds_view: bool = False
    despite_game: bool = False
    though_closed: bool = False


# Not annotated: under `Route[Any]` mypy would not hold each handler against its command.
_ROUTES = (
    Route(command=JoinRoom, handler=membership.join, by=Standing.ANYBODY, holds_view=True),
    Route(command=GetRoom, handler=membership.get, by=Standing.MEMBER, holds_view=True),
    Route(command=LeaveRoom, handler=membership.leave, by=Standing.MEMBER, despite_game=True),
    Route(command=SetRole, handler=membership.set_role, by=Standing.MEMBER, during="waiting"),
    Route(command=UpdateRoom, handler=updating.update_room, by=Standing.HOST),
    Route(command=KickMember, handler=hosting.kick, by=Standing.HOST, despite_game=True),
    Route(command=TransferHost, handler=hosting.transfer_host, by=Standing.HOST),
    Route(command=SetReady, handler=play.set_ready, by=Standing.PLAYER, during="waiting"),
    Route(command=StartGame, handler=play.start_game, by=Standing.HOST, during="waiting"),
    Route(command=GameAction, handler=play.act, by=Standing.PLAYER, during="playing"),
    Route(command=SendChat, handler=chat.send_chat, by=Standing.MEMBER),
    Route(command=CloseRoom, handler=hosting.close_room, by=Standing.HOST, despite_game=True),
    Route(command=InspectRoom, handler=membership.inspect, by=Standing.ANYBODY, holds_view=True),
    Route(command=EndRoom, handler=hosting.end_room, by=Standing.HOST, despite_game=True, though_closed=True),
)


ROUTES: dict[type[Command], Route[Any]] = {route.command: route for route in _ROUTES}
