"""How users are shown to others, for rooms that are opened, in SQL."""

from sqlalchemy import select

from gameroom.rooms.rooms import Card
from gameroom.storage.engine import Database
from gameroom.storage.tables import users

CARDS_AT_ONCE = 500
"""Ids in one query: databases bound the number of parameters."""


class SqlCards:
    """Implements `rooms.rooms.Cards` over the users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cards(self, user_ids: list[str]) -> dict[str, Card]:
        found: dict[str, Card] = {}
        for start in range(0, len(user_ids), CARDS_AT_ONCE):
            found |= await self._some(user_ids[start : start + CARDS_AT_ONCE])
        return found

    async def _some(self, user_ids: list[str]) -> dict[str, Card]:
        query = select(users.c.user_id, users.c.display_name, users.c.avatar_url)
        rows = await self._database.read(
            lambda c: c.execute(query.where(users.c.user_id.in_(user_ids))).all()
        )
        return {user_id: Card(display_name, avatar_url) for user_id, display_name, avatar_url in rows}
