"""What is PostgreSQL's own: how connections are set up and bounded, and what its errors mean."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from math import inf
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from gameroom.rooms.journal import Snapshot, Unit
from gameroom.storage.backend import Pool, Pools
from gameroom.storage.failures import DatabaseUnusable
from gameroom.storage.overtime import Overtime
from gameroom.storage.postgres_batches import keep_snapshots, settle, store_batch

NEEDED_VERSION = 140000
"""PostgreSQL 14, the oldest that is still maintained."""

READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

WRITERS, APPENDERS, READERS = 4, 3, 4
"""Connections of one server. The journal appends on one at a time; the other two are for claims and snapshots."""

LOCK_TIMEOUT_MS = 4_000
STATEMENT_TIMEOUT_MS = 8_000
DEADLINE_S = 10.0
"""A connection that has been in use for so long is cut off: the server would have ended the statement by then.

A transaction in which the server has waited for us as long is ended by it, so that its locks are free.
"""

MIGRATION_LOCK = 0x67616D65726F6F6D
"""The key of the advisory lock under which the schema is changed: "gameroom"."""

LIBPQ = {
    "application_name": "gameroom",
    "client_encoding": "utf8",
    "connect_timeout": "3",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""What the URL may say otherwise. Seconds, but for `tcp_user_timeout`."""


class Postgres:
    """Implements `Backend` over one database of a PostgreSQL server."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._overtime = Overtime(DEADLINE_S)

    @classmethod
    def of(cls, url: URL) -> "Postgres":
        """Raises `DatabaseUnusable` for a URL that cannot be meant."""
        if url.drivername not in ("postgresql", "postgresql+psycopg"):
            raise DatabaseUnusable("PostgreSQL is spoken to by psycopg: use postgresql+psycopg://…")
        if not url.database:
            raise DatabaseUnusable("The database URL names no database: postgresql+psycopg://host/database")
        if "@" in (url.host or ""):
            raise DatabaseUnusable("In the database URL, write an @ of the user or the password as %40")
        return cls(url.set(drivername="postgresql+psycopg"))

    @property
    def name(self) -> str:
        port = f":{self._url.port}" if self._url.port else ""
        return f"postgresql://{self._url.host or ''}{port}/{self._url.database}"

    def held(self) -> AbstractContextManager[None]:
        """Others may use the database: terms decide who may write in a room. What runs is the watch over deadlines."""
        return self._overtime.running()

    def pools(self) -> Pools:
        return Pools(
            writer=Pool(self._engine(WRITERS, "BEGIN"), WRITERS),
            appender=Pool(self._engine(APPENDERS, None), APPENDERS, autocommit=True),
            reader=Pool(self._engine(READERS, READING), READERS),
        )

    def migrator(self) -> Engine:
        return _engine(self._url, 1, "BEGIN", _NO_TIMEOUTS, Overtime(inf))

    def looker(self) -> Engine:
        return _engine(self._url, 1, READING, _NO_TIMEOUTS, Overtime(inf))

    def _engine(self, connections: int, begin: str | None) -> Engine:
        return _engine(self._url, connections, begin, _TIMEOUTS, self._overtime)

    def beside(self) -> "Postgres":
        """Any number may come."""
        return self

    def check(self, connection: Connection) -> None:
        """Every connection was checked when it was made; damage shows with the first statement that meets it."""

    def lock_schema(self, connection: Connection) -> None:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))

    def sentence_of(self, error: DBAPIError) -> str | None:
        code = _state(error)
        if code is None:
            return f"{self.name} cannot be used: {_line(error)}" if _is_of_connection(error) else None
        ailment = _SENTENCES.get(code) or _SENTENCES.get(code[:2])
        return f"{self.name} {ailment} ({code}: {_line(error)})" if ailment else None

    def certainly_undone(self, error: DBAPIError) -> bool:
        """The server has said so itself, and lives to say it."""
        code = _state(error)
        if code is None:
            return not _is_of_connection(error)
        return _severity(error) == "ERROR" and code not in _UNTOLD

    def gave_way(self, error: DBAPIError) -> bool:
        return _state(error) in ("40001", "40P01")

    def store_batch(self, connection: Connection, units: Sequence[Unit]) -> list[bool]:
        return store_batch(connection, units)

    def settle(self, connection: Connection, unit: Unit) -> None:
        settle(connection, unit)

    def keep_snapshots(self, connection: Connection, kept: Sequence[Snapshot]) -> list[bool]:
        return keep_snapshots(connection, kept)


# --- connections ----------------------------------------------------------------------------------------------

_TIMEOUTS = {
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "idle_in_transaction_session_timeout": str(int(DEADLINE_S * 1000)),
}
_NO_TIMEOUTS = dict.fromkeys(_TIMEOUTS, "0")

_CHECK = """
SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), current_setting('fsync'),
    current_setting('full_page_writes'), current_setting('synchronous_commit'),
    pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean
