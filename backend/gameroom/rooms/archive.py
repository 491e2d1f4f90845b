"""The contract of the archive: the journals as whoever looks after them reads them, beside a server or without one.

It only reads, takes no room from its owner, and blocks. Records are never changed once they are stored, so what was
found in one moment can be read in many small steps: no step holds up the server that writes meanwhile.
"""

from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

from gameroom.clock import Millis
from gameroom.rooms.journal import SealedRecord, Snapshot
from gameroom.rooms.rooms import Card

PAGE = 128
"""Records, or rooms, that are read at once: of the largest records 128 MiB."""


class RoomRow(Struct, frozen=True, kw_only=True):
    """What is told of a room without opening it: its term, and its listing by column."""

    room_id: str
    term: int
    game: str
    game_version: str
    name: str
    status: str
    visibility: str
    invite_code: str
    player_count: int
    max_players: int
    spectator_count: int
    locked: bool
    has_password: bool
    created_at: str
    next_due_at: Millis | None
    occupied: bool


class Moment(Struct, frozen=True, kw_only=True):
    """A room as it was stored at one moment. `head`: the seq of its last record; 0: it has none."""

    row: RoomRow
    member_ids: frozenset[str]
    head: int
    snapshot: Snapshot | None


class Archive(Protocol):
    def room_ids(self, after: str, limit: int) -> list[str]:
        """The ids of all rooms, closed ones included, in their order; `after` is the last one already seen."""

    def look(self, room_id: str) -> Moment | None:
        """The room as it is stored now; None: no such room."""

    def records(self, room_id: str, after_seq: int, limit: int) -> list[SealedRecord]:
        """Records with `seq > after_seq`, in order, at most `limit`."""

    def cards(self, user_ids: list[str]) -> dict[str, Card]:
        """The cards that those of these users have today whose account still exists."""


def all_rooms(archive: Archive) -> Iterator[str]:
    """The ids of all rooms, in their order."""
    after = ""
    while page := archive.room_ids(after, PAGE):
        yield from page
        after = page[-1]


def history(archive: Archive, room_id: str, head: int, after: int = -1) -> Iterator[SealedRecord]:
    """The records of a room behind `after`, up to `head`, in order."""
    while page := archive.records(room_id, after, PAGE):
        for record in page:
            if record.seq > head:
                return
            yield record
        after = page[-1].seq
