"""A restart after a death: thousands of open rooms, some with timers that ran out meanwhile, and nobody knows them yet.

The rooms are played by the room's own code and stored by the real journal; only sockets and clocks are left out. The
server is `gameroom serve` as a process of its own.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import count, islice, pairwise
from pathlib import Path
from statistics import median

from msgspec import Struct
from sqlalchemy import text

from bench.commands import CLOCK, Boards, place
from bench.journal_databases import folder, fresh
from bench.journal_rooms import AT_ONCE, Party, enrol, party
from gameroom.clock import Millis
from gameroom.games.registry import load_game
from gameroom.ids import new_id, new_invite_code
from gameroom.protocol.commands import CreateRoom, JoinRoom, RoomCommand, SetReady, StartGame
from gameroom.rooms.birth import Entropy, new_room
from gameroom.rooms.decision import Decision
from gameroom.rooms.journal import Birth, Listing, SealedRecord, Snapshot, Unit
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.rooms import Answer, Request
from gameroom.storage.backends import backend_of
from gameroom.storage.engine import Database
from gameroom.storage.journal import SqlJournal
from tests.kit.people import People
from tests.kit.server import Server

RECORDS = 500
AGO_MS: Millis = 3_600_000
"""When it was played: so the grace of whoever left then is over when the server comes back."""

DUE = 10
"""In one room of so many a timer has run out."""

GUESTS, ROOMS_OF_A_GUEST = 5, 15
"""Who comes to rooms that are not opened yet."""

DEADLINE_S = 120.0
LOOK_S = 0.1

GAME_FILE = Path(__file__).with_name("commands.py:Boards")
POLICY = RoomPolicy()


class RestartFigures(Struct, frozen=True, kw_only=True):
    """`ready_s`: from the start of the process until /readyz says 200. Timers: since then, the first and the last.

    `open_ms`, `open_most_ms`: a stranger's JOIN in a room that had to be opened for it, the median and the longest.
    """

    rooms: int
    due: int
    ready_s: float
    first_timer_s: float
    last_timer_s: float
    open_ms: float
    open_most_ms: float


def measure_restart(kind: str, rooms: int) -> RestartFigures:
    """Prepare the rooms, start the server, and see."""
    with fresh(kind) as url, folder() as place:
        parties = [party(2) for _ in range(rooms)]
        due = parties[::DUE]
        with Server(place, GAME_FILE, database_url=url, sign_ins_per_address=1_000) as server:
            server.kill9()  # it has made its keys
            asyncio.run(prepare(url, parties, due))
            began = time.perf_counter()
            server.start()
            ready_s, ready_at = time.perf_counter() - began, CLOCK.now()
            cold = [each.room_id for each in parties if each not in due]
            opened = asyncio.run(_visit(server, cold[-GUESTS * ROOMS_OF_A_GUEST :]))
            fired = _fired(url, [each.room_id for each in due])
    return RestartFigures(
        rooms=rooms,
        due=len(due),
        ready_s=ready_s,
        first_timer_s=(fired[0] - ready_at) / 1000,
        last_timer_s=(fired[-1] - ready_at) / 1000,
        open_ms=median(opened) * 1000,
        open_most_ms=max(opened) * 1000,
    )


# --- before the death -----------------------------------------------------------------------------------------


async def prepare(url: str, parties: Sequence[Party], due: Sequence[Party]) -> None:
    """Store the rooms as a server leaves them that is killed in the middle of their games."""
    database = Database.open(url)
    journal = SqlJournal(database)
    await enrol(database, (player for each in parties for player in each.players))
    waiting = iter(parties)

    async def some() -> None:
        for each in waiting:
            await Past(each, leaves=each in due).store(journal)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(some())
    await journal.close()
    await database.close()


class Past:
    """What was played in one room, and what its actor would have stored of it.

    `leaves`: at the end one player loses the connection, and does not come back.
    """

    def __init__(self, its: Party, *, leaves: bool) -> None:
        self._its = its
        self._at = CLOCK.now() - AGO_MS
        host = its.players[0]
        command = CreateRoom(game=Boards.name, id=new_id())
        entropy = Entropy(new_invite_code(), bytes(32))
        self._room = new_room(
            its.room_id,
            host.user_id,
            command,
            load_game(Boards),
            policy=POLICY,
            entropy=entropy,
            now=self._at,
        )
        request = Request(room_id=its.room_id, sender=host, command=command)
        born = _answered(self._room.create(request, self._at))
        listing = self._listing()
        self._birth = Birth(
            unit=Unit(room_id=its.room_id, term=self._room.term, records=born.records, listing=listing),
            home="a server that was killed",
            creator_id=host.user_id,
            command_id=command.id,
            input_hash=bytes(16),
        )
        self._snapshot: Snapshot | None = None
        self._units = list(self._played(RECORDS - len(born.records) - leaves))
        if leaves:
            guest = its.players[1]
            gone = self._room.detach(guest.user_id, str(guest.connection_id), self._at)
            self._units.append(self._unit(gone.records))

    async def store(self, journal: SqlJournal) -> None:
        await journal.create(self._birth)
        await journal.append(_joined(self._units))
        if self._snapshot is not None:
            await journal.save_snapshot(self._snapshot)

    def _played(self, most: int) -> Iterator[Unit]:
        """Turns of one command each, with so many records together, and the snapshots in between."""
        unsnapped = 0
        for number, command in islice(self._commands(), most):
            request = Request(room_id=self._its.room_id, sender=self._its.players[number], command=command)
            records = _answered(self._room.decide(request, self._at)).records
            yield self._unit(records)
            unsnapped += len(records)
            if unsnapped >= POLICY.snapshot_every:
                self._snapshot, unsnapped = self._room.snapshot(), 0

    def _commands(self) -> Iterator[tuple[int, RoomCommand]]:
        """Which player says what; each makes one record."""
        yield 1, JoinRoom(id=new_id())
        yield 0, SetReady(ready=True, id=new_id())
        yield 1, SetReady(ready=True, id=new_id())
        yield 0, StartGame(id=new_id())
        for number in count():
            yield number % 2, place(new_id())

    def _unit(self, records: tuple[SealedRecord, ...]) -> Unit:
        return Unit(room_id=self._its.room_id, term=self._room.term, records=records, listing=self._listing())

    def _listing(self) -> Listing | None:
        return self._room.listings.changed()


def _joined(units: Sequence[Unit]) -> Unit:
    """All of them in one."""
    records = tuple(record for unit in units for record in unit.records)
    for former, record in pairwise(records):
        if record.seq != former.seq + 1:
            raise ValueError(f"a turn is missing after seq {former.seq}")
    listing = next((unit.listing for unit in reversed(units) if unit.listing is not None), None)
    return Unit(room_id=units[0].room_id, term=units[0].term, records=records, listing=listing)


def _answered(decision: Decision) -> Decision:
    if not isinstance(decision.outcome, Answer):
        raise TypeError(f"a command was refused: {decision.outcome}")
    return decision


# --- after the start ------------------------------------------------------------------------------------------


async def _visit(server: Server, rooms: Sequence[str]) -> list[float]:
    """Seconds that each of these rooms took to let a stranger in."""
    people = People(server)
    taken = []
    for number in range(GUESTS):
        visitor = await people.newcomer()
        for room_id in rooms[number::GUESTS]:
            began = time.perf_counter()
            await visitor.ask("JOIN_GAME_ROOM_GROUP", room_id=room_id, role="spectator")
            taken.append(time.perf_counter() - began)
    await people.close()
    return taken


def _fired(url: str, room_ids: Sequence[str]) -> list[Millis]:
    """When the timers of these rooms ran out, in order: as their next record says, once all of them have one."""
    deadline = time.monotonic() + DEADLINE_S
    while len(fired := _next_records(url, room_ids)) < len(room_ids):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(fired)} of {len(room_ids)} timers have run out after {DEADLINE_S} s")
        time.sleep(LOOK_S)
    return sorted(fired)


def _next_records(url: str, room_ids: Sequence[str]) -> list[Millis]:
    engine = backend_of(url).looker()
    query = text("SELECT room_id, min(at) FROM records WHERE seq > :last GROUP BY room_id")
    with engine.connect() as connection:
        rows = connection.execute(query, {"last": RECORDS}).all()
    engine.dispose()
    wanted = set(room_ids)
    return [at for room_id, at in rows if room_id in wanted]
