"""What the tests of faults share: a database of their own, of either kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import skipped_without_postgres
from tests.kit.faults.databases import Database, PostgresDatabase, SqliteFile
from tests.kit.faults.nemesis import small_disk
from tests.kit.postgres import Postgres, fresh_database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database; the server makes its schema."""
    if request.param == "sqlite":
        yield SqliteFile(tmp_path / "gameroom.db")
        return
    with fresh_database(request.getfixturevalue("postgres_server")) as url:
        yield PostgresDatabase(url)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the test's own, to be broken."""
    with skipped_without_postgres(), Postgres() as own:
        yield own


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of the test's own, to be filled; it takes the right to mount one."""
    try:
        with small_disk(tmp_path / "disk") as folder:
            yield folder
    except (PermissionError, FileNotFoundError) as refused:
        pytest.skip(str(refused))
