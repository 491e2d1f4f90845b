"""A new epoch after the database went back, by a restore or a fail-over that lost something.

Clients that saw what is lost know positions that will be given again. A higher epoch tells the two histories apart:
who comes back from the former one gets the whole view. They also saw numbers that chance would give again: from here
on it gives others.
"""

from typing import Protocol

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from gameroom.clock import Millis
from gameroom.protocol.events import EpochStarted
from gameroom.rooms.framing import stored_data
from gameroom.rooms.journal import SealedRecord
from gameroom.rooms.parts import PLAY, PlayPart
from gameroom.rooms.records import Position, Record, seal
from gameroom.rooms.recovery import Recovered


class Head(Struct, frozen=True, kw_only=True):
    """Where the history of a room stops: its last record, and the room as it is there.

    That is a snapshot's position where it is later: play that is not journaled goes on behind the last record.
    """

    last: Record
    room: Recovered


class Epochs(Protocol):
    async def open_rooms(self, after: str, limit: int) -> list[str]:
        """The ids of open rooms, in their order; `after` is the last one already seen. Raises `Unavailable`."""

    async def begin(self, room_id: str, now: Millis) -> Position | None:
        """Take the room from whoever has it, and append EPOCH_STARTED; nobody has it afterwards.

        Where the new epoch begins; None: no such room, or it is closed. All in one transaction, which takes the fence
        first. Raises `Damaged`, and `Unavailable`: certainly nothing was changed.
        """


def fresh_term(term: int, now: Millis) -> int:
    """A term that no owner has, lost claims included: they were fewer than seconds have passed since 1970.

    One more would not do: an owner whose claim is lost has that term or a higher one, and could write again.
    """
    return max(term + 1, now // 1000)


def first_of_epoch(head: Head, term: int, now: Millis, random_key: bytes) -> SealedRecord:
    """EPOCH_STARTED behind the head, and chance begun anew with the key (32 bytes). No game is needed for it.

    The key is no successor of the former one: of two histories that begin with one backup each has its own.
    """
    last, position = head.last, head.room.position
    event = EpochStarted(reason="restored")
    return seal(
        Record(
            room_id=last.room_id,
            epoch=position.epoch + 1,
            seq=position.seq + 1,
            term=term,
            at=max(now, position.at),
            kind=event.type,
            game=last.game,
            game_version=last.game_version,
            data=stored_data(event),
            input=Raw(b'{"type":"NEW_EPOCH"}'),
            parts={PLAY: _with_chance(head.room.parts[PLAY], random_key)},
        )
    )


def _with_chance(play: bytes, random_key: bytes) -> Raw:
    part = replace(_PLAY.decode(play), random_key=random_key, random_counter=0)
    return Raw(_ENCODER.encode(part))


_PLAY = msgspec.json.Decoder(PlayPart)
_ENCODER = msgspec.json.Encoder()
