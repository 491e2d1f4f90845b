"""A new epoch after the database went back, by a restore or a fail-over that lost something.

Clients that saw what is lost know positions that will be given again. A higher epoch tells the two histories apart:
who comes back from the former one gets the whole view.
"""

from typing import Protocol

from msgspec import Raw, Struct

from gameroom.clock import Millis
from gameroom.protocol.events import EpochStarted
from gameroom.rooms.framing import stored_data
from gameroom.rooms.journal import SealedRecord
from gameroom.rooms.records import Position, Record, seal


class Head(Struct, frozen=True, kw_only=True):
    """Where the history of a room stops: its last record, and the position that must be passed.

    The position is a snapshot's where that is later: play that is not journaled goes on behind the last record.
    """

    last: Record
    epoch: int
    seq: int


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


def first_of_epoch(head: Head, term: int, now: Millis) -> SealedRecord:
    """EPOCH_STARTED behind the head. It changes no part, so no game is needed for it."""
    last = head.last
    event = EpochStarted(reason="restored")
    return seal(
        Record(
            room_id=last.room_id,
            epoch=head.epoch + 1,
            seq=head.seq + 1,
            term=term,
            at=max(now, last.at),
            kind=event.type,
            game=last.game,
            game_version=last.game_version,
            data=stored_data(event),
            input=Raw(b'{"type":"NEW_EPOCH"}'),
        )
    )
