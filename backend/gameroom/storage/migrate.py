"""Bringing a database to the schema of this code, by Alembic."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gameroom.storage.backend import Backend
from gameroom.storage.backends import backend_of
from gameroom.storage.failures import DatabaseUnusable

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(url: str) -> None:
    """Make or bring up the schema, in one transaction. Raises `DatabaseUnusable`. Blocks.

    Not while a server has a SQLite file open. Of several who do it at once, the first does it for all.
    """
    backend = backend_of(url)
    with backend.held(), _transaction(backend) as connection:
        backend.lock_schema(connection)
        _refuse_newer(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def current(url: str) -> str | None:
    """The revision that the database is at; None: it has no schema yet. Raises `DatabaseUnusable`. Blocks."""
    with _transaction(backend_of(url)) as connection:
        return _revision(connection)


def newest() -> str:
    """The revision of this code."""
    return str(_scripts().get_current_head())


def require_newest(connection: Connection) -> None:
    """Raises `DatabaseUnusable` where the schema is not the one of this code."""
    _refuse_newer(connection)
    if _revision(connection) != newest():
        raise DatabaseUnusable("The database has an older schema: run `gameroom migrate`")


def _refuse_newer(connection: Connection) -> None:
    revision = _revision(connection)
    known = {script.revision for script in _scripts().walk_revisions()}
    if revision is not None and revision not in known:
        raise DatabaseUnusable(
            f"The database (schema {revision}) belongs to a newer version of gameroom: upgrade"
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@contextmanager
def _transaction(backend: Backend) -> Iterator[Connection]:
    engine = backend.migrator()
    try:
        with engine.begin() as connection:
            backend.check(connection)
            yield connection
    except DBAPIError as error:
        raise DatabaseUnusable(backend.sentence_of(error) or f"{backend.name}: {error.orig}") from error
    finally:
        engine.dispose()
