"""What moves a room, and what a room has decided."""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from gameroom.bus.bus import Delivery
from gameroom.protocol.codec import input_of
from gameroom.protocol.commands import GetRoom
from gameroom.rooms.command_ids import CommandKey
from gameroom.rooms.journal import SealedRecord
from gameroom.rooms.parts import Due
from gameroom.rooms.records import Record, hash_of
from gameroom.rooms.rooms import Outcome, Request


class Cause(Struct, frozen=True, kw_only=True):
    """Why a turn is taken, as its first record tells it. `input` is canonical JSON.

    `key` is None where the command had no id, or only echoes it.
    """

    input: bytes
    user_id: str | None = None
    key: CommandKey | None = None
    connection_id: str | None = None

    @classmethod
    def of_request(cls, request: Request) -> "Cause":
        command, sender = request.command, request.sender
        content = input_of(command)
        key = None
        if command.id is not None and not isinstance(command, GetRoom):
            key = CommandKey(sender.user_id, command.id, hash_of(content))
        return cls(input=content, user_id=sender.user_id, key=key, connection_id=sender.connection_id)

    @classmethod
    def of_timer(cls, due: Due) -> "Cause":
        return cls(
            input=_ENCODER.encode({"type": "TIMER", "due_at": due.at, "part": due.part, "name": due.name})
        )

    @classmethod
    def of_system(cls, what: str, **details: str) -> "Cause":
        return cls(input=_ENCODER.encode({"type": what, **details}))


def key_of(request: Request) -> CommandKey | None:
    """As `Cause.key`. None also where it cannot be made: such a command breaks every turn, and is never applied."""
    try:
        return Cause.of_request(request).key
    except Exception:  # whoever is told of a broken turn must be told whatever broke it
        return None


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
