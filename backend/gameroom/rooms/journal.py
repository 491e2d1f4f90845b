"""The contract of the journal, where the truth of every room stands, and the journal in memory.

A *record* is one event of one room with all it changed, encoded once; a *unit* is what one turn of a room
appends: all of it or nothing. Implementations: `MemoryJournal` here, `storage.journal` in SQL. One suite of
tests (`tests/contract/test_journal.py`) runs over all of them.
"""

from asyncio import Future, get_running_loop
from math import inf
from typing import Protocol

from msgspec import Struct

from gameroom.clock import Millis
from gameroom.errors import Unavailable
from gameroom.protocol.views import RoomSummary


class SealedRecord(Struct, frozen=True, kw_only=True):
    """A record as stored: its body's bytes, their hash, and the columns that are searched.

    `at` is when it was decided. `command_id` is set only on the first record of a command that had an id;
    `user_id` and `input_hash` are then set too.
    """

    room_id: str
    seq: int
    epoch: int
    term: int
    at: Millis
    kind: str
    user_id: str | None
    command_id: str | None
    input_hash: bytes | None
    body: bytes
    hash: bytes


class Listing(Struct, frozen=True, kw_only=True):
    """What must be known of a room without opening it; written in the transaction of the append.

    `next_due_at`: when its earliest timer is due. `occupied`: whether any member is connected, so that a node
    that finds the room without a home must look after it at once.
    """

    summary: RoomSummary
    game_version: str
    visibility: str
    invite_code: str
    member_ids: tuple[str, ...]
    next_due_at: Millis | None
    occupied: bool


class Unit(Struct, frozen=True, kw_only=True):
    """What one turn of a room appends. `records` is never empty; `listing` None: unchanged."""

    room_id: str
    term: int
    records: tuple[SealedRecord, ...]
    listing: Listing | None = None


class Birth(Struct, frozen=True, kw_only=True):
    """The first unit of a room, and whose CREATE it answers. Unique by `(creator_id, command_id)`."""

    unit: Unit
    home: str
    creator_id: str
    command_id: str | None
    input_hash: bytes


class Born(Struct, frozen=True):
    """Which room that CREATE made, now or before; `input_hash` is the one stored with it."""

    room_id: str
    input_hash: bytes
    repeated: bool


class Snapshot(Struct, frozen=True, kw_only=True):
    """All parts of a committed state as of `seq`, encoded in `body` and hashed like a record."""

    room_id: str
    epoch: int
    seq: int
    term: int
    body: bytes
    hash: bytes


class AppliedCommand(Struct, frozen=True):
    """One entry of the window of command ids."""

    user_id: str
    command_id: str
    input_hash: bytes
    seq: int


class Recovery(Struct, frozen=True, kw_only=True):
    """What a room is made from: the last snapshot, the records after it, and all command ids ever applied."""

    snapshot: Snapshot | None
    records: list[SealedRecord]
    commands: list[AppliedCommand]


class Fenced(Exception):
    """Another owner has the room: nothing of the unit is stored, and nothing of it may be published."""


class Refused(Exception):
    """The database has not taken this unit (a constraint, a size): certainly nothing of it is stored."""


