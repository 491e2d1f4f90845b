"""A command that waits for its answer, and the frames that answer it."""

from collections.abc import Callable

from msgspec import Raw
from msgspec.json import decode

from gameroom.errors import GameroomError
from gameroom.protocol.codec import encode, error_frame, reply_frame
from gameroom.protocol.commands import CreateRoom, GetRoom, JoinRoom, RoomCommand, type_of
from gameroom.protocol.frames import Frame
from gameroom.rooms.asking import Undecided
from gameroom.rooms.rooms import Answer

Failure = GameroomError | Undecided

Settled = Callable[[Failure | None], None]
"""Told once how an automatic JOIN ended; None: well, and its REPLY is sent."""


class Asked:
    """`original` is what the client sent and gets its answer to; `command` is what the room is asked.

    The two differ where a repeated CREATE is answered by joining the room that it once made (`rejoin`).
    `settled`: what an automatic JOIN ends with; a refusal goes there instead of to the client.
    """

    __slots__ = ("command", "creates", "enters", "original", "rejoin", "settled", "views")

    def __init__(
        self,
        original: RoomCommand | CreateRoom,
        command: RoomCommand | CreateRoom,
        *,
        rejoin: bool = False,
        settled: Settled | None = None,
    ) -> None:
        self.original = original
        self.command = command
        self.rejoin = rejoin
        self.settled = settled
        self.creates = type(command) is CreateRoom
        self.enters = self.creates or type(command) is JoinRoom
        """Whether it makes the connection hear the room."""
        self.views = type(command) is GetRoom
        """Whether it asks a joined room for its view, which must be spliced into the events."""


def asked(command: RoomCommand | CreateRoom, settled: Settled | None = None) -> Asked:
    """A command that the room is asked as it is."""
    return Asked(command, command, settled=settled)


def created_before(create: Asked, room_id: str) -> Asked:
    """What is asked in place of a repeated CREATE, for the view that it is answered with."""
    return Asked(create.original, JoinRoom(room_id=room_id), rejoin=True)


def reply(to: Asked, answer: Answer) -> Frame:
    """The REPLY to a command that a room has done."""
    frame = reply_frame(
        to.original,
        _of_create(answer.data) if to.rejoin else answer.data,
        room_id=answer.room_id,
        position=(answer.epoch, answer.seq),
        repeated=answer.repeated or to.rejoin,
    )
    frame.flush_ms = answer.flush_ms
    return frame


def _of_create(joined: bytes) -> bytes:
    """What CREATE answers, out of what JOIN answers."""
    return encode({"room": decode(joined, type=dict[str, Raw])["room"]})


def refusal(to: Asked, error: GameroomError, room_id: str) -> Frame:
    """The ERROR for a command that a room, or the way to it, has refused. CREATE has no room to name."""
    named = None if isinstance(to.original, CreateRoom) else room_id
    return error_frame(error, id=to.original.id, command=type_of(to.original), room_id=named)
