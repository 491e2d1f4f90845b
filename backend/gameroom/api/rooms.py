"""Rooms: made, looked for, looked at and ended without a socket."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
from fastapi import APIRouter
from msgspec.structs import asdict
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from gameroom.api.answers import NO_STORE, answer
from gameroom.api.bodies import json_decoder
from gameroom.api.credentials import principal_and_body, principal_of
from gameroom.api.cursors import cursor_of, place_of
from gameroom.api.idempotency import idempotency_key
from gameroom.api.limits import RoomLimits
from gameroom.api.openapi import CROWDED, Takes, call
from gameroom.api.queries import query_of
from gameroom.api.shapes import NewRoom, RoomAt, RoomPage, RoomQuery
from gameroom.errors import (
    IdReused,
    NotHost,
    NotMember,
    RoomClosed,
    RoomNotFound,
    TooManyRooms,
    UnknownGame,
)
from gameroom.identity.access import Access
from gameroom.ids import new_id
from gameroom.protocol.answers import RoomData, SummaryData
from gameroom.protocol.commands import CreateRoom, GetRoom, RoomCommand, RoomId
from gameroom.rooms.asking import outcome_of
from gameroom.rooms.directory import Place
from gameroom.rooms.reception import Reception
from gameroom.rooms.rest_commands import EndRoom, InspectRoom
from gameroom.rooms.rooms import Answer, Request, Sender

IdempotencyKey = Annotated[
    str | None,
    idempotency_key(
        "Sent again: no other room is made, the answer is the room as it is now. "
        "It is the `id` of CREATE_GAME_ROOM_GROUP, so that a socket may repeat this call, and this call a socket."
    ),
]

decode_new_room = json_decoder(NewRoom)


@dataclass(frozen=True)
class RoomCalls:
    """The calls under `/game-room-groups`. `deadline_s`: how long a room may take until its answer is stored."""

    access: Access
    reception: Reception
    limits: RoomLimits
    deadline_s: float

    async def create(self, request: HttpRequest, key: IdempotencyKey = None) -> Response:
        """Make a room. The caller hosts it, and must come to it on a socket within its grace period."""
        caller, new = await principal_and_body(request, self.access, decode_new_room)
        sender = Sender.of(caller.user)
        self.limits.asking(sender.user_id)
        command = CreateRoom(id=key, **asdict(new))
        made = await self._ask(sender, new_id(), self.reception.passwords.seal(command))
        if made.repeated:
            made = await self._ask(sender, made.room_id, GetRoom(room_id=made.room_id))
        return answer(shown(made), 201, NO_STORE)

    async def browse(self, request: HttpRequest) -> Response:
        """The public open rooms, the newest first."""
        sender = await self._sender(request)
        self.limits.asking(sender.user_id)
        query = query_of(request, RoomQuery)
        if query.game is not None:
            self.reception.games.get(query.game)
        after = None if query.cursor is None else place_of(query.cursor)
        found = await self.reception.directory.newest(query, query.limit + 1, after)
        items = found[: query.limit]
        more = len(found) > len(items)
        return answer(RoomPage(items, cursor_of(Place.of(items[-1])) if more else None))

    async def show(self, request: HttpRequest) -> Response:
        """A room: its members see all that they see on a socket, others a summary."""
        sender = await self._sender(request)
        self.limits.asking(sender.user_id)
        room_id = room_id_of(request)
        return answer(shown(await self._ask(sender, room_id, InspectRoom(room_id=room_id))), headers=NO_STORE)

    async def end(self, request: HttpRequest) -> Response:
        """Close a room for good, as its host or an admin; one that is closed already is fine too."""
        sender = await self._sender(request)
        self.limits.asking(sender.user_id)
        room_id = room_id_of(request)
        await self._ask(sender, room_id, EndRoom(room_id=room_id))
        return Response(status_code=204)

    async def _sender(self, request: HttpRequest) -> Sender:
        return Sender.of((await principal_of(request, self.access)).user)

    async def _ask(self, sender: Sender, room_id: str, command: CreateRoom | RoomCommand) -> Answer:
        request = Request(room_id=room_id, sender=sender, command=command)
        return await outcome_of(self.reception.rooms, request, self.deadline_s)


def room_id_of(request: HttpRequest) -> str:
    """The room that the path names. Raises `RoomNotFound` for what cannot be a room's id."""
    try:
        return msgspec.convert(request.path_params["room_id"], RoomId)
    except msgspec.ValidationError:
        raise RoomNotFound from None


def shown(told: Answer) -> RoomAt | SummaryData:
    """What a room has answered, as a body."""
    if not told.holds_view:
        return msgspec.json.decode(told.data, type=SummaryData)
    room = msgspec.json.decode(told.data, type=RoomData).room
    return RoomAt(room=room, epoch=told.epoch, seq=told.seq)


# --- the routes -----------------------------------------------------------------------------------------------

THE_ROOM = Takes(path={"room_id": RoomId})

CREATE = call(
    takes=Takes(json=NewRoom),
    gives={201: RoomAt},
    refuses=(UnknownGame, IdReused, TooManyRooms, NotMember, RoomNotFound, RoomClosed, *CROWDED),
    bearer=True,
    no_store=True,
    asks_room=True,
)
BROWSE = call(
    takes=Takes(query=RoomQuery), gives={200: RoomPage}, refuses=(UnknownGame, *CROWDED), bearer=True
)
SHOW = call(
    takes=THE_ROOM,
    gives={200: (RoomAt, SummaryData)},
    refuses=(RoomNotFound, RoomClosed, *CROWDED),
    bearer=True,
    no_store=True,
    asks_room=True,
)
END = call(
    takes=THE_ROOM,
    gives={204: None},
    refuses=(RoomNotFound, NotMember, NotHost, *CROWDED),
    bearer=True,
    asks_room=True,
)


def rooms_router(calls: RoomCalls) -> APIRouter:
    """`/api/v1/game-room-groups…`"""
    router = APIRouter(prefix="/api/v1/game-room-groups", tags=["rooms"])
    route = router.add_api_route
    route("", calls.create, methods=["POST"], **CREATE)
    route("", calls.browse, methods=["GET"], **BROWSE)
    route("/{room_id}", calls.show, methods=["GET"], **SHOW)
    route("/{room_id}", calls.end, methods=["DELETE"], **END)
    return router
