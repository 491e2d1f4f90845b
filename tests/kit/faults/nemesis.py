"""What befalls a server: each fault a context manager, which lasts as long as its block.

The plain ones below act on a process or a file, and know nothing of clients. `Nemesis` lets them befall a server in
use: it keeps book of when that lived, and when nothing could be expected of it.
"""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

from tests.kit.faults.history import Span, now_ms
from tests.kit.faults.workload import House
from tests.kit.server import NotStarted, Server

# --- on a process or a file -----------------------------------------------------------------------------------


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """SIGSTOP: the process is there, its connections stay open, and it does nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process holds the lock that every writer needs."""
    holder = [sys.executable, "-c", HOLD, str(database)]
    with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        yield
        process.communicate()


@contextmanager
def small_disk(folder: Path, size: str = "24m") -> Iterator[Path]:
    """The folder is a disk of its own, in memory. Raises `PermissionError` for who may not mount."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        raise PermissionError(f"no disk can be mounted at {folder}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Not a byte is left on the disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def refusing(database: Path, word: str) -> Iterator[None]:
    """The database takes no record whose body has this word in it."""
    _execute(database, "DROP TRIGGER IF EXISTS refusing")
    _execute(
        database,
        "CREATE TRIGGER refusing BEFORE INSERT ON records "
        f"WHEN instr(NEW.body, CAST('{word}' AS BLOB)) BEGIN SELECT RAISE(ABORT, 'refused'); END",
    )
    try:
        yield
    finally:
        _execute(database, "DROP TRIGGER refusing")


def flip_byte(database: Path, room_id: str, seq: int) -> None:
    """Change one byte in the middle of a record's body, as a bad disk would."""
    body = "SELECT body FROM records WHERE room_id = ? AND seq = ?"
    with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as connection:
        [stored] = connection.execute(body, (room_id, seq)).fetchone()
        middle = len(stored) // 2
        damaged = stored[:middle] + bytes([stored[middle] ^ 1]) + stored[middle + 1 :]
        update = "UPDATE records SET body = ? WHERE room_id = ? AND seq = ?"
        connection.execute(update, (damaged, room_id, seq))


def _execute(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as connection:
        connection.execute(statement)


# --- on a server in use ---------------------------------------------------------------------------------------


class Nemesis:
    """Owns the life of a server whose clients keep a history."""

    def __init__(self, house: House, server: Server) -> None:
        self.deaths = 0
        self.counts: dict[str, int] = {}
        self._house = house
        self._server = server
        self._born_at = now_ms()

    def end(self) -> None:
        """The run is over, and with it the last life that it looks at."""
        self._house.history.lives.append(Span(self._born_at, now_ms()))

    @asynccontextmanager
    async def dead(self) -> AsyncIterator[None]:
        """`kill -9`, and a new start after the block."""
        self._house.there.clear()
        since = now_ms()
        self._kill()
        yield
        self._born_at = now_ms()
        await asyncio.to_thread(self._server.start)
        self._house.history.outages.append(Span(since, now_ms()))
        self._house.there.set()

    async def stillborn(self, after_s: float) -> None:
        """Start the dead server and kill it so soon that it may not be ready yet."""
        self._born_at = now_ms()
        starting = asyncio.create_task(asyncio.to_thread(self._server.start))
        await asyncio.wait({starting}, timeout=after_s)
        self._kill()
        with suppress(NotStarted):
            await starting

    def _kill(self) -> None:
        self._server.kill9()
        self.deaths += 1
        self._house.history.lives.append(Span(self._born_at, now_ms()))

    @asynccontextmanager
    async def suffering(self, name: str, fault: AbstractContextManager[object]) -> AsyncIterator[None]:
        """Any other fault, during which rooms may be silent."""
        since = now_ms()
        await asyncio.to_thread(fault.__enter__)
        try:
            yield
        finally:
            await asyncio.to_thread(fault.__exit__, None, None, None)
            self._house.history.outages.append(Span(since, now_ms()))
            self.counts[name] = self.counts.get(name, 0) + 1


class Fate:
    """What befalls a server next, by the dice."""

    def __init__(self, nemesis: Nemesis, server: Server, dice: random.Random, disk: Path | None) -> None:
        self._nemesis = nemesis
        self._server = server
        self._dice = dice
        self._disk = disk

    async def strike(self) -> None:
        """After a while in which the clients may play. Mostly death; sometimes one that comes twice in a row."""
        await asyncio.sleep(self._dice.uniform(0.05, 1.5))
        luck = self._dice.random()
        if luck < 0.8:
            async with self._nemesis.dead():
                if luck < 0.1:
                    await self._nemesis.stillborn(self._dice.uniform(0.1, 0.8))
        else:
            name, fault = self._lesser_fault()
            async with self._nemesis.suffering(name, fault):
                await asyncio.sleep(self._dice.uniform(0.1, 2.5))

    def _lesser_fault(self) -> tuple[str, AbstractContextManager[object]]:
        faults: dict[str, AbstractContextManager[object]] = {
            "frozen": frozen(self._server.pid),
            "locked": locked(self._server.database),
        }
        if self._disk is not None:
            faults["disk full"] = full(self._disk)
        return self._dice.choice(list(faults.items()))
