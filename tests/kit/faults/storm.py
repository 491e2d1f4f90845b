"""One run: clients play, faults befall their server, and the checker looks at what is left."""

import asyncio
import random
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.kit.faults.checker import check
from tests.kit.faults.findings import Finding
from tests.kit.faults.history import History
from tests.kit.faults.journal import Journal, read_sqlite
from tests.kit.faults.nemesis import Fate, Nemesis, refusing, small_disk
from tests.kit.faults.replay import turns_of
from tests.kit.faults.workload import POISON, House, gather_workload
from tests.kit.people import People
from tests.kit.server import Server

GAME = Path(__file__).parents[2] / "games" / "hourglass.py"

SETTINGS: dict[str, object] = {
    "grace_ms": 4_000,
    "command_deadline_ms": 1_000,
    "frames_per_second": 5_000,
    "frame_burst": 5_000,
    "sign_ins_per_address": 100_000,
    "access_token_ttl_s": 7_200,
}
"""Short enough that seats are lost and commands run out of time, and no limit of a client's in the way."""


@dataclass(frozen=True)
class Plan:
    """How many deaths at least, and seconds at least."""

    seed: int = 1
    kills: int = 200
    seconds: float = 0
    rooms: int = 3
    players: int = 4


@dataclass(frozen=True)
class Outcome:
    plan: Plan
    seconds: float
    deaths: int
    faults: dict[str, int]
    history: History
    journal: Journal
    findings: list[Finding]

    def table(self) -> str:
        """What was done, what came of it, and what is wrong with that."""
        rows = {**self._run(), **self._clients(), **self._rooms(), "findings": len(self.findings)}
        width = max(map(len, rows))
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())

    def _run(self) -> dict[str, object]:
        run: dict[str, object] = {
            "seed": self.plan.seed,
            "seconds": round(self.seconds),
            "kill -9": self.deaths,
        }
        return {**run, **self.faults}

    def _clients(self) -> dict[str, object]:
        attempts = self.history.attempts
        ids = {(attempt.command.user_id, attempt.command.id) for attempt in attempts}
        return {
            "clients": self.plan.rooms * self.plan.players,
            "connections that joined": len(self.history.stays),
            "commands": len(ids),
            "sent": len(attempts),
            "acknowledged": sum(attempt.acked for attempt in attempts),
            "of these again": sum(attempt.acked and attempt.repeated for attempt in attempts),
            "refused": sum(attempt.refused for attempt in attempts),
            "unavailable": sum(attempt.code == "unavailable" for attempt in attempts),
            "never answered": sum(attempt.answer is None for attempt in attempts),
            "events heard": sum(len(stay.frames) for stay in self.history.stays),
            "views compared": len(self.history.sightings),
        }

    def _rooms(self) -> dict[str, object]:
        turns = [turn for records in self.journal.records.values() for turn in turns_of(records)]
        return {
            "rooms": len(self.journal.rooms),
            "records": sum(map(len, self.journal.records.values())),
            "timers fired": sum(turn.fired is not None for turn in turns),
            "terms": sum(len({r.term for r in records}) for records in self.journal.records.values()),
        }


async def storm(folder: Path, plan: Plan) -> Outcome:
    """Play, and strike until the plan is fulfilled; then let everybody go home, and look."""
    began = time.monotonic()
    with ExitStack() as resources:
        disk = _disk(resources, folder / "disk")
        server = resources.enter_context(Server(disk or folder / "disk", GAME, **SETTINGS))
        resources.enter_context(refusing(server.database, POISON))
        house = House(People(server), History())
        nemesis = Nemesis(house, server)
        workload = await gather_workload(house, rooms=plan.rooms, players=plan.players, seed=plan.seed)
        workload.start()
        fate = Fate(nemesis, server, random.Random(plan.seed), disk)
        while nemesis.deaths < plan.kills or time.monotonic() - began < plan.seconds:
            await fate.strike()
        await workload.finish()
        nemesis.end()
        journal = await asyncio.to_thread(read_sqlite, server.database)
        with suppress(AssertionError):  # the history has it already
            await house.people.close()
    findings = check(house.history, journal)
    seconds = time.monotonic() - began
    return Outcome(plan, seconds, nemesis.deaths, nemesis.counts, house.history, journal, findings)


def _disk(resources: ExitStack, folder: Path) -> Path | None:
    """A small disk of the run's own, where this machine allows it."""
    try:
        return resources.enter_context(small_disk(folder, "512m"))
    except (PermissionError, FileNotFoundError):
        return None
