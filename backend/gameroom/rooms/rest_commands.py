"""What only REST asks of a room: commands of the house, which no client can send on a socket."""

from gameroom.protocol.commands import RoomCommand


class InspectRoom(RoomCommand, tag="INSPECT_GAME_ROOM_GROUP", frozen=True, kw_only=True):
    """Look at the room: a member sees its view, a stranger a summary. The room alone knows who is banned from it."""


class EndRoom(RoomCommand, tag="END_GAME_ROOM_GROUP", frozen=True, kw_only=True):
    """See to it that the room is closed, as the host may: CLOSE that may come again, without an id to know it by."""
