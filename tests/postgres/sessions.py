"""Several nodes on one PostgreSQL database, and gates in it at which their statements wait."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import psycopg

from gameroom.storage import migrate
from gameroom.storage.engine import Database
from gameroom.storage.journal import SqlJournal
from gameroom.storage.placement import SqlPlacement
from tests.kit.postgres import plain
from tests.kit.proxy import Proxy

DEADLINE_S = 15.0
POLL_S = 0.002


def migrated(url: str) -> str:
    migrate.upgrade(url)
    return url


def address_of(url: str) -> tuple[str, int]:
    parts = urlsplit(plain(url))
    return parts.hostname or "127.0.0.1", parts.port or 5432


def through(proxy: Proxy, url: str) -> str:
    """The same database by way of the proxy."""
    host, port = address_of(url)
    return url.replace(f"{host}:{port}", f"127.0.0.1:{proxy.port}") + "?sslmode=disable&gssencmode=disable"


def named(url: str, name: str) -> str:
    """The same database; the server knows the session by this name."""
    return f"{url}{'&' if '?' in url else '?'}application_name={name}"


async def until(is_so: Callable[[], bool]) -> None:
    """Returns when it is so. No event tells of locks, so it is looked again and again."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        if is_so():
            return
        assert time.monotonic() < deadline, "it did not come about"
        await asyncio.sleep(POLL_S)


class Node:
    """What one server has of the database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.journal = SqlJournal(database)
        self.placement = SqlPlacement(database)

    async def close(self) -> None:
        await self.journal.close()
        await self.database.close()


class Sessions:
    """Opens nodes on one database, and looks at it from beside."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.beside = psycopg.connect(plain(url), autocommit=True)
        self._nodes: list[Node] = []

    async def node(self, name: str = "node", url: str | None = None) -> Node:
        node = Node(await asyncio.to_thread(Database.open, named(url or self.url, name)))
        self._nodes.append(node)
        return node

    async def close(self) -> None:
        self.beside.close()
        for node in self._nodes:
            await node.close()

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.beside.execute(query, values).fetchall()  # type: ignore[arg-type]

    async def until_waiting(self, name: str, task: "asyncio.Future[Any]") -> None:
        """Returns when the session of this name waits for a lock, or the task is done."""
        await until(lambda: task.done() or len(self.waiting(name)) > 0)

    def waiting(self, name: str) -> list[int]:
        """The processes of the server that wait for a lock, in sessions of this name."""
        rows = self.ask(
            "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock' "
            "AND datname = current_database()",
            name,
        )
        return [pid for (pid,) in rows]


# --- gates ----------------------------------------------------------------------------------------------------

GATE = """
CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext(current_setting('application_name')));
    RETURN NEW;
END $$
"""
"""What a trigger does: wait, with all locks so far, until the gate of the session's name is open."""

GATES = (
    GATE,
    "CREATE TRIGGER gate BEFORE INSERT ON records FOR EACH ROW EXECUTE FUNCTION wait_at_gate()",
    "CREATE TRIGGER gate_of_listing BEFORE UPDATE OF game ON rooms "
    "FOR EACH STATEMENT EXECUTE FUNCTION wait_at_gate()",
    "CREATE TRIGGER gate AFTER UPDATE OF term ON rooms FOR EACH ROW EXECUTE FUNCTION wait_at_gate()",
)
"""Statements that append or claim wait, with the locks on their rooms, until their session's gate is open."""


class Gate:
    """Closed from the start. Belongs to the session that looks from beside."""

    def __init__(self, sessions: Sessions, name: str) -> None:
        self._sessions = sessions
        self._name = name
        sessions.ask("SELECT pg_advisory_lock(hashtext(%s))", name)

    def open(self) -> None:
        self._sessions.ask("SELECT pg_advisory_unlock(hashtext(%s))", self._name)
