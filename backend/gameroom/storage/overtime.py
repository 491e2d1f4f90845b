"""Connections that are in use for too long are cut off, so that no thread waits for ever for a server that hangs."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

TICK_S = 0.25
"""How often it is looked who is late."""


class Overtime:
    """Cuts connections off that have been in use for `deadline_s`: whoever waits there gets an error.

    Of the engines that it watches; while it is `running`.
    """

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._sockets: dict[ConnectionPoolEntry, socket.socket] = {}
        self._since: dict[ConnectionPoolEntry, float] = {}
        self._over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run, name="database-overtime")
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def watch(self, engine: Engine) -> None:
        """To be called before any other listener is added: a new connection is set up under the deadline too."""
        event.listen(engine, "connect", self._connected, insert=True)
        event.listen(engine, "checkout", self._begins)
        event.listen(engine, "checkin", self._ends)
        event.listen(engine, "close", self._closed)

    def _connected(self, connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        # A second handle: the driver closes its own where it likes, and the number may be another file's then.
        handle = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            self._sockets[entry] = handle
            self._since[entry] = time.monotonic()

    def _begins(self, _: DBAPIConnection, entry: ConnectionPoolEntry, __: PoolProxiedConnection) -> None:
        with self._lock:
            self._since[entry] = time.monotonic()

    def _ends(self, _: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        with self._lock:
            self._since.pop(entry, None)

    def _closed(self, _: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        with self._lock:
            self._since.pop(entry, None)
            self._sockets.pop(entry).close()

    def _run(self) -> None:
        while not self._over.wait(TICK_S):
            self._cut_late()

    def _cut_late(self) -> None:
        late = time.monotonic() - self._deadline_s
        with self._lock:
            for entry in [entry for entry, since in self._since.items() if since < late]:
                del self._since[entry]
                with suppress(OSError):  # the other side has gone meanwhile
                    self._sockets[entry].shutdown(socket.SHUT_RDWR)
