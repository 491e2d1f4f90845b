"""The stores of identity, in memory and in SQL, for the tests that hold both to one contract."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gameroom.identity.identity import IdentityStores
from gameroom.identity.memory import MemoryStores
from gameroom.storage.accounts import SqlAccounts, SqlSignIns, SqlTickets
from gameroom.storage.engine import Database
from gameroom.storage.migrate import upgrade


def in_memory() -> IdentityStores:
    stores = MemoryStores()
    return IdentityStores(accounts=stores, sign_ins=stores, revocations=stores, tickets=stores)


def in_sql(database: Database) -> IdentityStores:
    sign_ins = SqlSignIns(database)
    return IdentityStores(
        accounts=SqlAccounts(database),
        sign_ins=sign_ins,
        revocations=sign_ins,
        tickets=SqlTickets(database),
    )


@asynccontextmanager
async def fresh_database(folder: Path) -> AsyncIterator[Database]:
    """A SQLite file with the newest schema."""
    url = f"sqlite:///{folder / 'gameroom.db'}"
    await asyncio.to_thread(upgrade, url)
    database = await asyncio.to_thread(Database.open, url)
    try:
        yield database
    finally:
        await database.close()
