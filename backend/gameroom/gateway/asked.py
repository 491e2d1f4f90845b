"""A command that waits for its answer, and the frames that answer it."""

from collections.abc import Callable

from msgspec import Raw, Struct
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

_ENTERING = frozenset((JoinRoom, CreateRoom))


class Asked(Struct, frozen=True, kw_only=True):
    """`original` is what the client sent and gets its answer to; `command` is what the room is asked.

    The two differ where a repeated CREATE is answered by joining the room that it once made (`rejoin`).
    `settled`: what an automatic JOIN ends with; a refusal goes there instead of to the client.
    """

    original: RoomCommand | CreateRoom
    command: RoomCommand | CreateRoom
    rejoin: bool = False
    settled: Settled | None = None

    @property
    def enters(self) -> bool:
        """Whether it makes the connection hear the room."""
        return type(self.command) in _ENTERING

    @property
    def creates(self) -> bool:
        return isinstance(self.command, CreateRoom)

    @property
    def views(self) -> bool:
        """Whether it asks a joined room for its view, which must be spliced into the events."""
        return isinstance(self.command, GetRoom)


def asked(command: RoomCommand | CreateRoom, settled: Settled | None = None) -> Asked:
    """A command that the room is asked as it is."""
    return Asked(original=command, command=command, settled=settled)


def created_before(create: Asked, room_id: str) -> Asked:
    """What is asked in place of a repeated CREATE, for the view that it is answered with."""
    return Asked(original=create.original, command=JoinRoom(room_id=room_id), rejoin=True)


class _OnlyRoom(Struct):
    """What CREATE answers, out of what JOIN answers."""

    room: Raw


def reply(to: Asked, answer: Answer) -> Frame:
    """The REPLY to a command that a room has done."""
    frame = reply_frame(
        to.original,
        encode(decode(answer.data, type=_OnlyRoom)) if to.rejoin else answer.data,
        room_id=answer.room_id,
        position=(answer.epoch, answer.seq),
        repeated=answer.repeated or to.rejoin,
    )
    frame.flush_ms = answer.flush_ms
    return frame


def refusal(to: Asked, error: GameroomError, room_id: str) -> Frame:
    """The ERROR for a command that a room, or the way to it, has refused. CREATE has no room to name."""
    named = None if isinstance(to.original, CreateRoom) else room_id
    return error_frame(error, id=to.original.id, command=type_of(to.original), room_id=named)
