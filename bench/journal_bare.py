"""The limit: the statements of the group commit, in the same driver, from one loop that does nothing else.

It appends to the rooms that are there. Rows are made before the clock runs, so only the database is measured.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from statistics import median
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple, replace
from sqlalchemy import Engine
from sqlalchemy.engine.interfaces import DBAPICursor

from gameroom.ids import new_id
from gameroom.rooms.journal import SealedRecord
from gameroom.storage.backends import backend_of
from gameroom.storage.postgres_batches import _APPEND  # the very text, so that both do the same
from gameroom.storage.sqlite_batches import _INSERT, _TERMS
from gameroom.storage.tables import records

Row = tuple[Any, ...]
Commit = Callable[[DBAPICursor, Sequence[Row]], None]

COLUMNS = tuple(column.name for column in records.columns)
ROOM, SEQ = COLUMNS.index("room_id"), COLUMNS.index("seq")


class BareFigures(Struct, frozen=True):
    """`commit_ms`: the median of one."""

    records_per_s: float
    commit_ms: float


def measure_bare(url: str, batch: int, seconds: float) -> BareFigures:
    """Commit batches, each record another room's where there are as many rooms, until they took so long together."""
    backend = backend_of(url)
    engine = backend.pools().appender.engine
    commit = _commit_sqlite if engine.dialect.name == "sqlite" else _commit_postgresql
    taken = list(_timed(engine, commit, batch, seconds))
    engine.dispose()
    return BareFigures(batch * len(taken) / sum(taken), median(taken) * 1000)


def _timed(engine: Engine, commit: Commit, batch: int, seconds: float) -> Iterator[float]:
    """The seconds of each commit."""
    connection = engine.raw_connection()
    cursor = connection.cursor()
    rows = _further(_heads(cursor))
    left = seconds
    while left > 0:
        some = list(islice(rows, batch))
        start = time.perf_counter()
        commit(cursor, some)
        taken = time.perf_counter() - start
        left -= taken
        yield taken
    connection.close()


def _heads(cursor: DBAPICursor) -> list[SealedRecord]:
    """The last record of each room."""
    cursor.execute(
        f"SELECT {', '.join(COLUMNS)} FROM records AS head"  # noqa: S608  (names of our own columns)
        " WHERE seq = (SELECT max(seq) FROM records WHERE room_id = head.room_id)"
    )
    return [SealedRecord(**dict(zip(COLUMNS, row, strict=True))) for row in cursor.fetchall()]


def _further(heads: list[SealedRecord]) -> Iterator[Row]:
    """Records as long as these, room by room and over again, each with the next seq and an id of its own."""
    for number, head in enumerate(cycle(heads), start=len(heads)):
        yield astuple(replace(head, seq=head.seq + number // len(heads), command_id=new_id()))


def _commit_sqlite(cursor: DBAPICursor, rows: Sequence[Row]) -> None:
    cursor.execute("BEGIN IMMEDIATE")
    cursor.execute(_TERMS, (json.dumps([row[ROOM] for row in rows]),))
    cursor.fetchall()
    cursor.executemany(_INSERT, rows)
    cursor.execute("COMMIT")


def _commit_postgresql(cursor: DBAPICursor, rows: Sequence[Row]) -> None:
    arrays = [list(column) for column in zip(*rows, strict=True)]
    cursor.execute(_APPEND, (arrays[ROOM], *arrays))
    cursor.fetchall()
