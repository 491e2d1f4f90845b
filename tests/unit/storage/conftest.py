"""A migrated SQLite database in a file of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gameroom.storage import migrate
from gameroom.storage.engine import Database
from gameroom.storage.journal import SqlJournal


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rooms.db"


@pytest.fixture
def url(file: Path) -> str:
    url = f"sqlite:///{file}"
    migrate.upgrade(url)
    return url


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database.open(url)
    yield database
    await database.close()


@pytest.fixture
async def journal(database: Database) -> AsyncIterator[SqlJournal]:
    journal = SqlJournal(database)
    yield journal
    await journal.close()
