"""What befalls a server: each fault a context manager, which lasts as long as its block.

The plain ones act on a process or a disk (here) or a database (`databases`), and know nothing of clients. `Nemesis`
lets them befall a server in use: it keeps book of when that lived, and when nothing could be expected of it.
"""

import asyncio
import os
import random
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from tests.kit.faults.history import Span, now_ms
from tests.kit.faults.outbox import House
from tests.kit.postgres import Postgres
from tests.kit.proxy import Fate, Proxy
from tests.kit.server import NotStarted, Server

TRAP_S = 5.0
"""So long an append may be waited for."""

# --- on a process or a disk -----------------------------------------------------------------------------------


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """SIGSTOP: the process is there, its connections stay open, and it does nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


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


# --- on PostgreSQL --------------------------------------------------------------------------------------------


@contextmanager
def stopped(postgres: Postgres) -> Iterator[None]:
    """As for an update: it ends its sessions, and is not there for a while."""
    postgres.stop()
    try:
        yield
    finally:
        postgres.start()


@contextmanager
def killed(postgres: Postgres) -> Iterator[None]:
    """As by a loss of power: it comes back from its log."""
    postgres.kill()
    try:
        yield
    finally:
        postgres.start()


@contextmanager
def frozen_postgres(postgres: Postgres) -> Iterator[None]:
    postgres.freeze()
    try:
        yield
    finally:
        postgres.thaw()


@contextmanager
def losing(proxy: Proxy, fate: Fate) -> Iterator[None]:
    """The next append is done, and its answer, or the end of that, does not arrive: the connection is cut there."""
    trap = proxy.trap(b"INSERT INTO records", fate)
    yield
    trap.sprung.wait(TRAP_S)


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


class Doom:
    """What befalls a server next, by the dice. `lesser`: faults that it survives, each made anew when it comes.

    `deadly`: the share of deaths among all that happens.
    """

    def __init__(
        self,
        nemesis: Nemesis,
        dice: random.Random,
        lesser: dict[str, Callable[[], AbstractContextManager[object]]],
        *,
        deadly: float,
    ) -> None:
        self._nemesis = nemesis
        self._dice = dice
        self._lesser = lesser
        self._deadly = deadly

    async def strike(self) -> None:
        """After a while in which the clients may play. Mostly death; sometimes one that comes twice in a row."""
        await asyncio.sleep(self._dice.uniform(0.05, 1.2))
        luck = self._dice.random()
        if luck < self._deadly:
            async with self._nemesis.dead():
                if luck < 0.1 * self._deadly:
                    await self._nemesis.stillborn(self._dice.uniform(0.1, 0.8))
        else:
            name = self._dice.choice(sorted(self._lesser))
            async with self._nemesis.suffering(name, self._lesser[name]()):
                await asyncio.sleep(self._dice.uniform(0.1, 2.0))
