"""One run in which much befalls the server, and a table of what came of it."""

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit.faults.databases import SqliteFile
from tests.kit.faults.nemesis import Fate, frozen, full, small_disk
from tests.kit.faults.replay import turns_of
from tests.kit.faults.run import GAME, SETTINGS, Crowd, Run, running
from tests.kit.faults.workload import POISON
from tests.kit.server import Server


@dataclass(frozen=True)
class Plan:
    """How many deaths at least, and seconds at least; of whose doing, and by which dice."""

    kills: int = 200
    seconds: float = 0
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


async def storm(folder: Path, plan: Plan) -> Outcome:
    """Play, and strike until the plan is fulfilled; then let everybody go home, and look."""
    began = time.monotonic()
    with ExitStack() as resources:
        disk = _disk(resources, folder / "disk")
        server = resources.enter_context(Server(disk or folder / "disk", GAME, **SETTINGS))
        database = SqliteFile(server.database)
        resources.enter_context(database.refusing(POISON))
        async with running(server, database, plan.crowd) as run:
            lesser = {"frozen": lambda: frozen(server.pid), "database locked": database.locked}
            if disk is not None:
                lesser["disk full"] = lambda: full(disk)
            fate = Fate(run.nemesis, random.Random(plan.crowd.seed), lesser)
            while run.nemesis.deaths < plan.kills or time.monotonic() - began < plan.seconds:
                await fate.strike()
            await run.judge()
    return Outcome(plan, run, time.monotonic() - began)


def _disk(resources: ExitStack, folder: Path) -> Path | None:
    """A small disk of the run's own, where this machine allows it."""
    try:
        return resources.enter_context(small_disk(folder, "512m"))
    except (PermissionError, FileNotFoundError):
        return None
