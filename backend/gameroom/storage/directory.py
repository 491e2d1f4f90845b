"""The directory in SQL: what the rows of rooms tell, which the journal keeps up to date with every append."""

from functools import partial

from sqlalchemy import Connection, Select, select, tuple_

from gameroom.protocol.views import RoomSummary
from gameroom.rooms.directory import Place, Wanted
from gameroom.storage.engine import Database
from gameroom.storage.tables import is_listed, rooms

_SUMMARY = tuple(rooms.c[name] for name in RoomSummary.__struct_fields__)
_PLACE = tuple(rooms.c[name] for name in Place.__struct_fields__)


class SqlDirectory:
    """Implements `Directory`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, wanted: Wanted, limit: int, after: Place | None = None) -> list[RoomSummary]:
        query = _newest(wanted, limit, after)
        return await self._database.read(partial(_summaries, query=query))


def _newest(wanted: Wanted, limit: int, after: Place | None) -> Select[tuple[str, ...]]:
    query = select(*_SUMMARY).where(is_listed)
    if wanted.game is not None:
        query = query.where(rooms.c.game == wanted.game)
    if wanted.status is not None:
        query = query.where(rooms.c.status == wanted.status)
    if wanted.has_space is not None:
        query = query.where((rooms.c.player_count < rooms.c.max_players) == wanted.has_space)
    if after is not None:
        query = query.where(tuple_(*_PLACE) < (after.created_at, after.room_id))
    return query.order_by(*(column.desc() for column in _PLACE)).limit(limit)


def _summaries(connection: Connection, query: Select[tuple[str, ...]]) -> list[RoomSummary]:
    return [RoomSummary(**row._asdict()) for row in connection.execute(query)]
