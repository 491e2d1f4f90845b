"""Connections that are in use for too long are cut off, so that no thread waits for ever for a server that hangs."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

TICK_S = 0.25
"""How often it is looked who is late."""


class Overtime:
    """Cuts connections off that have been in use for `deadline_s`: whoever waits there gets an error.

    Of the engines that it watches; while it is `running`.
    """

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._handles: dict[DBAPIConnection, socket.socket] = {}
        self._since: dict[DBAPIConnection, float] = {}
        self._over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        # A process that fails before it can close must not hang on its watch.
        thread = threading.Thread(target=self._run, name="database-overtime", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def watch(self, engine: Engine) -> None:
        """Connections of this engine are in use from checkout to checkin, once they are `made`."""
        event.listen(engine, "checkout", lambda connection, *_: self._begin(connection))
        event.listen(engine, "checkin", self._checked_in)
        event.listen(engine, "close", lambda connection, *_: self.forget(connection))

    def made(self, connection: DBAPIConnection) -> None:
        """It is in use, though no pool has it yet."""
        # A second handle: the driver closes its own where it likes, and the number may be another file's then.
        handle = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            self._handles[connection] = handle
        self._begin(connection)

    def forget(self, connection: DBAPIConnection) -> None:
        """It is closed."""
        self._end(connection)
        with self._lock:
            self._handles.pop(connection).close()

    def _checked_in(self, connection: DBAPIConnection | None, _: ConnectionPoolEntry) -> None:
        if connection is not None:  # else it broke, and is closed already
            self._end(connection)

    def _begin(self, connection: DBAPIConnection) -> None:
        with self._lock:
            self._since[connection] = time.monotonic()

    def _end(self, connection: DBAPIConnection) -> None:
        with self._lock:
            self._since.pop(connection, None)

    def _run(self) -> None:
        while not self._over.wait(TICK_S):
            self._cut_late()

    def _cut_late(self) -> None:
        late = time.monotonic() - self._deadline_s
        with self._lock:
            for connection in [connection for connection, since in self._since.items() if since < late]:
                del self._since[connection]
                with suppress(OSError):  # the other side has gone meanwhile
                    self._handles[connection].shutdown(socket.SHUT_RDWR)
