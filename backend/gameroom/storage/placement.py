"""Placement in SQL: the home and the term of a room stand in its row, beside the journal that they fence."""

from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, case, or_, select, update

from gameroom.clock import Millis
from gameroom.errors import Unavailable
from gameroom.rooms.placement import Claim
from gameroom.storage.engine import Database, Work
from gameroom.storage.failures import OutcomeUnknown
from gameroom.storage.tables import room_members, rooms

T = TypeVar("T")


class SqlPlacement:
    """Implements `Placement`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, room_id: str, home: str) -> Claim | None:
        return await self._write(partial(_claim, room_id=room_id, home=home))

    async def release(self, room_id: str, term: int) -> None:
        await self._write(partial(_release, room_id=room_id, term=term))

    async def neglected(self, home: str, now: Millis, limit: int) -> list[str]:
        return await self._database.read(partial(_neglected, home=home, now=now, limit=limit))

    async def room_of_code(self, invite_code: str) -> str | None:
        return await self._database.read(partial(_room_of_code, invite_code=invite_code))

    async def rooms_of(self, user_id: str) -> list[str]:
        return await self._database.read(partial(_rooms_of, user_id=user_id))

    async def _write(self, work: Work[T]) -> T:
        try:
            return await self._database.write(work)
        except OutcomeUnknown as error:
            # Harmless here: a claim that nobody knows of only raises the term, a release only comes early.
            raise Unavailable("The room's owner cannot be changed at the moment") from error


def _claim(connection: Connection, room_id: str, home: str) -> Claim | None:
    taken = (
        update(rooms)
        .where(rooms.c.room_id == room_id)
        .values(term=rooms.c.term + 1, home=home)
        .returning(rooms.c.term, rooms.c.released_term, rooms.c.game, rooms.c.game_version)
    )
    row = connection.execute(taken).one_or_none()
    if row is None:
        return None
    return Claim(
        room_id=room_id,
        term=row.term,
        game=row.game,
        game_version=row.game_version,
        # Only the very next claim after a release finds the mark.
        clean=row.released_term == row.term - 1,
    )


def _release(connection: Connection, room_id: str, term: int) -> None:
    owned = (rooms.c.room_id == room_id, rooms.c.term == term, rooms.c.home.is_not(None))
    connection.execute(update(rooms).where(*owned).values(home=None, released_term=term))


def _neglected(connection: Connection, home: str, now: Millis, limit: int) -> list[str]:
    foreign = or_(rooms.c.home.is_(None), rooms.c.home != home)
    due = rooms.c.next_due_at <= now
    query = (
        select(rooms.c.room_id)
        .where(rooms.c.status != "closed", foreign, or_(due, rooms.c.occupied))
        # A due time orders rooms only once it has come.
        .order_by(case((due, 0), else_=1), case((due, rooms.c.next_due_at)), rooms.c.room_id)
        .limit(limit)
    )
    return list(connection.scalars(query))


def _room_of_code(connection: Connection, invite_code: str) -> str | None:
    query = select(rooms.c.room_id).where(rooms.c.invite_code == invite_code, rooms.c.status != "closed")
    return connection.scalars(query).one_or_none()


def _rooms_of(connection: Connection, user_id: str) -> list[str]:
    query = select(room_members.c.room_id).where(room_members.c.user_id == user_id)
    return list(connection.scalars(query.order_by(room_members.c.room_id)))
