"""Rooms to store, in short, and the sets of stores that the contract suites run over."""

import hashlib
from typing import Protocol

import msgspec
from msgspec import Raw

from gameroom.clock import Millis
from gameroom.protocol.views import RoomSummary, Status
from gameroom.rooms.directory import Directory, MemoryDirectory
from gameroom.rooms.journal import Birth, Journal, Listing, MemoryJournal, SealedRecord, Snapshot, Unit
from gameroom.rooms.parts import PLAY, PlayPart
from gameroom.rooms.placement import MemoryPlacement, Placement
from gameroom.rooms.records import Record, seal
from gameroom.storage.directory import SqlDirectory
from gameroom.storage.engine import Database
from gameroom.storage.journal import SqlJournal
from gameroom.storage.placement import SqlPlacement


class Stores(Protocol):
    @property
    def journal(self) -> Journal: ...

    @property
    def placement(self) -> Placement: ...

    @property
    def directory(self) -> Directory: ...

    async def reopen(self) -> None:
        """Close everything and open it again, as a restart does."""

    async def close(self) -> None: ...


class MemoryStores:
    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.placement = MemoryPlacement(self.journal)
        self.directory = MemoryDirectory(self.journal)

    async def reopen(self) -> None:
        """Memory keeps what it has as long as it lives."""

    async def close(self) -> None:
        pass


class SqlStores:
    """In a database that has the newest schema."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._open()

    def _open(self) -> None:
        self.database = Database.open(self.url)
        self.journal = SqlJournal(self.database)
        self.placement = SqlPlacement(self.database)
        self.directory = SqlDirectory(self.database)

    async def reopen(self) -> None:
        await self.close()
        self._open()

    async def close(self) -> None:
        await self.journal.close()
        await self.database.close()


# --- things to store ------------------------------------------------------------------------------------------


def record(
    room_id: str,
    seq: int,
    *,
    term: int = 1,
    body: bytes | None = None,
    command: tuple[str, str] | None = None,
) -> SealedRecord:
    """`command`: the user and the id of the command that made the record."""
    user_id, command_id = command or (None, None)
    content = f"{room_id}/{seq}".encode() if body is None else body
    return SealedRecord(
        room_id=room_id,
        seq=seq,
        epoch=0,
        term=term,
        at=1000 + seq,
        kind="GAME_UPDATED",
        user_id=user_id,
        command_id=command_id,
        input_hash=b"input" if command else None,
        body=content,
        hash=hashlib.sha256(content).digest(),
    )


DEALT = PlayPart(status="playing", round=3, random_key=bytes(32), random_counter=17, players={0: "ann"})


def sealed(room_id: str, seq: int, *, at: Millis = 1_000, term: int = 1) -> SealedRecord:
    """A record that can be read again: in epoch 3 of a room that plays chess, version 7, as far as `DEALT`."""
    return seal(
        Record(
            room_id=room_id,
            epoch=3,
            seq=seq,
            term=term,
            at=at,
            kind="CHAT_MESSAGE",
            game="chess",
            game_version="7",
            data=Raw(b"{}"),
            parts={PLAY: Raw(msgspec.json.encode(DEALT))},
        )
    )


def listing(
    room_id: str,
    *,
    status: Status = "waiting",
    members: tuple[str, ...] = ("ann",),
    code: str | None = None,
    due: Millis | None = None,
    occupied: bool = True,
) -> Listing:
    return Listing(
        summary=RoomSummary(
            room_id=room_id,
            name="Room",
            game="relay",
            status=status,
            player_count=len(members),
            max_players=4,
            spectator_count=0,
            locked=False,
            has_password=False,
            created_at="2026-11-24T00:00:00.000Z",
        ),
        game_version="3",
        visibility="public",
        invite_code=code or f"code of {room_id}",
        member_ids=members,
        next_due_at=due,
        occupied=occupied,
    )


def unit(*records: SealedRecord, listing: Listing | None = None) -> Unit:
    return Unit(room_id=records[0].room_id, term=records[0].term, records=records, listing=listing)


def birth(
    room_id: str,
    *,
    first: SealedRecord | None = None,
    listed: Listing | None = None,
    creator: str = "ann",
    command_id: str | None = None,
    input_hash: bytes = b"input",
    home: str = "node-a",
) -> Birth:
    begun = unit(first or record(room_id, 1), listing=listed or listing(room_id))
    return Birth(unit=begun, home=home, creator_id=creator, command_id=command_id, input_hash=input_hash)


def snapshot(room_id: str, seq: int, *, term: int = 1) -> Snapshot:
    body = f"state of {room_id} at {seq}".encode()
    return Snapshot(
        room_id=room_id, epoch=0, seq=seq, term=term, body=body, hash=hashlib.sha256(body).digest()
    )
