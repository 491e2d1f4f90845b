"""What the journal does inside a transaction of SQLite: SQL by hand, for this is the hot path.

A batch costs four statements at most, however many units or snapshots it has. All of it runs on the writer's thread.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from msgspec.structs import astuple
from sqlalchemy import Connection

from gameroom.rooms.journal import Fenced, Listing, Refused, SealedRecord, Snapshot, Unit
from gameroom.storage.listings import listed, members_of
from gameroom.storage.tables import records, snapshots, unless_newer

_COLUMNS = ", ".join(column.name for column in records.columns)
_MARKS = ", ".join("?" for _ in records.columns)
_SNAPSHOT_COLUMNS = ", ".join(column.name for column in snapshots.columns)
_SNAPSHOT_MARKS = ", ".join("?" for _ in snapshots.columns)

_TERMS = """
    SELECT room_id, term FROM rooms
    WHERE home IS NOT NULL AND room_id IN (SELECT value FROM json_each(?))
"""
_INSERT = f"INSERT INTO records ({_COLUMNS}) VALUES ({_MARKS})"  # noqa: S608  (names of our own columns)
# Without a conflict target: the index of command ids conflicts too.
_INSERT_UNLESS_THERE = f"{_INSERT} ON CONFLICT DO NOTHING"
_KEEP = f"INSERT INTO snapshots ({_SNAPSHOT_COLUMNS}) VALUES ({_SNAPSHOT_MARKS}) {unless_newer}"  # noqa: S608
_STORED_HASH = "SELECT hash FROM records WHERE room_id = ? AND seq = ?"
_LIST = """
    UPDATE rooms SET game = :game, game_version = :game_version, name = :name, status = :status,
        visibility = :visibility, invite_code = :invite_code, player_count = :player_count,
        max_players = :max_players, spectator_count = :spectator_count, locked = :locked,
        has_password = :has_password, next_due_at = :next_due_at, occupied = :occupied
    WHERE room_id = :room_id
"""
_MEMBERS = "SELECT room_id, user_id FROM room_members WHERE room_id IN (SELECT value FROM json_each(?))"
_ADD_MEMBER = "INSERT INTO room_members (room_id, user_id) VALUES (?, ?)"
_REMOVE_MEMBER = "DELETE FROM room_members WHERE room_id = ? AND user_id = ?"


def store_batch(connection: Connection, units: Sequence[Unit]) -> list[bool]:
    """Store the units of those rooms whose term they bear; tells for each whether it was stored or fenced.

    Raises whatever the database raises: then one of the units is at fault, and all must be rolled back.
    """
    owned = _owned(connection, units)
    kept = [unit for unit, is_owned in zip(units, owned, strict=True) if is_owned]
    _insert(connection, _INSERT, chain.from_iterable(unit.records for unit in kept))
    _list(connection, {unit.room_id: unit.listing for unit in kept if unit.listing is not None})
    return owned


def settle(connection: Connection, unit: Unit) -> None:
    """Store one unit that may be stored already, or that may be at fault.

    Raises `Fenced`, `Refused`, or what the database raises: nothing of it is stored then, once rolled back.
    """
    (owned,) = _owned(connection, [unit])
    if owned:
        _insert(connection, _INSERT_UNLESS_THERE, unit.records)
    if not all(_is_stored(connection, record) for record in unit.records):
        raise Refused("another record has this seq or command_id") if owned else Fenced(unit.room_id)
    if owned and unit.listing is not None:
        _list(connection, {unit.room_id: unit.listing})


def keep_snapshots(connection: Connection, kept: Sequence[Snapshot]) -> list[bool]:
    """As `Backend.keep_snapshots`."""
    owned = _owned(connection, kept)
    rows = [astuple(snapshot) for snapshot, is_owned in zip(kept, owned, strict=True) if is_owned]
    _execute_many(connection, _KEEP, rows)
    return owned


def _owned(connection: Connection, written: Sequence[Unit | Snapshot]) -> list[bool]:
    """Whether each bears the term of its room, which has an owner."""
    terms = dict(_of_rooms(connection, _TERMS, (each.room_id for each in written)))
    return [terms.get(each.room_id) == each.term for each in written]


def _replace_members(connection: Connection, listings: dict[str, Listing]) -> None:
    """Make the members of rooms, by their ids, those of the listings; a closed room has none."""
    wanted = {(room_id, user_id) for room_id, listing in listings.items() for user_id in members_of(listing)}
    stored = set(_of_rooms(connection, _MEMBERS, listings))
    _execute_many(connection, _REMOVE_MEMBER, list(stored - wanted))
    _execute_many(connection, _ADD_MEMBER, list(wanted - stored))


def _list(connection: Connection, listings: dict[str, Listing]) -> None:
    if not listings:
        return
    rows = [{**listed(listing), "room_id": room_id} for room_id, listing in listings.items()]
    _execute_many(connection, _LIST, rows)
    _replace_members(connection, listings)


def _insert(connection: Connection, statement: str, sealed: Iterable[SealedRecord]) -> None:
    _execute_many(connection, statement, [astuple(record) for record in sealed])


def _is_stored(connection: Connection, record: SealedRecord) -> bool:
    stored = connection.exec_driver_sql(_STORED_HASH, (record.room_id, record.seq)).scalar()
    return stored == record.hash


def _of_rooms(connection: Connection, statement: str, room_ids: Iterable[str]) -> list[tuple[str, Any]]:
    """The rows of many rooms by one statement that is always the same text, so that it stays prepared."""
    rows = connection.exec_driver_sql(statement, (json.dumps(list(room_ids)),))
    return [(row[0], row[1]) for row in rows]


def _execute_many(connection: Connection, statement: str, rows: list[Any]) -> None:
    if rows:
        connection.exec_driver_sql(statement, rows)
