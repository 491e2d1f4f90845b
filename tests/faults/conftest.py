"""What the tests of faults share: a database of their own, of either kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.faults.databases import Database, PostgresDatabase, SqliteFile
from tests.kit.postgres import fresh_database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database; the server makes its schema."""
    if request.param == "sqlite":
        yield SqliteFile(tmp_path / "gameroom.db")
        return
    with fresh_database(request.getfixturevalue("postgres_server")) as url:
        yield PostgresDatabase(url)
