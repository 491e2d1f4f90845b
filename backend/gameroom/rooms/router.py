"""From a typed command to its handler, if its sender may ask for it now."""

from typing import Any

from gameroom.errors import NotHost, NotMember, NotPlayer, RoomClosed, RoomNotFound, WrongStatus
from gameroom.protocol.commands import Command
from gameroom.rooms.rooms import Sender
from gameroom.rooms.routes import ROUTES, Route, Standing
from gameroom.rooms.state import RoomState


def find_route(state: RoomState, sender: Sender, command: Command, *, attached: bool) -> Route[Any]:
    """The command's route, if its sender may ask for it now; raises why not.

    `attached`: the sender has joined on the connection that asks (or asks by REST).
    """
    route = ROUTES[type(command)]
    if state.play.status == "closed" and not route.though_closed:
        _check_known(state, sender)
        raise RoomClosed()
    _check_standing(state, sender, route.by, attached)
    if route.during is not None and state.play.status != route.during:
        raise WrongStatus(
            f"This can be done only while the room is {route.during}; it is {state.play.status}",
            status=state.play.status,
            expected=route.during,
        )
    return route


def _check_standing(state: RoomState, sender: Sender, by: Standing, attached: bool) -> None:
    if by is Standing.ANYBODY or (by is Standing.HOST and sender.admin):
        return
    _check_known(state, sender)
    member = state.members.get(sender.user_id)
    if member is None and sender.connection_id is None:
        raise NotMember("You are no member of this room")
    if member is None or not attached:
        raise NotMember("Join the room on this connection first")
    if by is Standing.HOST and state.room.host_id != sender.user_id:
        raise NotHost("Only the host may do this")
    if by is Standing.PLAYER and member.role != "player":
        raise NotPlayer("Only players may do this; you are a spectator")


def _check_known(state: RoomState, sender: Sender) -> None:
    """An outsider does not learn that there is (or was) a private room."""
    if state.room.visibility == "private" and sender.user_id not in state.members and not sender.admin:
        raise RoomNotFound()
