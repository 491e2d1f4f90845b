"""The archive in SQL: every look is a short transaction that can only read, on a connection of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from gameroom.rooms.archive import Moment, RoomRow
from gameroom.rooms.journal import SealedRecord, Snapshot
from gameroom.rooms.rooms import Card
from gameroom.storage import migrate
from gameroom.storage.backends import backend_of
from gameroom.storage.cards import CARDS_AT_ONCE
from gameroom.storage.failures import DatabaseUnusable
from gameroom.storage.tables import records, room_members, rooms, snapshots, users

T = TypeVar("T")

_ROW = tuple(rooms.c[name] for name in RoomRow.__struct_fields__)
_RECORD = tuple(records.c[name] for name in SealedRecord.__struct_fields__)


@contextmanager
def open_archive(url: str) -> Iterator["SqlArchive"]:
    """The archive of this database. A server may run on it meanwhile. Raises `DatabaseUnusable`, then and later."""
    backend = backend_of(url)
    engine = backend.looker()
    try:
        with engine.connect() as connection:
            migrate.require_newest(connection)
        yield SqlArchive(engine)
    except DBAPIError as error:
        raise DatabaseUnusable(backend.sentence_of(error) or f"{backend.name}: {error.orig}") from error
    finally:
        engine.dispose()


class SqlArchive:
    """Implements `Archive`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def room_ids(self, after: str, limit: int) -> list[str]:
        query = select(rooms.c.room_id).where(rooms.c.room_id > after).order_by(rooms.c.room_id).limit(limit)
        return self._read(lambda connection: list(connection.scalars(query)))

    def look(self, room_id: str) -> Moment | None:
        return self._read(lambda connection: _moment(connection, room_id))

    def records(self, room_id: str, after_seq: int, limit: int) -> list[SealedRecord]:
        query = (
            select(*_RECORD)
            .where(records.c.room_id == room_id, records.c.seq > after_seq)
            .order_by(records.c.seq)
            .limit(limit)
        )
        return self._read(
            lambda connection: [SealedRecord(**row._asdict()) for row in connection.execute(query)]
        )

    def cards(self, user_ids: list[str]) -> dict[str, Card]:
        found: dict[str, Card] = {}
        for start in range(0, len(user_ids), CARDS_AT_ONCE):
            found |= self._cards(user_ids[start : start + CARDS_AT_ONCE])
        return found

    def _cards(self, user_ids: list[str]) -> dict[str, Card]:
        query = select(users.c.user_id, users.c.display_name, users.c.avatar_url)
        rows = self._read(lambda c: c.execute(query.where(users.c.user_id.in_(user_ids))).all())
        return {user_id: Card(display_name, avatar_url) for user_id, display_name, avatar_url in rows}

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection, connection.begin():
            return work(connection)


def _moment(connection: Connection, room_id: str) -> Moment | None:
    row = connection.execute(select(*_ROW).where(rooms.c.room_id == room_id)).mappings().one_or_none()
    if row is None:
        return None
    members = select(room_members.c.user_id).where(room_members.c.room_id == room_id)
    head = select(func.max(records.c.seq)).where(records.c.room_id == room_id)
    snapshot = (
        connection.execute(select(snapshots).where(snapshots.c.room_id == room_id)).mappings().one_or_none()
    )
    return Moment(
        row=RoomRow(**row),
        member_ids=frozenset(connection.scalars(members)),
        head=connection.scalar(head) or 0,
        snapshot=None if snapshot is None else Snapshot(**snapshot),
    )
