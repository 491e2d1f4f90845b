"""The stores of rooms, in memory and in a SQLite file; every test that asks for them runs over both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.room_stores import MemoryStores, SqliteStores, Stores


@pytest.fixture(params=["memory", "sqlite"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    stores: Stores = MemoryStores() if request.param == "memory" else SqliteStores(tmp_path / "rooms.db")
    yield stores
    await stores.close()