"""


class TerseCursor(psycopg.Cursor[Any]):
    """Leaves the details out of errors: they show values, which are players' own."""

    def execute(self, *args: Any, **kwargs: Any) -> "TerseCursor":
        try:
            super().execute(*args, **kwargs)
        except psycopg.Error as error:
            if error.diag.message_primary is not None:
                error.args = (error.diag.message_primary,)
            raise
        return self


def _engine(
    url: URL, connections: int, begin: str | None, timeouts: dict[str, str], overtime: Overtime
) -> Engine:
    """`begin` None: every statement is a transaction of its own."""
    engine = create_engine(
        url.update_query_dict({**LIBPQ, **url.query}),
        pool_size=connections,
        max_overflow=0,
        use_native_hstore=False,
        hide_parameters=True,  # values are players' own: they stay out of errors and logs
        connect_args={
            "autocommit": True,  # we say ourselves when a transaction begins
            "prepare_threshold": None,  # behind PgBouncer, a statement prepared here may be missing there
            "cursor_factory": TerseCursor,
        },
    )
    overtime.watch(engine)

    @event.listens_for(engine, "do_connect")
    def connect(
        dialect: Dialect, _: ConnectionPoolEntry, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> DBAPIConnection:
        connection = dialect.connect(*arguments, **options)
        overtime.made(connection)
        try:
            _set_up(connection, timeouts)
        except BaseException:
            overtime.forget(connection)
            connection.close()
            raise
        return connection

    if begin is not None:

        @event.listens_for(engine, "begin")
        def begin_transaction(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

    return engine


def _set_up(connection: DBAPIConnection, timeouts: dict[str, str]) -> None:
    """Raises `psycopg.OperationalError` where the server is not fit for us."""
    cursor = connection.cursor()
    for name, value in timeouts.items():
        cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
    cursor.execute(_CHECK)
    (row,) = cursor.fetchall()
    cursor.close()
    _require_fit(*row)


def _require_fit(
    version: int, encoding: str, fsync: str, full_page_writes: str, synchronous_commit: str, read_only: bool
) -> None:
    """Raises `psycopg.OperationalError` where what is committed could be lost, or nothing could be written."""
    faults = {
        "PostgreSQL 14 or newer is needed": version < NEEDED_VERSION,
        f"its encoding is {encoding}, not UTF8": encoding != "UTF8",
        "fsync is off: what is committed could be lost": fsync != "on",
        "full_page_writes is off: what is committed could be lost": full_page_writes != "on",
        "synchronous_commit is off: what is committed could be lost": synchronous_commit == "off",
        "it is read-only": read_only,
    }
    found = [fault for fault, is_so in faults.items() if is_so]
    if found:
        raise psycopg.OperationalError("; ".join(found))


# --- errors ---------------------------------------------------------------------------------------------------

_SENTENCES = {
    "08": "cannot be reached",
    "25006": "cannot be written: it is read-only",
    "25P03": "has waited too long for us",
    "25P04": "has ended a transaction that took too long",
    "28": "does not let us in",
    "3D000": "does not exist",
    "40": "was busy with other transactions",
    "42501": "denies its permission",
    "53": "is short of resources",
    "53100": "cannot grow: the disk is full",
    "53300": "has no connection to spare",
    "55P03": "is locked by another transaction",
    "57": "is stopping or starting, or has ended the statement",
    "57014": "is too slow",
    "58": "cannot be read or written: its machine fails",
    "XX001": "is damaged: restore it from a backup",
    "XX002": "is damaged: restore it from a backup",
}
"""The errors that lie with the database and not with the statement, by SQLSTATE or its class."""

_UNTOLD = frozenset({"08007", "40003"})
"""Said of a transaction whose end the server does not know itself."""


def _state(error: DBAPIError) -> str | None:
    """The server's SQLSTATE; None: it comes from the driver."""
    return getattr(error.orig, "sqlstate", None)


def _severity(error: DBAPIError) -> str | None:
    return error.orig.diag.severity_nonlocalized if isinstance(error.orig, psycopg.Error) else None


def _is_of_connection(error: DBAPIError) -> bool:
    """Whether the driver means the connection, and not values that it cannot send."""
    return isinstance(error.orig, psycopg.OperationalError | psycopg.InterfaceError)


def _line(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())
