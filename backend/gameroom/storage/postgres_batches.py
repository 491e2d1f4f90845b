"""How the journal appends to PostgreSQL: one statement, so one message, that commits by itself.

It locks the rows of the rooms, in the order of their ids, and stores what comes from their present owners. A claim
waits for it at most as long as the server needs: no lock outlives the statement, whatever becomes of its sender.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import astuple
from sqlalchemy import Column, Connection
from sqlalchemy.exc import IntegrityError

from gameroom.rooms.journal import Fenced, Listing, Refused, Snapshot, Unit
from gameroom.storage.listings import listed, members_of
from gameroom.storage.tables import records, rooms, snapshots, unless_newer

_LISTED = (
    *("game", "game_version", "name", "status", "visibility", "invite_code", "player_count", "max_players"),
    *("spectator_count", "locked", "has_password", "next_due_at", "occupied"),
)


_TYPES: dict[type, str] = {str: "text", int: "bigint", bool: "boolean", bytes: "bytea"}


def _arrays(columns: Iterable[Column[Any]]) -> str:
    """An array for each of the columns, bound in the binary form: bytes travel as they are."""
    return ", ".join(f"%b::{_TYPES[column.type.python_type]}[]" for column in columns)


_COLUMNS = ", ".join(column.name for column in records.columns)

# NO KEY UPDATE, not SHARE, which would have to be raised for the listing: two appends to one room (a process's own,
# after a doubt) would then each wait for the other.
_FENCE = """
WITH fence AS (
    SELECT room_id, term FROM rooms
    WHERE room_id = ANY(%b::text[]) AND home IS NOT NULL
    ORDER BY room_id FOR NO KEY UPDATE
)"""
_STORE = f""", stored AS (
    INSERT INTO records ({_COLUMNS})
    SELECT new.* FROM unnest({_arrays(records.columns)}) AS new ({_COLUMNS}) JOIN fence USING (room_id, term)
)"""  # noqa: S608  (names of our own columns)
_LIST = f""", listed AS (
    UPDATE rooms SET {", ".join(f"{name} = new.{name}" for name in _LISTED)}
    FROM unnest(
        {_arrays(rooms.c[name] for name in ("room_id", "term", *_LISTED))}
    ) AS new (room_id, term, {", ".join(_LISTED)}) JOIN fence USING (room_id, term)
    WHERE rooms.room_id = new.room_id
    RETURNING rooms.room_id
), members AS (
    SELECT * FROM unnest(%b::text[], %b::text[]) AS new (room_id, user_id) JOIN listed USING (room_id)
), gone AS (
    DELETE FROM room_members AS former USING listed
    WHERE former.room_id = listed.room_id AND NOT EXISTS (
        SELECT FROM members WHERE members.room_id = former.room_id AND members.user_id = former.user_id
    )
), came AS (
    INSERT INTO room_members (room_id, user_id) SELECT room_id, user_id FROM members ON CONFLICT DO NOTHING
)"""  # noqa: S608  (names of our own columns)
_SNAPSHOT_COLUMNS = ", ".join(column.name for column in snapshots.columns)
_KEPT = f""", kept AS (
    INSERT INTO snapshots ({_SNAPSHOT_COLUMNS})
    SELECT new.* FROM unnest({_arrays(snapshots.columns)}) AS new ({_SNAPSHOT_COLUMNS})
    JOIN fence USING (room_id, term)
    {unless_newer}
)"""  # noqa: S608  (names of our own columns)
_OWNED = """
SELECT room_id, term FROM fence"""

_APPEND = _FENCE + _STORE + _OWNED
_APPEND_AND_LIST = _FENCE + _STORE + _LIST + _OWNED
_KEEP = _FENCE + _KEPT + _OWNED
_STORED_HASHES = "SELECT seq, hash FROM records WHERE room_id = %s AND seq = ANY(%s)"


def store_batch(connection: Connection, units: Sequence[Unit]) -> list[bool]:
    """As `Backend.store_batch`, in one statement."""
    listings = {(unit.room_id, unit.term): unit.listing for unit in units if unit.listing is not None}
    arrays = [
        [unit.room_id for unit in units],
        *_columns(astuple(each) for unit in units for each in unit.records),
    ]
    statement = _APPEND
    if listings:
        arrays += _listing_arrays(listings)
        statement = _APPEND_AND_LIST
    return _owned(connection, statement, arrays, units)


def settle(connection: Connection, unit: Unit) -> None:
    """As `Backend.settle`. Each of its statements commits by itself.

    To insert the same rows waits for a transaction that has inserted them and not yet ended, which a SELECT does not
    see. Then they are there, or there is room for ours.
    """
    verdict: Fenced | Refused
    try:
        (owned,) = store_batch(connection, [unit])
    except IntegrityError as error:
        verdict = Refused(str(error.orig))
    else:
        if owned:
            return
        verdict = Fenced(unit.room_id)
    if not _are_stored(connection, unit):
        raise verdict


def keep_snapshots(connection: Connection, kept: Sequence[Snapshot]) -> list[bool]:
    """As `Backend.keep_snapshots`, in one statement."""
    arrays = [[each.room_id for each in kept], *_columns(astuple(each) for each in kept)]
    return _owned(connection, _KEEP, arrays, kept)


def _owned(
    connection: Connection, statement: str, arrays: list[list[Any]], written: Sequence[Unit | Snapshot]
) -> list[bool]:
    """Run the statement; whether each bears the term of its room, which has an owner."""
    terms = {row.room_id: row.term for row in connection.exec_driver_sql(statement, tuple(arrays))}
    return [terms.get(each.room_id) == each.term for each in written]


def _are_stored(connection: Connection, unit: Unit) -> bool:
    """Whether an earlier attempt has stored this very unit: if one record, then all of it, listing included."""
    seqs = [record.seq for record in unit.records]
    rows = connection.exec_driver_sql(_STORED_HASHES, (unit.room_id, seqs))
    hashes = {record.seq: record.hash for record in unit.records}
    return {row.seq: row.hash for row in rows} == hashes


def _listing_arrays(listings: dict[tuple[str, int], Listing]) -> list[list[Any]]:
    rows = [
        (*room, *(columns[name] for name in _LISTED))
        for room, columns in ((room, listed(listing)) for room, listing in listings.items())
    ]
    members = [
        (room_id, user_id) for (room_id, _), listing in listings.items() for user_id in members_of(listing)
    ]
    return [*_columns(rows), *(_columns(members) or [[], []])]


def _columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
