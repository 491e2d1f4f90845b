"""The journal as it stands in the database, read without the server's code.

A record is a row of `records`: columns that are searched, the `body` and its `hash`, which is BLAKE2b of 16 bytes over
the body as stored. The body is JSON. One turn of a room makes one or more records, stored together; the first has
`input`, what caused it: a command's type and fields, or `{"type": "TIMER", "due_at", "part", "name"}`, or another
word of the house. That record also has the command's `command_id`, its `answer` (`{"seq", "data"}`, with `seq` of the
turn's last record), and `parts`: each part of the room's state that the turn changed, whole; null: it is gone.
Every record has `kind` and `data` of its event, `announcements` (`to`: seats, or null for all) and perhaps `audience`,
the users who may see it. The parts of a room are `room`, `play`, `member:<user id>`, `left:<user id>` and `game`.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.kit.wire import Json, Position

RECORDS = """
    SELECT room_id, seq, epoch, term, at, kind, user_id, command_id, body, hash FROM records
    ORDER BY room_id, seq
"""
SNAPSHOTS = "SELECT room_id, seq, epoch, body, hash FROM snapshots"
ROOMS = "SELECT room_id, creator_id, create_command_id FROM rooms"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One row of `records`; `body` is None where its bytes are not those that were hashed."""

    room_id: str
    seq: int
    epoch: int
    term: int
    at: int
    kind: str
    user_id: str | None
    command_id: str | None
    body: Json | None

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.seq)

    @property
    def told(self) -> Json:
        """The body, or nothing where it is damaged."""
        return self.body or {}

    @property
    def data(self) -> Json:
        data: Json = self.told.get("data", {})
        return data

    @property
    def input(self) -> Json | None:
        """What caused the turn, where this is the first record of one."""
        return self.told.get("input")

    @property
    def parts(self) -> Json:
        parts: Json = self.told.get("parts", {})
        return parts

    @property
    def audience(self) -> list[str] | None:
        return self.told.get("audience")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The room's parts as of `seq`; `body` as in `Record`."""

    room_id: str
    seq: int
    epoch: int
    body: Json | None


@dataclass(frozen=True, kw_only=True)
class Room:
    room_id: str
    creator_id: str
    create_command_id: str | None


@dataclass
class Journal:
    """All rooms of a database; `records` of each in order."""

    rooms: list[Room] = field(default_factory=list)
    records: dict[str, list[Record]] = field(default_factory=dict)
    snapshots: list[Snapshot] = field(default_factory=list)

    def every(self) -> Iterator[Record]:
        for records in self.records.values():
            yield from records


def read_sqlite(file: Path) -> Journal:
    """Reads beside a running server, as of one moment."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        return journal_of(*(connection.execute(query).fetchall() for query in (ROOMS, RECORDS, SNAPSHOTS)))


def read_postgres(url: str) -> Journal:
    """Reads beside running servers, as of one moment. `url` as psycopg wants it."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return journal_of(*(connection.execute(query).fetchall() for query in (ROOMS, RECORDS, SNAPSHOTS)))


def journal_of(rooms: Iterable[Any], records: Iterable[Any], snapshots: Iterable[Any]) -> Journal:
    """The journal of these rows, each a mapping of its columns."""
    journal = Journal(rooms=[Room(**dict(row)) for row in rooms])
    for row in records:
        record = Record(**_opened(dict(row)))
        journal.records.setdefault(record.room_id, []).append(record)
    journal.snapshots = [Snapshot(**_opened(dict(row))) for row in snapshots]
    return journal


def _opened(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its body read, if that fits the hash, and says of itself what the columns say."""
    stored, kept = bytes(row.pop("body")), bytes(row.pop("hash"))
    body = json.loads(stored) if blake2b(stored, digest_size=16).digest() == kept else None
    if body is not None and any(body[name] != row[name] for name in ("room_id", "seq", "epoch")):
        body = None
    return {**row, "body": body}
