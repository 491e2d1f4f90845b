"""The contract of placement: which node runs a room, fenced by a term.

The `term` of a room rises by one with each claim; the journal takes appends of the present term only. So an
owner that was paused, partitioned or thought dead cannot write after its room was claimed.
"""

from typing import Protocol

from msgspec import Struct

from gameroom.clock import Millis
from gameroom.rooms.journal import MemoryJournal, RoomInMemory


class Claim(Struct, frozen=True, kw_only=True):
    """The room is ours. `clean`: its last owner handed it over, with a snapshot of its very last state.

    `private`: outsiders may not know of it; for when the room itself cannot be asked.
    """

    room_id: str
    term: int
    game: str
    clean: bool
    private: bool = False


class Placement(Protocol):
    async def game_of(self, room_id: str) -> str | None:
        """The game of the room, which never changes; None: no such room. Raises `Unavailable`.

        Costs no writing: so it is asked before a claim, which any stranger could cause by naming a room.
        """

    async def claim(self, room_id: str, home: str) -> Claim | None:
        """Make `home` (a node's incarnation) the room's owner and raise its term; None: no such room.

        Takes the fence first: after it returns, no append of an earlier term is stored any more. A closed
        room can be claimed too: repeats of its last commands are still answered. Raises `Unavailable`: certainly
        not claimed; while that is unknown, it goes on trying.
        """

    async def unclaim(self, claim: Claim) -> None:
        """Give a room back under whose claim nothing was decided: it is as clean as it was before.

        Otherwise like `release`.
        """

    async def release(self, room_id: str, term: int) -> None:
        """Give the room up after its last snapshot; does nothing if `term` is not the present one.

        After it no append of that term is stored. Raises `Unavailable`: certainly not released, the owner may
        go on; while that is unknown, it goes on trying.
        """

    async def neglected(self, home: str, games: list[str], now: Millis, limit: int) -> list[str]:
        """Open rooms of these games that `home` does not run and somebody must: occupied, or with a timer due by `now`.

        Those with due timers first, the longest due of them first; at most `limit`. Raises `Unavailable`.
        """

    async def room_of_code(self, invite_code: str) -> str | None:
        """The id of the open room with this invite code. Raises `Unavailable`."""

    async def rooms_of(self, user_id: str) -> list[str]:
        """The ids of the open rooms that the user is a member of. Raises `Unavailable`."""


class MemoryPlacement:
    """Implements `Placement` for tests, over the rooms of a `MemoryJournal`."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._rooms = journal.rooms

    async def game_of(self, room_id: str) -> str | None:
        room = self._rooms.get(room_id)
        return None if room is None else room.listing.summary.game

    async def claim(self, room_id: str, home: str) -> Claim | None:
        room = self._rooms.get(room_id)
        if room is None:
            return None
        clean, room.clean = room.clean, False
        room.term += 1
        room.home = home
        return Claim(
            room_id=room_id,
            term=room.term,
            game=room.listing.summary.game,
            clean=clean,
            private=room.listing.visibility == "private",
        )

    async def unclaim(self, claim: Claim) -> None:
        self._give_back(claim.room_id, claim.term, clean=claim.clean)

    async def release(self, room_id: str, term: int) -> None:
        self._give_back(room_id, term, clean=True)

    async def neglected(self, home: str, games: list[str], now: Millis, limit: int) -> list[str]:
        played = [room for room in self._rooms.values() if room.listing.summary.game in games]
        foreign = [room for room in played if room.open and room.home != home]
        due = sorted((room.listing.next_due_at, _id(room)) for room in foreign if _is_due(room, now))
        occupied = sorted(_id(room) for room in foreign if room.listing.occupied and not _is_due(room, now))
        return [*(room_id for _, room_id in due), *occupied][:limit]

    async def room_of_code(self, invite_code: str) -> str | None:
        found = (_id(room) for room in self._open() if room.listing.invite_code == invite_code)
        return next(found, None)

    async def rooms_of(self, user_id: str) -> list[str]:
        return sorted(_id(room) for room in self._open() if user_id in room.listing.member_ids)

    def _give_back(self, room_id: str, term: int, *, clean: bool) -> None:
        room = self._rooms.get(room_id)
        if room is not None and room.takes(term):
            room.home = None
            room.clean = clean

    def _open(self) -> list[RoomInMemory]:
        return [room for room in self._rooms.values() if room.open]


def _id(room: RoomInMemory) -> str:
    return room.listing.summary.room_id


def _is_due(room: RoomInMemory, now: Millis) -> bool:
    due = room.listing.next_due_at
    return due is not None and due <= now
