"""Which database a URL means."""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from gameroom.storage.backend import Backend
from gameroom.storage.failures import DatabaseUnusable
from gameroom.storage.postgres import Postgres
from gameroom.storage.sqlite import Sqlite

_FORMS = "sqlite:///path/to/file.db or postgresql+psycopg://user:password@host/database"


def backend_of(url: str) -> Backend:
    """Raises `DatabaseUnusable` for anything but a database that this server can use."""
    parsed = _parsed(url)
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return Sqlite.of(parsed)
    if kind == "postgresql":
        return Postgres.of(parsed)
    raise DatabaseUnusable(f"Databases of the kind {kind!r} are not supported; use {_FORMS}")


def shown(url: str) -> str:
    """Which database it is, for everybody: without user and password. Raises `DatabaseUnusable`."""
    return backend_of(url).name


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        # Not shown: a URL that cannot be parsed may still hold a password.
        raise DatabaseUnusable(f"The database URL cannot be read; use {_FORMS}") from None
