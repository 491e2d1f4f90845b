"""The contract of the directory: what strangers may know of rooms without opening them; and the one in memory.

Implementations: `MemoryDirectory` here, `storage.directory` in SQL. One suite of tests
(`tests/contract/test_directory.py`) runs over both.
"""

from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from gameroom.protocol.commands import RoomId
from gameroom.protocol.views import RoomSummary
from gameroom.rooms.journal import Listing, MemoryJournal

OpenStatus = Literal["waiting", "playing"]
"""What a room may be in that is listed: closed ones are not."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Which rooms: those that meet all that is not None. `has_space`: whether a player's seat is free."""

    game: str | None = None
    status: OpenStatus | None = None
    has_space: bool | None = None


class Place(Struct, frozen=True):
    """Where a room stands in the list. It never moves, and rooms made later stand before it."""

    created_at: Annotated[str, Meta(max_length=32, pattern=r"^[0-9TZ:.-]+(?!\n)$")]
    room_id: RoomId

    @classmethod
    def of(cls, room: RoomSummary) -> "Place":
        return cls(room.created_at, room.room_id)


class Directory(Protocol):
    async def newest(self, wanted: Wanted, limit: int, after: Place | None = None) -> list[RoomSummary]:
        """The public open rooms that are wanted, the newest first, at most `limit`; those that stand after a place.

        Read page by page, each from the last one's last place, the list shows none twice and leaves none out that is
        there all the while, whatever is created meanwhile. Raises `Unavailable` while the database is away.
        """


class MemoryDirectory:
    """Implements `Directory` over the rooms of a `MemoryJournal`."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._rooms = journal.rooms

    async def newest(self, wanted: Wanted, limit: int, after: Place | None = None) -> list[RoomSummary]:
        listed = [room.listing.summary for room in self._rooms.values() if _is_wanted(room.listing, wanted)]
        listed.sort(key=_rank, reverse=True)
        if after is not None:
            listed = [room for room in listed if _rank(room) < (after.created_at, after.room_id)]
        return listed[:limit]


def _rank(room: RoomSummary) -> tuple[str, str]:
    return (room.created_at, room.room_id)


def _is_wanted(listing: Listing, wanted: Wanted) -> bool:
    room = listing.summary
    return (
        listing.visibility == "public"
        and room.status != "closed"
        and wanted.game in (None, room.game)
        and wanted.status in (None, room.status)
        and wanted.has_space in (None, room.player_count < room.max_players)
    )
