"""What moves a room, and what a room has decided."""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from gameroom.bus.bus import Delivery
from gameroom.protocol.codec import input_of
from gameroom.protocol.commands import GetRoom
from gameroom.rooms.journal import SealedRecord
from gameroom.rooms.records import Record, hash_of
from gameroom.rooms.rooms import Outcome, Request
from gameroom.rooms.state import Due


class Cause(Struct, frozen=True, kw_only=True):
    """Why a turn is taken, as its first record tells it.

    `command_id` is None where the command had none or only echoes it; `input` is canonical JSON.
    """

    input: bytes
    user_id: str | None = None
    command_id: str | None = None
    input_hash: bytes | None = None
    connection_id: str | None = None

    @classmethod
    def of_request(cls, request: Request) -> "Cause":
        command = request.command
        content = input_of(command)
        remembered = command.id is not None and not isinstance(command, GetRoom)
        return cls(
            input=content,
            user_id=request.sender.user_id,
            command_id=command.id if remembered else None,
            input_hash=hash_of(content) if remembered else None,
            connection_id=request.sender.connection_id,
        )

    @classmethod
    def of_timer(cls, due: Due) -> "Cause":
        return cls(
            input=_ENCODER.encode({"type": "TIMER", "due_at": due.at, "part": due.part, "name": due.name})
        )

    @classmethod
    def of_system(cls, what: str, **details: str) -> "Cause":
        return cls(input=_ENCODER.encode({"type": what, **details}))


class Recollection(Struct, frozen=True):
    """An outcome that stands in the journal: read `limit` records after `after_seq`; `finish` makes it of them.

    `otherwise`: what can be told as well where they cannot be read now. None: nothing may be told before that, for
    the command was applied.
    """

    after_seq: int
    limit: int
    finish: Callable[[list[Record]], Outcome]
    otherwise: Outcome | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """The result of one input to a room. Nothing of it may leave the room before `records` are stored."""

    records: tuple[SealedRecord, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    outcome: Outcome | Recollection | None = None


NOTHING = Decision()

_ENCODER = msgspec.json.Encoder()
