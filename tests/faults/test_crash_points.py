"""A death at each step of the way of a command into the journal, each by its name: no promise is broken by any."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest

from tests.kit.api import Account
from tests.kit.faults import crash_points
from tests.kit.faults.checker import check
from tests.kit.faults.crash_points import (
    IN_A_CLAIM,
    IN_A_COMMAND,
    IN_A_CREATE,
    IN_A_REFUSED_BATCH,
    IN_A_SNAPSHOT,
    IN_A_TRANSACTION,
)
from tests.kit.faults.databases import Database, SqliteFile
from tests.kit.faults.history import Attempt, Command, History, Span, now_ms
from tests.kit.faults.run import GAME, SETTINGS, Crowd, Run, running
from tests.kit.faults.whims import CALM, POISON, RESTLESS, VENOMOUS
from tests.kit.people import People
from tests.kit.player import Disconnected, Player, Reply
from tests.kit.server import NotStarted, Server

pytestmark = pytest.mark.faults

REACHED_S = 30.0
"""So long the clients may take to lead the server to the step where it dies."""


class Doomed(Server):
    """A server that dies at a step, once it is armed; without one it is like any other."""

    def __init__(self, folder: Path, database: Database, point: str) -> None:
        super().__init__(folder, GAME, **SETTINGS, database_url=database.url)
        self.at = database
        self._armed = folder / "armed"
        self._point: str | None = point

    def arm(self) -> None:
        self._armed.parent.mkdir(parents=True, exist_ok=True)
        self._armed.touch()

    async def died(self) -> None:
        """Wait for the death, and have no other. Raises `TimeoutExpired`: the step was never come to."""
        assert await asyncio.to_thread(self.await_end, REACHED_S) == -signal.SIGKILL
        self._point = None

    def _command(self) -> list[str]:
        module, *arguments = super()._command()[2:]
        if self._point is None:
            return [sys.executable, "-m", module, *arguments]
        program = ["-P", crash_points.__file__, self._point, str(self._armed)]
        return [sys.executable, *program, *arguments]


@asynccontextmanager
async def playing_on(server: Doomed, crowd: Crowd) -> AsyncIterator[Run]:
    """Clients at the doomed server; after the block, in which it must have died, nothing may be found."""
    try:
        await asyncio.to_thread(server.start)
        async with running(server, server.at, crowd) as run:
            yield run
            await run.judge()
            assert run.nemesis.deaths > 0
            assert run.findings == []
    finally:
        server.kill9()


async def die_and_return(run: Run, server: Doomed) -> None:
    server.arm()
    await server.died()
    async with run.nemesis.dead():
        pass


@pytest.mark.parametrize("point", IN_A_COMMAND)
async def test_a_death_on_the_way_of_a_command(tmp_path: Path, database: Database, point: str) -> None:
    await die_in_a_command(Doomed(tmp_path, database, point))


@pytest.mark.parametrize("point", IN_A_TRANSACTION)
async def test_a_death_between_the_statements_of_an_append(tmp_path: Path, point: str) -> None:
    await die_in_a_command(Doomed(tmp_path, SqliteFile(tmp_path / "gameroom.db"), point))


async def die_in_a_command(server: Doomed) -> None:
    async with playing_on(server, Crowd(rooms=2, players=3, whims=RESTLESS)) as run:
        await run.workload.acked(20)
        await die_and_return(run, server)
        await run.workload.acked(20)


@pytest.mark.parametrize("point", IN_A_REFUSED_BATCH)
async def test_a_death_over_a_record_that_is_refused(tmp_path: Path, database: Database, point: str) -> None:
    server = Doomed(tmp_path, database, point)
    async with playing_on(server, Crowd(rooms=2, players=3, whims=VENOMOUS)) as run:
        with database.refusing(POISON):
            await run.workload.acked(20)
            await die_and_return(run, server)
            await run.workload.acked(20)


@pytest.mark.parametrize("point", IN_A_SNAPSHOT)
async def test_a_death_in_a_snapshot(tmp_path: Path, database: Database, point: str) -> None:
    server = Doomed(tmp_path, database, point)
    async with playing_on(server, Crowd(rooms=1, players=3, whims=CALM)) as run:
        await die_and_return(run, server)
        await run.workload.acked(20)


@pytest.mark.parametrize("point", IN_A_CLAIM)
async def test_a_death_in_a_claim(tmp_path: Path, database: Database, point: str) -> None:
    """The next life opens the rooms that somebody was in, and dies over the first."""
    server = Doomed(tmp_path, database, point)
    async with playing_on(server, Crowd(rooms=2, players=3, whims=RESTLESS)) as run:
        await run.workload.acked(20)
        async with run.nemesis.dead():
            server.arm()
            with suppress(NotStarted):
                await asyncio.to_thread(server.start)
            await server.died()
        await run.workload.acked(20)


@pytest.mark.parametrize("point", IN_A_CREATE)
async def test_a_death_in_a_create_leaves_one_room(tmp_path: Path, database: Database, point: str) -> None:
    server, history = Doomed(tmp_path, database, point), History()
    await asyncio.to_thread(server.start)
    people = People(server)
    try:
        account = await people.guest()
        create = Create(account, history)
        player = await people.connect(account)
        server.arm()
        with pytest.raises(Disconnected):
            await create.by(player)
        await server.died()
        since = now_ms()
        await asyncio.to_thread(server.start)
        await create.by(await people.connect(account))
        assert (await create.by(await people.connect(account))).repeated
        history.ended_at = now_ms()
        history.lives.append(Span(since, history.ended_at))
        assert check(history, server.at.journal()) == []
    finally:
        await people.close()
        server.kill9()


class Create:
    """One CREATE, however often it is sent."""

    def __init__(self, account: Account, history: History) -> None:
        self._history = history
        content = {"type": "CREATE_GAME_ROOM_GROUP", "game": "hourglass"}
        self._command = Command(account.user_id, str(uuid4()), content)

    async def by(self, player: Player) -> Reply:
        attempt = Attempt(self._command, now_ms())
        self._history.attempts.append(attempt)
        reply = await player.ask(self._command.kind, id=self._command.id, game="hourglass")
        attempt.settle(reply.frame)
        return reply
