"""The schema in PostgreSQL: the models and the migrations make the same one, and several nodes may migrate at once."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from gameroom.storage import migrate
from gameroom.storage.engine import Database
from gameroom.storage.failures import DatabaseUnusable
from gameroom.storage.tables import metadata
from tests.kit.postgres import execute, fresh_database, plain

ROOT = Path(__file__).parents[2]

COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""
INDEXES = """
SELECT tablename, indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
"""


def schema(url: str) -> set[tuple[str, ...]]:
    """What PostgreSQL holds of each column, index and constraint, but Alembic's own."""
    with psycopg.connect(plain(url)) as connection:
        return {row for query in (COLUMNS, INDEXES, CONSTRAINTS) for row in connection.execute(query)}


def test_migrations_make_the_tables_that_the_code_knows(own_url: str) -> None:
    engine = create_engine(own_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_migrations_make_all_that_the_models_say(postgres_server: str, own_url: str) -> None:
    """Types, defaults, collations, conditions and checks too, at which `compare_metadata` does not look."""
    with fresh_database(postgres_server) as url:
        engine = create_engine(url)
        metadata.create_all(engine)
        engine.dispose()
        assert schema(url) == schema(own_url)
        assert len(schema(url)) > 80


def test_all_text_stands_in_the_order_of_its_bytes(own_url: str) -> None:
    with psycopg.connect(plain(own_url)) as connection:
        texts = [row for row in connection.execute(COLUMNS) if row[2] == "text"]
    assert len(texts) > 20
    assert {row[5] for row in texts} == {"C"}


async def test_nodes_that_migrate_at_once_make_one_schema(postgres_server: str, own_url: str) -> None:
    with fresh_database(postgres_server) as url:
        await asyncio.gather(*(asyncio.to_thread(migrate.upgrade, url) for _ in range(8)))
        assert schema(url) == schema(own_url)
        assert migrate.current(url) == migrate.newest()


async def test_a_database_in_use_may_be_migrated(own_url: str) -> None:
    """Another node may be the first of the new version."""
    database = Database.open(own_url)
    await asyncio.to_thread(migrate.upgrade, own_url)
    await database.close()


def test_a_newer_schema_is_refused(postgres_server: str) -> None:
    with fresh_database(postgres_server) as url:
        migrate.upgrade(url)
        execute(url, "UPDATE alembic_version SET version_num = '9999'")
        for use in (migrate.upgrade, Database.open):
            with pytest.raises(DatabaseUnusable, match=r"\(schema 9999\) belongs to a newer version"):
                use(url)


def test_a_migration_that_fails_leaves_nothing(postgres_server: str) -> None:
    with fresh_database(postgres_server) as url:
        execute(url, "CREATE TABLE tickets (in_the_way integer)")
        with pytest.raises(DatabaseUnusable, match='relation "tickets" already exists'):
            migrate.upgrade(url)
        assert {row[0] for row in schema(url)} == {"tickets"}
        assert migrate.current(url) is None


def test_plain_alembic_does_the_same(postgres_server: str, own_url: str) -> None:
    with fresh_database(postgres_server) as url:
        command = [sys.executable, "-m", "alembic", "-x", f"url={url}", "upgrade", "head"]
        run = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, run.stdout + run.stderr
        assert schema(url) == schema(own_url)
