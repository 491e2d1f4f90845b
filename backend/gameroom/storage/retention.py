"""Removing closed rooms from the database, a few rows at a time."""

from functools import partial

from sqlalchemy import Connection, delete, select

from gameroom.clock import Millis
from gameroom.ids import first_id_of
from gameroom.storage.engine import Database
from gameroom.storage.failures import OutcomeUnknown
from gameroom.storage.insistence import insist
from gameroom.storage.tables import records, room_members, rooms, snapshots

_is_closed = rooms.c.status == "closed"


class SqlClosedRooms:
    """Implements `rooms.retention.ClosedRooms`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def closed_before(self, moment: Millis, after: str, limit: int) -> list[str]:
        work = partial(_closed_before, moment=moment, after=after, limit=limit)
        return await self._database.read(work)

    async def remove(self, room_id: str, records: int) -> bool:
        work = partial(_remove, room_id=room_id, limit=records)
        try:
            return await self._database.write(work)
        except OutcomeUnknown:
            return await insist(self._database.write, work, in_doubt=True)


def _closed_before(connection: Connection, moment: Millis, after: str, limit: int) -> list[str]:
    of_room = records.c.room_id == rooms.c.room_id
    last_at = select(records.c.at).where(of_room).order_by(records.c.seq.desc()).limit(1).scalar_subquery()
    # A room that was made later cannot have been closed earlier: so the younger ones, most of all, are not looked at.
    is_older = rooms.c.room_id < first_id_of(moment)
    query = select(rooms.c.room_id).where(rooms.c.room_id > after, is_older, _is_closed, last_at < moment)
    return list(connection.scalars(query.order_by(rooms.c.room_id).limit(limit)))


def _remove(connection: Connection, room_id: str, limit: int) -> bool:
    closed = select(rooms.c.room_id).where(rooms.c.room_id == room_id, _is_closed).with_for_update()
    if connection.execute(closed).first() is None:
        return True
    surplus = _surplus(connection, room_id, limit)
    if surplus is not None:
        connection.execute(delete(records).where(records.c.room_id == room_id, records.c.seq <= surplus))
        return False
    for table in (snapshots, records, room_members, rooms):
        connection.execute(delete(table).where(table.c.room_id == room_id))
    return True


def _surplus(connection: Connection, room_id: str, limit: int) -> int | None:
    """Up to which seq records must go first; None: all can go together.

    What is left behind the snapshot always can: a snapshot is never far behind.
    """
    held = select(snapshots.c.seq).where(snapshots.c.room_id == room_id).scalar_subquery()
    oldest = select(records.c.seq).where(records.c.room_id == room_id, records.c.seq <= held)
    seqs = list(connection.scalars(oldest.order_by(records.c.seq).limit(limit + 1)))
    return seqs[limit - 1] if len(seqs) > limit else None
