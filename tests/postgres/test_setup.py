"""Which PostgreSQL is taken, and what an operator is told of the others; passwords are shown to nobody."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from gameroom.errors import Unavailable
from gameroom.storage import migrate, postgres
from gameroom.storage.backends import shown
from gameroom.storage.engine import Database
from gameroom.storage.failures import DatabaseUnusable
from tests.kit.postgres import Postgres, execute, fresh_database, of_database, plain
from tests.postgres.sessions import address_of, migrated

SECRET = "hunter2-and-more"


# --- how sessions are set up ----------------------------------------------------------------------------------


async def test_every_session_has_its_bounds_and_nothing_prepared(own_url: str) -> None:
    database = Database.open(own_url)
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "application_name")
    asked = text("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))
    for use in (database.write, database.append, database.read):
        for _ in range(7):  # psycopg prepares what comes more often than five times
            assert await use(lambda c: tuple(c.execute(asked).one())) == ("4s", "8s", "10s", "gameroom")
        prepared = text("SELECT count(*) FROM pg_prepared_statements")
        assert await use(lambda c, query=prepared: c.execute(query).scalar_one()) == 0
    await database.close()


async def test_how_transactions_stand_to_others(own_url: str) -> None:
    database = Database.open(own_url)
    asked = text("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')")
    for use, expected in (
        (database.write, ("read committed", "off")),
        (database.append, ("read committed", "off")),
        (database.read, ("repeatable read", "on")),
    ):
        assert await use(lambda c: tuple(c.execute(asked).one())) == expected
    with pytest.raises(Unavailable):
        await database.read(lambda c: c.execute(text("CREATE TABLE mine (n integer)")).close())
    await database.close()


async def test_account_writes_do_not_delay_appends(own_url: str) -> None:
    """All threads that write are busy, and more of it waits."""
    database = Database.open(own_url)
    busy = [
        asyncio.ensure_future(database.write(lambda c: c.execute(text("SELECT pg_sleep(0.4)")).close()))
        for _ in range(2 * postgres.WRITERS)
    ]
    await asyncio.sleep(0)  # they have their threads now
    async with asyncio.timeout(0.35):
        await database.append(lambda c: c.execute(text("SELECT 1")).close())
    assert not any(write.done() for write in busy)
    await asyncio.gather(*busy)
    await database.close()


async def test_a_server_has_so_many_connections_and_no_more(own_url: str) -> None:
    database = Database.open(f"{own_url}?application_name=counted")
    sleep = text("SELECT pg_sleep(0.1)")
    uses = [use for use in (database.write, database.append, database.read) for _ in range(20)]
    working = [asyncio.ensure_future(use(lambda c: c.execute(sleep).close())) for use in uses]
    await working[0]
    with psycopg.connect(plain(own_url)) as beside:
        (count,) = beside.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'counted'"
        ).fetchone() or (0,)
    assert count == postgres.WRITERS + postgres.APPENDERS + postgres.READERS
    await asyncio.gather(*working)
    await database.close()


# --- what is refused ------------------------------------------------------------------------------------------

UNFIT = {
    "synchronous_commit is off": "ALTER DATABASE {} SET synchronous_commit = off",
    "it is read-only": "ALTER DATABASE {} SET default_transaction_read_only = on",
}


@pytest.mark.parametrize("sentence", UNFIT)
def test_a_database_that_would_lose_what_it_took_is_refused(postgres_server: str, sentence: str) -> None:
    with fresh_database(postgres_server) as url:
        migrated(url)
        name = url.rpartition("/")[2]
        execute(postgres_server, sql.SQL(UNFIT[sentence]).format(sql.Identifier(name)))
        for use in (Database.open, migrate.upgrade):
            with pytest.raises(DatabaseUnusable, match=sentence):
                use(url)


def test_a_server_that_does_not_sync_is_refused(new_postgres: Callable[..., Postgres]) -> None:
    sentence = r"fsync is off.*full_page_writes is off"
    with (
        new_postgres(fsync="off", full_page_writes="off") as server,
        pytest.raises(DatabaseUnusable, match=sentence),
    ):
        Database.open(server.url)


def test_an_encoding_that_cannot_hold_all_names_is_refused(postgres_server: str) -> None:
    name = "gameroom_test_ascii"
    create = "CREATE DATABASE gameroom_test_ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    execute(postgres_server, "DROP DATABASE IF EXISTS gameroom_test_ascii", create)
    try:
        with pytest.raises(DatabaseUnusable, match="its encoding is SQL_ASCII, not UTF8"):
            migrate.upgrade(of_database(postgres_server, name))
    finally:
        execute(postgres_server, "DROP DATABASE gameroom_test_ascii")


def test_an_old_server_is_refused(own_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "NEEDED_VERSION", 990000)
    with pytest.raises(DatabaseUnusable, match="PostgreSQL 14 or newer is needed"):
        Database.open(own_url)


def test_a_database_without_schema_says_how_to_migrate(postgres_server: str) -> None:
    with (
        fresh_database(postgres_server) as url,
        pytest.raises(DatabaseUnusable, match="run `gameroom migrate`"),
    ):
        Database.open(url)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (f"postgresql+psycopg://ann:{SECRET}@127.0.0.1:1/db", "postgresql://127.0.0.1:1/db cannot be used"),
        (f"postgresql+psycopg://ann:{SECRET}@127.0.0.1/", "names no database"),
        (f"postgresql+psycopg://ann:x@{SECRET}@127.0.0.1/db", "write an @ .* as %40"),
        (f"postgresql+psycopg://ann:x@host:{SECRET}@127.0.0.1/db", "cannot be read"),
        (f"postgresql+asyncpg://ann:{SECRET}@127.0.0.1/db", "use postgresql.psycopg"),
        (f"postgres://ann:{SECRET}@127.0.0.1/db", "not supported; use sqlite"),
        (f"postgresql://ann@127.0.0.1:1/db?password={SECRET}", "postgresql://127.0.0.1:1/db cannot be used"),
        (f"postgresql://127.0.0.1:1/db?unheard_of={SECRET}", "unheard_of"),
    ],
)
def test_a_url_that_cannot_be_used_is_explained_and_not_shown(url: str, sentence: str) -> None:
    for use in (Database.open, migrate.upgrade, migrate.current):
        with pytest.raises(DatabaseUnusable, match=sentence) as refused:
            use(url)
        assert SECRET not in str(refused.value)


def test_a_url_is_shown_without_user_and_password() -> None:
    for url in (
        f"postgresql+psycopg://ann:{SECRET}@db.example.org:6432/rooms",
        f"postgresql://db.example.org:6432/rooms?user=ann&password={SECRET}",
    ):
        assert shown(url) == "postgresql://db.example.org:6432/rooms"


def test_no_command_shows_the_password(own_url: str) -> None:
    """`trust` takes any: so the command goes well, and a wrong port makes it fail."""
    host, port = address_of(own_url)
    name = own_url.rpartition("/")[2]
    for at in (port, 1):
        url = f"postgresql+psycopg://postgres:{SECRET}@{host}:{at}/{name}"
        run = subprocess.run(
            [sys.executable, "-m", "gameroom.cli", "migrate", "--database-url", url],
            env=os.environ,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == (0 if at == port else 2)
        assert f"postgresql://{host}:{at}/{name}" in run.stdout + run.stderr
        assert SECRET not in run.stdout + run.stderr
        assert "Traceback" not in run.stderr
