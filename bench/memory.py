"""What open rooms take of memory, and whether anything stays of those that were put away."""

import asyncio
import gc
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from resource import getpagesize

from msgspec import Struct
from msgspec.structs import replace

from bench.commands import Boards, Cards
from bench.journal_databases import SQLITE, fresh
from bench.journal_rooms import AT_ONCE, Node, bring_into_play, enrol, node, party
from gameroom.ids import new_id
from gameroom.protocol.commands import CreateRoom, SendChat
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.rooms import Sender

PLAYERS = 4
FIRST_ROOMS = 256
"""Made before the counting begins: they bring what a server needs once."""

WAVE = 250
"""Rooms that are open at the same time while thousands come and go."""

CHECKPOINTS = 10
UNBOUNDED = 1_000_000
EMPTY_LOOK_S = 0.001


class IdleFigures(Struct, frozen=True, kw_only=True):
    """KB (1,000 bytes) that one more room takes, at rest and before it rests."""

    rooms: int
    rss_kb: float
    traced_kb: float
    awake_traced_kb: float


class Checkpoint(Struct, frozen=True):
    """After so many rooms were opened a second time and put away again. `blocks`: that Python has given out."""

    rooms: int
    rss_kb: float
    blocks: int


class GrowthFigures(Struct, frozen=True):
    checkpoints: list[Checkpoint]

    @property
    def rooms(self) -> int:
        return self.checkpoints[-1].rooms

    @property
    def bytes_a_room(self) -> float:
        """By which the process grew in the second half."""
        middle, last = self._second_half()
        return (last.rss_kb - middle.rss_kb) * 1000 / (last.rooms - middle.rooms)

    @property
    def blocks_a_room(self) -> float:
        middle, last = self._second_half()
        return (last.blocks - middle.blocks) / (last.rooms - middle.rooms)

    def _second_half(self) -> tuple[Checkpoint, Checkpoint]:
        """What a process needs once, it has by then."""
        return self.checkpoints[len(self.checkpoints) // 2 - 1], self.checkpoints[-1]


# --- idle rooms -----------------------------------------------------------------------------------------------


def measure_rss(rooms: int) -> float:
    """KB of the process for each room at rest. In a process of its own."""
    return asyncio.run(_grown_by(rooms, rss_kb, resting=True))


def measure_traced(rooms: int, *, resting: bool) -> float:
    """KB of Python's own memory for each room. In a process of its own, which this makes slow."""
    tracemalloc.start()
    return asyncio.run(_grown_by(rooms, lambda: tracemalloc.get_traced_memory()[0] / 1000, resting=resting))


async def _grown_by(rooms: int, kb: Callable[[], float], *, resting: bool) -> float:
    with fresh(SQLITE) as url:
        async with node(url, Cards, policy=RoomPolicy()) as at:
            await _fill(at, FIRST_ROOMS, resting=resting)
            gc.collect()
            before = kb()
            await _fill(at, rooms, resting=resting)
            gc.collect()
            return (kb() - before) / rooms


async def _fill(at: Node, rooms: int, *, resting: bool) -> None:
    """So many rooms in play; they come to rest bit by bit, as those of a server do."""
    for made in range(0, rooms, AT_ONCE):
        await bring_into_play(at, Cards, [party(PLAYERS) for _ in range(min(AT_ONCE, rooms - made))])
        if resting:
            for actor in at.rooms.actors():
                actor.rest()


# --- coming and going -----------------------------------------------------------------------------------------


def measure_growth(rooms: int) -> GrowthFigures:
    """So many different rooms are made, put away, opened by a command and put away again. In a process of its own."""
    return asyncio.run(_growth(rooms))


async def _growth(rooms: int) -> GrowthFigures:
    policy = RoomPolicy(rooms_per_user=UNBOUNDED, rooms_made=UNBOUNDED)
    # Without a connection, as by REST: so nothing keeps the rooms open.
    people = [replace(party(1).players[0], connection_id=None) for _ in range(WAVE)]
    checkpoints = []
    with fresh(SQLITE) as url:
        async with node(url, Boards, policy=policy) as at:
            await enrol(at.database, people)
            for done in range(WAVE, rooms + 1, WAVE):
                await _come_and_go(at, people)
                if done % max(WAVE, rooms // CHECKPOINTS) == 0:
                    gc.collect()
                    checkpoints.append(Checkpoint(done, rss_kb(), sys.getallocatedblocks()))
    return GrowthFigures(checkpoints)


async def _come_and_go(at: Node, people: Sequence[Sender]) -> None:
    """One wave."""
    entering = [(host, new_id()) for host in people]
    made = CreateRoom(game=Boards.name)
    await asyncio.gather(*(at.ask(host, room_id, made) for host, room_id in entering))
    await _put_away(at)
    line = SendChat(text="still here")
    await asyncio.gather(*(at.ask(host, room_id, line) for host, room_id in entering))
    await _put_away(at)


async def _put_away(at: Node) -> None:
    for actor in at.rooms.actors():
        at.rooms.put_away(actor)
    while at.rooms.open_now:  # noqa: ASYNC110  (rooms tell nobody that they are put away)
        await asyncio.sleep(EMPTY_LOOK_S)


def rss_kb() -> float:
    """Of this process, resident."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * getpagesize() / 1000