class Journal(Protocol):
    def append(self, unit: Unit) -> "Future[None]":
        """Store the unit if `term` is still the room's and the room was not released.

        Done: stored, durably, whole. Raises `Fenced` or `Refused`: certainly not stored. While the outcome is
        unknown or the database is away, the same bytes are tried again and the future stays open.
        Units are taken in order per room. At most one unit of a room is under way at a time. A unit that is
        stored already, byte for byte, is done; another one at the same `seq` is `Refused`.
        Called on the loop; a future that is cancelled leaves the unit under way.
        """

    async def create(self, birth: Birth, by: float = inf) -> Born:
        """Store a new room with its first records, or find the room that the same CREATE made before.

        Raises `Unavailable`: certainly not stored, also where an open room has its invite code already, and where
        storing it has not begun by the loop's time `by`.
        """

    async def born(self, creator_id: str, command_id: str) -> Born | None:
        """The room that this CREATE has made before, if it has made one. Raises `Unavailable`."""

    async def recover(self, room_id: str) -> Recovery:
        """All that a claimed room is opened from. Raises `Unavailable` while the database is away."""

    async def read(self, room_id: str, after_seq: int, limit: int) -> list[SealedRecord]:
        """Records with `seq > after_seq`, in order, at most `limit`. Raises `Unavailable`."""

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep it in place of the room's former one, unless that is newer: one may be late.

        Raises `Fenced` or `Unavailable`.
        """


class RoomInMemory:
    """All that `MemoryJournal` and `MemoryPlacement` hold of one room."""

    def __init__(self, birth: Birth, listing: Listing) -> None:
        self.birth = birth
        self.listing = listing
        self.term = birth.unit.term
        self.home: str | None = birth.home
        self.clean = False
        self.records: dict[int, SealedRecord] = {}
        self._commands: dict[tuple[str | None, str], SealedRecord] = {}
        self.snapshot: Snapshot | None = None

    @property
    def open(self) -> bool:
        return self.listing.summary.status != "closed"

    def takes(self, term: int) -> bool:
        """Whether an owner with this term may still write."""
        return self.home is not None and self.term == term

    def append(self, unit: Unit) -> None:
        """Raises `Fenced` or `Refused`, and then has stored nothing."""
        if not self.takes(unit.term):
            raise Fenced(unit.room_id)
        if not all(self._holds(record) for record in unit.records):
            self._store(unit.records)
        self.listing = unit.listing or self.listing

    def after(self, seq: int) -> list[SealedRecord]:
        return [record for record in self.records.values() if record.seq > seq]

    def commands(self) -> list[AppliedCommand]:
        return [
            AppliedCommand(record.user_id, record.command_id, record.input_hash, record.seq)
            for record in self._commands.values()
            if record.user_id is not None and record.command_id is not None and record.input_hash is not None
        ]

    def _holds(self, record: SealedRecord) -> bool:
        stored = self.records.get(record.seq)
        return stored is not None and stored.hash == record.hash

    def _store(self, records: tuple[SealedRecord, ...]) -> None:
        by_seq = {record.seq: record for record in records}
        with_id = [record for record in records if record.command_id is not None]
        by_command = {(record.user_id, str(record.command_id)): record for record in with_id}
        if len(by_seq) < len(records) or by_seq.keys() & self.records.keys():
            raise Refused("seq is taken")
        if len(by_command) < len(with_id) or by_command.keys() & self._commands.keys():
            raise Refused("command_id is taken")
        self.records |= by_seq
        self._commands |= by_command


class MemoryJournal:
    """Implements `Journal` for tests: holds everything until it is dropped; its futures are done at once."""

    def __init__(self) -> None:
        self.rooms: dict[str, RoomInMemory] = {}

    def append(self, unit: Unit) -> "Future[None]":
        outcome: Future[None] = get_running_loop().create_future()
        try:
            self._room(unit.room_id).append(unit)
        except (Fenced, Refused) as error:
            outcome.set_exception(error)
        else:
            outcome.set_result(None)
        return outcome

    async def create(self, birth: Birth, by: float = inf) -> Born:
        former = None if birth.command_id is None else await self.born(birth.creator_id, birth.command_id)
        if former is not None:
            return former
        room = self._born(birth)
        self.rooms[birth.unit.room_id] = room
        return Born(birth.unit.room_id, birth.input_hash, repeated=False)

    async def born(self, creator_id: str, command_id: str) -> Born | None:
        for room_id, room in self.rooms.items():
            if (room.birth.creator_id, room.birth.command_id) == (creator_id, command_id):
                return Born(room_id, room.birth.input_hash, repeated=True)
        return None

    async def recover(self, room_id: str) -> Recovery:
        room = self.rooms.get(room_id)
        if room is None:
            return Recovery(snapshot=None, records=[], commands=[])
        after = room.snapshot.seq if room.snapshot else -1
        return Recovery(snapshot=room.snapshot, records=room.after(after), commands=room.commands())

    async def read(self, room_id: str, after_seq: int, limit: int) -> list[SealedRecord]:
        room = self.rooms.get(room_id)
        return room.after(after_seq)[:limit] if room else []

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        room = self._room(snapshot.room_id)
        if not room.takes(snapshot.term):
            raise Fenced(snapshot.room_id)
        if room.snapshot is None or room.snapshot.seq <= snapshot.seq:
            room.snapshot = snapshot

    def _room(self, room_id: str) -> RoomInMemory:
        room = self.rooms.get(room_id)
        if room is None:
            raise Fenced(room_id)
        return room

    def _born(self, birth: Birth) -> RoomInMemory:
        listing = birth.unit.listing
        if listing is None:
            raise ValueError("the first unit of a room has no listing")
        codes = {room.listing.invite_code for room in self.rooms.values() if room.open}
        if birth.unit.room_id in self.rooms or listing.invite_code in codes:
            raise Unavailable("The new room's id or invite code is taken")
        room = RoomInMemory(birth, listing)
        room.append(birth.unit)
        return room
