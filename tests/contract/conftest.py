"""The stores in memory, in a SQLite file and in PostgreSQL; every test that asks for them runs over all."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gameroom.identity.identity import IdentityStores
from gameroom.storage import migrate
from gameroom.storage.engine import Database
from tests.contract.identity_stores import in_memory, in_sql
from tests.contract.room_stores import MemoryStores, SqlStores, Stores

EVERYWHERE = ["memory", "sqlite", "postgresql"]
IN_SQL = ["sqlite", "postgresql"]


def sql_url(kind: str, request: pytest.FixtureRequest) -> str:
    """An empty database with the newest schema; of those who need none, none is made."""
    if kind == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    folder: Path = request.getfixturevalue("tmp_path")
    url = f"sqlite:///{folder / 'gameroom.db'}"
    migrate.upgrade(url)
    return url


@pytest.fixture(params=EVERYWHERE)
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    """The stores of rooms."""
    stores: Stores = (
        MemoryStores() if request.param == "memory" else SqlStores(sql_url(request.param, request))
    )
    yield stores
    await stores.close()


@pytest.fixture(params=IN_SQL)
async def sql_stores(request: pytest.FixtureRequest) -> AsyncIterator[SqlStores]:
    """The stores of rooms, for what only SQL has."""
    stores = SqlStores(sql_url(request.param, request))
    yield stores
    await stores.close()


@pytest.fixture(params=IN_SQL)
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    database = Database.open(sql_url(request.param, request))
    yield database
    await database.close()


@pytest.fixture(params=EVERYWHERE)
async def identity_stores(request: pytest.FixtureRequest) -> AsyncIterator[IdentityStores]:
    if request.param == "memory":
        yield in_memory()
        return
    database = Database.open(sql_url(request.param, request))
    yield in_sql(database)
    await database.close()
