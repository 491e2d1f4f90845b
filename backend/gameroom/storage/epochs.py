"""New epochs in SQL, for databases that went back."""

import secrets

from msgspec.structs import asdict
from sqlalchemy import Connection, insert, select, update

from gameroom.clock import Millis
from gameroom.rooms.journal import SealedRecord, Snapshot
from gameroom.rooms.parts import PLAY
from gameroom.rooms.records import Damaged, Position, unseal
from gameroom.rooms.recovery import begin_with, lay_over
from gameroom.rooms.restoring import Head, first_of_epoch, fresh_term
from gameroom.storage.engine import Database
from gameroom.storage.failures import OutcomeUnknown
from gameroom.storage.insistence import insist
from gameroom.storage.tables import records, rooms, snapshots

_is_open = rooms.c.status != "closed"


class SqlEpochs:
    """Implements `rooms.restoring.Epochs`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_rooms(self, after: str, limit: int) -> list[str]:
        query = select(rooms.c.room_id).where(_is_open, rooms.c.room_id > after)
        ordered = query.order_by(rooms.c.room_id).limit(limit)
        return await self._database.read(lambda connection: list(connection.scalars(ordered)))

    async def begin(self, room_id: str, now: Millis) -> Position | None:
        work = _Beginning(room_id, now)
        try:
            return await self._database.write(work)
        except OutcomeUnknown:
            return await insist(self._database.write, work, in_doubt=True)


class _Beginning:
    """The work of one beginning; done again after a doubt, it finds the one that it has made already.

    The room's row comes first: once it is locked, an attempt in doubt has ended, which cannot be seen before, and no
    append of a former owner comes behind the head.
    """

    def __init__(self, room_id: str, now: Millis) -> None:
        self._room_id = room_id
        self._now = now
        self._made: SealedRecord | None = None

    def __call__(self, connection: Connection) -> Position | None:
        locked = select(rooms.c.term, _is_open.label("is_open")).where(rooms.c.room_id == self._room_id)
        room = connection.execute(locked.with_for_update()).one_or_none()
        if room is None:
            return None
        if self._made is None or not _is_stored(connection, self._made):
            self._made = _begin(connection, self._room_id, room.term, self._now) if room.is_open else None
        made = self._made
        return None if made is None else Position(made.epoch, made.seq, made.at)


def _begin(connection: Connection, room_id: str, term: int, now: Millis) -> SealedRecord:
    head = _head(connection, room_id)
    first = first_of_epoch(head, fresh_term(term, now), now, secrets.token_bytes(32))
    connection.execute(insert(records).values(asdict(first)))
    nobodys = {"term": first.term, "home": None, "released_term": None}
    connection.execute(update(rooms).where(rooms.c.room_id == room_id).values(nobodys))
    return first


def _head(connection: Connection, room_id: str) -> Head:
    """Raises `Damaged`: the room cannot be opened either."""
    kept = connection.execute(select(snapshots).where(snapshots.c.room_id == room_id)).one_or_none()
    room = begin_with(room_id, None if kept is None else Snapshot(**kept._asdict()))
    of_room = select(records).where(records.c.room_id == room_id)
    for row in connection.execute(of_room.where(records.c.seq > room.position.seq).order_by(records.c.seq)):
        room = lay_over(room, unseal(SealedRecord(**row._asdict())))
    last = connection.execute(of_room.order_by(records.c.seq.desc()).limit(1)).one_or_none()
    if last is None or PLAY not in room.parts:
        raise Damaged("it has no record that tells of its play")
    return Head(last=unseal(SealedRecord(**last._asdict())), room=room)


def _is_stored(connection: Connection, record: SealedRecord) -> bool:
    same = select(records.c.seq).filter_by(room_id=record.room_id, seq=record.seq, hash=record.hash)
    return connection.execute(same).first() is not None
