"""A server in use: clients play in it and keep a history, until it is held against the journal."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.kit.faults.checker import check
from tests.kit.faults.client import Client, Whims
from tests.kit.faults.databases import Database
from tests.kit.faults.findings import Finding
from tests.kit.faults.history import History
from tests.kit.faults.journal import Journal
from tests.kit.faults.nemesis import Nemesis
from tests.kit.faults.outbox import House
from tests.kit.faults.whims import WHIMS
from tests.kit.faults.workload import Workload, found_room
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
class Crowd:
    """Who plays: so many rooms, with so many clients in each, whose dice are seeded."""

    rooms: int = 3
    players: int = 4
    seed: int = 1
    whims: Whims = WHIMS


class Run:
    """Clients at a server that is up."""

    def __init__(self, server: Server, database: Database, house: House, workload: Workload) -> None:
        self.server = server
        self.database = database
        self.house = house
        self.workload = workload
        self.nemesis = Nemesis(house, server)
        self.journal = Journal()
        self.findings: list[Finding] = []

    @property
    def history(self) -> History:
        return self.house.history

    async def judge(self) -> None:
        """Let everybody go home, once every command is decided, and look for what went wrong."""
        await self.workload.finish()
        self.nemesis.end()
        self.journal = await asyncio.to_thread(self.database.journal)
        self.findings = check(self.history, self.journal)


@asynccontextmanager
async def running(server: Server, database: Database, crowd: Crowd) -> AsyncIterator[Run]:
    """A run on a server that is up, from the founding of its rooms on; at its end all connections are closed."""
    house = House(People(server), History())
    try:
        run = Run(server, database, house, await _gathered(house, crowd))
        run.workload.start()
        yield run
    finally:
        with suppress(AssertionError):  # what breaks a rule of the wire is in the history
            await house.people.close()


async def _gathered(house: House, crowd: Crowd) -> Workload:
    """Everybody signed in, and each room created by its first client."""
    clients: list[Client] = []
    for room in range(crowd.rooms):
        accounts = await house.people.guests(*(f"Player {room}-{seat}" for seat in range(crowd.players)))
        room_id = await found_room(house, accounts[0])
        dice = [random.Random(f"{crowd.seed}/{room}/{seat}") for seat in range(crowd.players)]
        clients += [
            Client(house, account, room_id, each, crowd.whims)
            for account, each in zip(accounts, dice, strict=True)
        ]
    return Workload(house, clients)
