"""One run in which much befalls the server, and a table of what came of it."""

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit.faults.databases import Database, PostgresDatabase, SqliteFile
from tests.kit.faults.nemesis import Doom, frozen, frozen_postgres, full, killed, losing, small_disk, stopped
from tests.kit.faults.replay import turns_of
from tests.kit.faults.run import GAME, SETTINGS, Crowd, Run, running
from tests.kit.faults.whims import POISON
from tests.kit.postgres import DRIVER, Postgres
from tests.kit.proxy import Fate, Proxy
from tests.kit.server import Server


@dataclass(frozen=True)
class Plan:
    """How many deaths at least, and seconds at least, and who plays. `deadly`: the share of deaths among faults."""

    kills: int = 200
    seconds: float = 0
    deadly: float = 0.85
    crowd: Crowd = field(default_factory=Crowd)


@dataclass(frozen=True)
class Outcome:
    plan: Plan
    run: Run
    seconds: float

    def table(self) -> str:
        """What was done, what came of it, and what is wrong with that."""
        rows = {**self._faults(), **self._clients(), **self._rooms(), "findings": len(self.run.findings)}
        width = max(map(len, rows))
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())

    def _faults(self) -> dict[str, object]:
        nemesis = self.run.nemesis
        return {
            "seed": self.plan.crowd.seed,
            "seconds": round(self.seconds),
            "kill -9": nemesis.deaths,
            **dict(sorted(nemesis.counts.items())),
        }

    def _clients(self) -> dict[str, object]:
        history = self.run.history
        attempts = history.attempts
        return {
            "clients": len(self.run.workload.clients),
            "connections that joined": len(history.stays),
            "commands": len({(attempt.command.user_id, attempt.command.id) for attempt in attempts}),
            "sent": len(attempts),
            "acknowledged": sum(attempt.acked for attempt in attempts),
            "of these as repeated": sum(attempt.acked and attempt.repeated for attempt in attempts),
            "refused": sum(attempt.refused for attempt in attempts),
            "unavailable": sum(attempt.code == "unavailable" for attempt in attempts),
            "never answered": sum(attempt.answer is None for attempt in attempts),
            "events heard": sum(len(stay.frames) for stay in history.stays),
            "views compared": len(history.sightings),
        }

    def _rooms(self) -> dict[str, object]:
        journals = self.run.journal.records.values()
        turns = [turn for records in journals for turn in turns_of(records)]
        return {
            "rooms": len(self.run.journal.rooms),
            "records": sum(map(len, journals)),
            "homes that wrote them": sum(len({record.term for record in records}) for records in journals),
            "timers fired": sum(turn.fired is not None for turn in turns),
        }


Lesser = dict[str, Callable[[], AbstractContextManager[object]]]
"""Faults beside death, by what they are called."""


async def storm_over_sqlite(folder: Path, plan: Plan) -> Outcome:
    """On a small disk of its own, where this machine allows to make one."""
    with ExitStack() as resources:
        disk = _disk(resources, folder / "disk")
        server = Server(disk or folder / "disk", GAME, **SETTINGS)
        database = SqliteFile(server.database)
        lesser: Lesser = {"database locked": database.locked}
        if disk is not None:
            lesser["disk full"] = lambda: full(disk)
        return await _storm(server, database, lesser, plan)


async def storm_over_postgres(folder: Path, plan: Plan) -> Outcome:
    """On a PostgreSQL of its own, which is restarted, killed, frozen and cut off by a proxy before it."""
    with Postgres() as postgres, Proxy(("127.0.0.1", postgres.port)) as proxy:
        url = f"{DRIVER}postgres@127.0.0.1:{proxy.port}/postgres?sslmode=disable"
        server = Server(folder, GAME, **SETTINGS, database_url=url)
        database = PostgresDatabase(url, postgres.url)
        lesser: Lesser = {
            "records locked": database.locked,
            "PostgreSQL restarted": lambda: stopped(postgres),
            "PostgreSQL killed": lambda: killed(postgres),
            "PostgreSQL frozen": lambda: frozen_postgres(postgres),
            "connections cut": proxy.refusing,
            "connections stalled": proxy.stalling,
            "answer of an append lost": lambda: losing(proxy, Fate.LOSE_ANSWER),
            "word of an append's commit lost": lambda: losing(proxy, Fate.LOSE_END),
        }
        return await _storm(server, database, lesser, plan)


async def _storm(server: Server, database: Database, lesser: Lesser, plan: Plan) -> Outcome:
    """Play, and strike until the plan is fulfilled; then let everybody go home, and look."""
    began = time.monotonic()
    with server, database.refusing(POISON):
        async with running(server, database, plan.crowd) as run:
            fates = {"frozen": lambda: frozen(server.pid), **lesser}
            doom = Doom(run.nemesis, random.Random(plan.crowd.seed), fates, deadly=plan.deadly)
            while run.nemesis.deaths < plan.kills or time.monotonic() - began < plan.seconds:
                await doom.strike()
            await run.judge()
    return Outcome(plan, run, time.monotonic() - began)


def _disk(resources: ExitStack, folder: Path) -> Path | None:
    """A small disk of the run's own, where this machine allows it."""
    try:
        return resources.enter_context(small_disk(folder, "512m"))
    except (PermissionError, FileNotFoundError):
        return None
