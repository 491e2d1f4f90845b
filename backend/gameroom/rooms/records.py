"""Records and snapshots as bytes: what is stored, hashed as stored, and read back only if the hash still fits."""

from hashlib import blake2b
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from gameroom.clock import Millis
from gameroom.rooms.journal import SealedRecord, Snapshot

VERSION = 1
MAX_RECORD_BYTES = 1_048_576


NULL = Raw(b"null")


class Position(Struct, frozen=True):
    """Where a room stands in its history, and when it got there."""

    epoch: int
    seq: int
    at: Millis


class Stamp(Struct, frozen=True, kw_only=True):
    """What all records of one turn have in common. `head` is the position before the turn."""

    room_id: str
    epoch: int
    head: int
    term: int
    at: Millis


class StoredAnnouncement(Struct, frozen=True, gc=False):
    """What a game told with an event; `to` None: everybody, else those seats."""

    to: tuple[int, ...] | None
    data: Raw


class StoredAnswer(Struct, frozen=True, gc=False):
    """The recorded answer of a command: its REPLY's `data`, and the position after its last event."""

    seq: int
    data: Raw


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One event of a room with all it changed.

    `parts` holds each part of the state that the command changed, whole, encoded; null: it is gone. The first
    record of a command bears its id, input, answer and parts. `data` is the event's, without names and avatars.
    `audience`: the users who may see the event; None: all.

    The garbage collector is not told of it, for it is in no cycle: rooms keep hundreds each, and to walk over all of
    them would stop the server for tenths of a second.
    """

    room_id: str
    epoch: int
    seq: int
    term: int
    at: Millis
    kind: str
    game: str
    game_version: str
    data: Raw
    v: int = VERSION
    user_id: str | None = None
    command_id: str | None = None
    input_hash: str | None = None
    input: Raw = NULL
    announcements: tuple[StoredAnnouncement, ...] = ()
    audience: tuple[str, ...] | None = None
    parts: dict[str, Raw] = {}
    answer: StoredAnswer | None = None


class Unrecorded(Struct, frozen=True):
    """A command that was applied, but stands in no record: play that is not journaled. The hash is in hex."""

    user_id: str
    command_id: str
    input_hash: str
    seq: int
    answer: StoredAnswer


class SnapshotBody(Struct, frozen=True, kw_only=True):
    """All parts of a room as of a position, and the commands that no record will tell of.

    `renewed`: this version of the game has not told yet that it has taken the room over.
    """

    room_id: str
    epoch: int
    seq: int
    at: Millis
    game: str
    game_version: str
    parts: dict[str, Raw]
    unrecorded: list[Unrecorded] = []
    renewed: bool = False
    v: int = VERSION


class Damaged(Exception):
    """What is stored is not what was written, or a record is missing; `seq`: where, 0: there is nothing at all."""

    def __init__(self, what: str, seq: int = 0) -> None:
        super().__init__(what)
        self.seq = seq


def missing(seq: int) -> Damaged:
    return Damaged(f"the record at seq {seq} is missing", seq)


def hash_of(data: bytes) -> bytes:
    """16 bytes of BLAKE2b (RFC 7693)."""
    return blake2b(data, digest_size=16).digest()


def seal(record: Record) -> SealedRecord:
    body = _ENCODER.encode(record)
    return SealedRecord(
        room_id=record.room_id,
        seq=record.seq,
        epoch=record.epoch,
        term=record.term,
        at=record.at,
        kind=record.kind,
        user_id=record.user_id,
        command_id=record.command_id,
        input_hash=bytes.fromhex(record.input_hash) if record.input_hash else None,
        body=body,
        hash=hash_of(body),
    )


def unseal(sealed: SealedRecord) -> Record:
    """The record that was sealed. Raises `Damaged`."""
    record = _verified(sealed, _RECORD)
    if (record.room_id, record.seq, record.epoch) != (sealed.room_id, sealed.seq, sealed.epoch):
        raise Damaged(
            f"the record at seq {sealed.seq} belongs elsewhere: it says seq {record.seq}", sealed.seq
        )
    return record


def seal_snapshot(body: SnapshotBody, term: int) -> Snapshot:
    data = _ENCODER.encode(body)
    return Snapshot(
        room_id=body.room_id, epoch=body.epoch, seq=body.seq, term=term, body=data, hash=hash_of(data)
    )


def unseal_snapshot(snapshot: Snapshot) -> SnapshotBody:
    """The snapshot that was sealed. Raises `Damaged`."""
    body = _verified(snapshot, _SNAPSHOT)
    if (body.room_id, body.seq, body.epoch) != (snapshot.room_id, snapshot.seq, snapshot.epoch):
        raise Damaged(
            f"the snapshot at seq {snapshot.seq} belongs elsewhere: it says seq {body.seq}", snapshot.seq
        )
    return body


Body = TypeVar("Body", Record, SnapshotBody)


def _verified(stored: SealedRecord | Snapshot, decoder: "msgspec.json.Decoder[Body]") -> Body:
    if hash_of(stored.body) != stored.hash:
        raise Damaged(f"the bytes at seq {stored.seq} do not fit their hash", stored.seq)
    try:
        return decoder.decode(stored.body)
    except msgspec.MsgspecError as error:
        raise Damaged(f"the bytes at seq {stored.seq} cannot be read: {error}", stored.seq) from error


_ENCODER = msgspec.json.Encoder()
_RECORD = msgspec.json.Decoder(Record)
_SNAPSHOT = msgspec.json.Decoder(SnapshotBody)
