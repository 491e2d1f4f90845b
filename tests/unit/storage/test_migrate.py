"""The schema: made by migrations, described by `tables`, refused where it is another version's."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from msgspec import Struct
from sqlalchemy import Table, create_engine

from gameroom.rooms.journal import SealedRecord, Snapshot
from gameroom.storage import migrate
from gameroom.storage.engine import Database
from gameroom.storage.failures import DatabaseUnusable
from gameroom.storage.tables import metadata, records, snapshots

ROOT = Path(__file__).parents[3]


def schema(file: Path) -> dict[str, str]:
    """What SQLite holds of each table and index, but Alembic's own."""
    with sqlite3.connect(file) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        found = {name: " ".join(sql.split()) for name, sql in rows if name != "alembic_version"}
    connection.close()
    return found


def test_migrations_make_the_tables_that_the_code_knows(url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_migrations_make_the_same_conditions_and_checks(url: str, file: Path, tmp_path: Path) -> None:
    """`compare_metadata` does not look at these."""
    engine = create_engine(f"sqlite:///{tmp_path / 'direct.db'}")
    metadata.create_all(engine)
    engine.dispose()
    assert schema(file) == schema(tmp_path / "direct.db")


@pytest.mark.parametrize(("struct", "table"), [(SealedRecord, records), (Snapshot, snapshots)])
def test_columns_stand_in_the_order_of_the_fields(struct: type[Struct], table: Table) -> None:
    assert struct.__struct_fields__ == tuple(column.name for column in table.columns)


def test_upgrading_twice_changes_nothing(url: str, file: Path) -> None:
    before = schema(file)
    migrate.upgrade(url)
    assert schema(file) == before
    assert migrate.current(url) == migrate.newest()


def test_a_new_file_has_no_revision(file: Path) -> None:
    assert migrate.current(f"sqlite:///{file}") is None


def alembic(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, "-m", "alembic", *arguments]
    return subprocess.run(
        program, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=60
    )


def test_plain_alembic_does_the_same(file: Path, url: str, tmp_path: Path) -> None:
    plain = tmp_path / "plain.db"
    run = alembic("-x", f"url=sqlite:///{plain}", "upgrade", "head")
    assert run.returncode == 0, run.stderr
    assert schema(plain) == schema(file)


def test_plain_alembic_finds_the_database_by_the_settings(url: str) -> None:
    run = alembic("current", GAMEROOM_DATABASE_URL=url)
    assert run.stdout.split() == [migrate.newest(), "(head)"], run.stderr


def test_plain_alembic_says_in_a_line_what_is_wrong(tmp_path: Path) -> None:
    run = alembic("-x", f"url=sqlite:///{tmp_path / 'missing' / 'rooms.db'}", "current")
    assert run.returncode != 0
    assert "Cannot write in" in run.stdout + run.stderr
    assert "Traceback" not in run.stderr


def test_a_newer_schema_is_refused(url: str, file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for use in (migrate.upgrade, Database.open):
        with pytest.raises(DatabaseUnusable, match=r"\(schema 9999\) belongs to a newer version"):
            use(url)


def test_an_older_schema_says_how_to_migrate(file: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="run `gameroom migrate`"):
        Database.open(f"sqlite:///{file}")


async def test_a_database_in_use_is_not_migrated(database: Database, url: str) -> None:
    with pytest.raises(DatabaseUnusable, match="in use by another server"):
        migrate.upgrade(url)


def test_a_migration_that_fails_leaves_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{file}"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE snapshots (in_the_way)")
    connection.close()
    with pytest.raises(DatabaseUnusable, match="snapshots already exists"):
        migrate.upgrade(url)
    assert list(schema(file)) == ["snapshots"]
