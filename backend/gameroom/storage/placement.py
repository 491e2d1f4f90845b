"""Placement in SQL: the home and the term of a room stand in its row, beside the journal that they fence."""

from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Row, case, or_, select, update

from gameroom.clock import Millis
from gameroom.rooms.placement import Claim
from gameroom.storage.engine import Database
from gameroom.storage.failures import OutcomeUnknown
from gameroom.storage.insistence import insist
from gameroom.storage.lanes import Work
from gameroom.storage.tables import room_members, rooms

T = TypeVar("T")


class SqlPlacement:
    """Implements `Placement`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def game_of(self, room_id: str) -> str | None:
        return await self._database.read(partial(_game_of, room_id=room_id))

    async def claim(self, room_id: str, home: str) -> Claim | None:
        return await self._write(_Claiming(room_id, home))

    async def unclaim(self, claim: Claim) -> None:
        give_back = partial(_give_back, room_id=claim.room_id, term=claim.term, clean=claim.clean)
        await self._write(give_back)

    async def release(self, room_id: str, term: int) -> None:
        await self._write(partial(_give_back, room_id=room_id, term=term, clean=True))

    async def neglected(self, home: str, games: list[str], now: Millis, limit: int) -> list[str]:
        return await self._database.read(partial(_neglected, home=home, games=games, now=now, limit=limit))

    async def room_of_code(self, invite_code: str) -> str | None:
        return await self._database.read(partial(_room_of_code, invite_code=invite_code))

    async def rooms_of(self, user_id: str) -> list[str]:
        return await self._database.read(partial(_rooms_of, user_id=user_id))

    async def _write(self, work: Work[T]) -> T:
        """An owner who does not know whether it is one could neither go on nor leave the room to others."""
        try:
            return await self._database.append(work)
        except OutcomeUnknown:
            return await insist(self._database.append, work, in_doubt=True)


class _Claiming:
    """The work of one claim; done again after a doubt, it finds the claim that it has made already.

    A second claim in its place would not find the mark of a clean hand-over any more.
    """

    def __init__(self, room_id: str, home: str) -> None:
        self._room_id = room_id
        self._home = home
        self._tried: int | None = None
        """The term of an attempt whose outcome is unknown."""

    def __call__(self, connection: Connection) -> Claim | None:
        claim = self._made(connection)
        while claim is None:
            term = connection.scalar(select(rooms.c.term).where(rooms.c.room_id == self._room_id))
            if term is None:
                return None
            # Another claim may come between: then this one finds nothing to take, and tries the next term.
            self._tried = term + 1
            claim = _claim(connection, self._room_id, term, self._home)
        return claim

    def _made(self, connection: Connection) -> Claim | None:
        """What the attempt in doubt has made."""
        if self._tried is None:
            return None
        # By its id alone: so the lock waits for a claim that is under way still, and shows what came of it.
        locked = select(*_CLAIMED).where(rooms.c.room_id == self._room_id).with_for_update(read=True)
        row = connection.execute(locked).one_or_none()
        is_ours = row is not None and (row.term, row.home) == (self._tried, self._home)
        return _claim_of(row) if is_ours else None


_CLAIMED = (
    *(rooms.c.room_id, rooms.c.home, rooms.c.term),
    *(rooms.c.released_term, rooms.c.game, rooms.c.visibility),
)


def _game_of(connection: Connection, room_id: str) -> str | None:
    return connection.scalars(select(rooms.c.game).where(rooms.c.room_id == room_id)).one_or_none()


def _claim(connection: Connection, room_id: str, term: int, home: str) -> Claim | None:
    """Take the room from the owner with this term; None: it is not the present one any more."""
    taken = update(rooms).where(rooms.c.room_id == room_id, rooms.c.term == term)
    taking = taken.values(term=rooms.c.term + 1, home=home).returning(*_CLAIMED)
    return _claim_of(connection.execute(taking).one_or_none())


def _claim_of(row: "Row[str, str | None, int, int | None, str, str] | None") -> Claim | None:
    if row is None:
        return None
    # Only the very next claim after a release finds the mark.
    clean = row.released_term == row.term - 1
    private = row.visibility == "private"
    return Claim(room_id=row.room_id, term=row.term, game=row.game, clean=clean, private=private)


def _give_back(connection: Connection, room_id: str, term: int, *, clean: bool) -> None:
    owned = (rooms.c.room_id == room_id, rooms.c.term == term, rooms.c.home.is_not(None))
    mark = {"released_term": term} if clean else {}
    connection.execute(update(rooms).where(*owned).values(home=None, **mark))


def _neglected(connection: Connection, home: str, games: list[str], now: Millis, limit: int) -> list[str]:
    foreign = or_(rooms.c.home.is_(None), rooms.c.home != home)
    due = rooms.c.next_due_at <= now
    query = (
        select(rooms.c.room_id)
        .where(rooms.c.status != "closed", rooms.c.game.in_(games), foreign, or_(due, rooms.c.occupied))
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
