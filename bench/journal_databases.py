"""An empty database of either kind for one measurement, with the schema of this code; gone afterwards."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from gameroom.storage.migrate import upgrade
from tests.kit.postgres import any_server, fresh_database, plain

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
DATABASES = (SQLITE, POSTGRESQL)

BUILD = Path(__file__).parent / "build"
"""On the disk of the checkout: a folder for temporary files may lie in memory, where a sync costs nothing."""


def versions() -> str:
    """Of what is measured."""
    with any_server() as url, psycopg.connect(plain(url)) as connection:
        return f"SQLite {sqlite3.sqlite_version}, PostgreSQL {connection.info.parameter_status('server_version')}"


@contextmanager
def folder() -> Iterator[Path]:
    """One on a real disk."""
    BUILD.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=BUILD) as path:
        yield Path(path)


@contextmanager
def fresh(kind: str) -> Iterator[str]:
    """Its URL. PostgreSQL's server is the one of the tests (`tests/kit/postgres.py`)."""
    with _empty(kind) as url:
        upgrade(url)
        yield url


@contextmanager
def _empty(kind: str) -> Iterator[str]:
    if kind == SQLITE:
        with folder() as path:
            yield f"sqlite:///{path / 'gameroom.db'}"
    else:
        with any_server() as server, fresh_database(server) as url:
            yield url
