"""Durable acks: busy rooms with one journaled command each in flight, beside a bare loop of the same statements."""

import asyncio
import time
from collections.abc import Iterator
from statistics import quantiles

import uvloop
from msgspec import Struct

from bench.commands import Boards, chat, ids, place
from bench.journal_bare import BareFigures, measure_bare
from bench.journal_databases import fresh
from bench.journal_rooms import Node, Party, bring_into_play, node, party
from gameroom.protocol.commands import RoomCommand
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.rooms import Answer, Outcome, Request
from gameroom.storage.journal import SqlJournal

WARM_UP_S = 2.0


COMMANDS = {"chat": chat, "game action": place}


class LoadFigures(Struct, frozen=True, kw_only=True):
    """`batch`: records that one commit stored; `cpu_us`: of this process, for one record; latencies in ms."""

    command: str
    busy_rooms: int
    records_per_s: float
    p50_ms: float
    p99_ms: float
    batch: float
    cpu_us: float
    bare: BareFigures

    @property
    def share(self) -> float:
        """Of what the bare loop does."""
        return self.records_per_s / self.bare.records_per_s

    @property
    def p99_in_commits(self) -> float:
        return self.p99_ms / self.bare.commit_ms


class Talker:
    """Speaks in one room: the next command follows at once upon the answer.

    `commands`: that all take from, each with an id of its own.
    """

    def __init__(self, at: Node, its: Party, commands: Iterator[RoomCommand], latencies: list[float]) -> None:
        self._rooms = at.rooms
        self._its = its
        self._commands = commands
        self._latencies = latencies
        self._since = 0.0
        self._going = True
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def speak(self) -> None:
        self._since = time.perf_counter()
        request = Request(
            room_id=self._its.room_id, sender=self._its.players[0], command=next(self._commands)
        )
        self._rooms.submit(request, self._told)

    async def stop(self) -> None:
        """Returns when the last command is answered. Raises what a room refused with."""
        self._going = False
        await self._over

    def _told(self, outcome: Outcome) -> None:
        self._latencies.append(time.perf_counter() - self._since)
        if not isinstance(outcome, Answer):
            self._over.set_exception(outcome)
        elif self._going:
            self.speak()
        else:
            self._over.set_result(None)


def measure_load(kind: str, command: str, busy_rooms: int, seconds: float) -> LoadFigures:
    """In a process of its own."""
    return uvloop.run(_measure(kind, command, busy_rooms, seconds))


async def _measure(kind: str, command: str, busy_rooms: int, seconds: float) -> LoadFigures:
    """One line of the table, on a database of its own; the bare loop follows in the same one."""
    parties = [party(2) for _ in range(busy_rooms)]
    with fresh(kind) as url:
        async with node(url, Boards, policy=RoomPolicy()) as at:
            await bring_into_play(at, Boards, parties)
            latencies: list[float] = []
            commands = map(COMMANDS[command], ids())
            talkers = [Talker(at, each, commands, latencies) for each in parties]
            play = await _play(at.journal, talkers, latencies, seconds)
        bare = measure_bare(url, round(play.batch), seconds)
    p50, p99 = _percentiles(play.latencies)
    return LoadFigures(
        command=command,
        busy_rooms=busy_rooms,
        records_per_s=play.records / play.seconds,
        p50_ms=p50 * 1000,
        p99_ms=p99 * 1000,
        batch=play.batch,
        cpu_us=play.cpu_s / play.records * 1e6,
        bare=bare,
    )


class Play(Struct, frozen=True):
    """What was done in so many seconds; `batches`: those that were stored at once."""

    latencies: list[float]
    seconds: float
    cpu_s: float
    records: int
    batches: int

    @property
    def batch(self) -> float:
        return self.records / self.batches


class Meter:
    """Looks at the clocks and the journal's counts, now and later."""

    def __init__(self, journal: SqlJournal) -> None:
        self._counts = journal.counts
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        self._records, self._batches = self._counts.records, self._counts.batches

    def play(self, latencies: list[float]) -> Play:
        return Play(
            latencies,
            time.perf_counter() - self._wall,
            time.process_time() - self._cpu,
            self._counts.records - self._records,
            self._counts.batches - self._batches,
        )


async def _play(journal: SqlJournal, talkers: list[Talker], latencies: list[float], seconds: float) -> Play:
    for talker in talkers:
        talker.speak()
    await asyncio.sleep(WARM_UP_S)
    latencies.clear()
    meter = Meter(journal)
    await asyncio.sleep(seconds)
    play = meter.play(latencies[:])
    for talker in talkers:
        await talker.stop()
    return play


def _percentiles(latencies: list[float]) -> tuple[float, float]:
    """The 50th and 99th."""
    cuts = quantiles(latencies, n=100, method="inclusive")
    return cuts[49], cuts[98]
