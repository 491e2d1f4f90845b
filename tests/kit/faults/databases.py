"""The database of a run: where it is, how its journal is read, and what may befall it."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

from tests.kit.faults.journal import Journal, read_postgres, read_sqlite
from tests.kit.postgres import execute, plain


class Database(Protocol):
    """What a run asks of either kind."""

    @property
    def url(self) -> str:
        """What `gameroom serve` is told."""

    def journal(self) -> Journal:
        """All that is stored, as of one moment."""

    def locked(self) -> AbstractContextManager[None]:
        """Somebody else holds the lock that every writer of records needs."""

    def refusing(self, word: str) -> AbstractContextManager[None]:
        """No record is taken whose body has this word in it."""

    def flip_byte(self, room_id: str, seq: int) -> None:
        """Change one byte in the middle of a record's body, as a bad disk would."""


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


class SqliteFile:
    """Implements `Database`. The file is the server's: here it is only opened for as long as a fault needs."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def url(self) -> str:
        return f"sqlite:///{self._file}"

    def journal(self) -> Journal:
        return read_sqlite(self._file)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """By another process, as a backup or a curious operator would."""
        holder = [sys.executable, "-c", HOLD, str(self._file)]
        with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"locked\n"
            try:
                yield
            finally:
                process.communicate()

    @contextmanager
    def refusing(self, word: str) -> Iterator[None]:
        self._execute(
            "CREATE TRIGGER refusing BEFORE INSERT ON records "
            f"WHEN instr(NEW.body, CAST('{word}' AS BLOB)) BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
        try:
            yield
        finally:
            self._execute("DROP TRIGGER refusing")

    def flip_byte(self, room_id: str, seq: int) -> None:
        place = (room_id, seq)
        with closing(self._connect()) as connection:
            query = "SELECT body FROM records WHERE room_id = ? AND seq = ?"
            [stored] = connection.execute(query, place).fetchone()
            update = "UPDATE records SET body = ? WHERE room_id = ? AND seq = ?"
            connection.execute(update, (flipped(stored), *place))

    def _execute(self, statement: str) -> None:
        with closing(self._connect()) as connection:
            connection.execute(statement)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=30, isolation_level=None)


REFUSE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'check_violation'; END $$;
    CREATE TRIGGER refusing BEFORE INSERT ON records FOR EACH ROW
        WHEN (position(convert_to({word}, 'UTF8') IN NEW.body) > 0) EXECUTE FUNCTION refuse();
"""


class PostgresDatabase:
    """Implements `Database`. `url` is the server's; `back_door` leads to the same database past all proxies."""

    def __init__(self, url: str, back_door: str | None = None) -> None:
        self.url = url
        self._back_door = plain(back_door or url)

    def journal(self) -> Journal:
        return read_postgres(self._back_door)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """By another session, as a curious operator would."""
        with psycopg.connect(self._back_door) as connection:
            connection.execute("LOCK TABLE records IN EXCLUSIVE MODE")
            yield
            connection.rollback()

    @contextmanager
    def refusing(self, word: str) -> Iterator[None]:
        execute(self._back_door, sql.SQL(REFUSE).format(word=sql.Literal(word)))
        try:
            yield
        finally:
            execute(self._back_door, "DROP TRIGGER refusing ON records", "DROP FUNCTION refuse")

    def flip_byte(self, room_id: str, seq: int) -> None:
        place = (room_id, seq)
        with psycopg.connect(self._back_door) as connection:
            query = "SELECT body FROM records WHERE room_id = %s AND seq = %s"
            [stored] = connection.execute(query, place).fetchall()
            update = "UPDATE records SET body = %s WHERE room_id = %s AND seq = %s"
            connection.execute(update, (flipped(stored[0]), *place))


def flipped(body: bytes) -> bytes:
    """The same with one bit changed, in its middle."""
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
