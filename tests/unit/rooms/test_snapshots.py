"""Snapshots bound what an opening reads, whatever the traffic and however nodes die."""

import asyncio
from dataclasses import replace

import pytest

from gameroom.errors import Unavailable
from gameroom.protocol.commands import CreateRoom, JoinRoom, SendChat
from gameroom.rooms.batch import BATCH_INPUTS
from gameroom.rooms.journal import MemoryJournal, Recovery, Snapshot
from gameroom.rooms.rooms import Answer
from tests.unit.rooms.node import PATIENCE_S, ROOM, FailingJournal, Node, node, turns, until
from tests.unit.rooms.scene import POLICY

TIC_TAC_TOE = CreateRoom(game="tic-tac-toe")


class Bounded(MemoryJournal):
    """Remembers how many records each opening read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_at_once: list[int] = []

    async def recover(self, room_id: str) -> Recovery:
        recovery = await super().recover(room_id)
        self.read_at_once.append(len(recovery.records))
        return recovery


@pytest.mark.parametrize("burst", [1, 7, 40, 150], ids=lambda burst: f"{burst} at once")
async def test_opening_reads_no_more_than_one_unit_beyond_the_last_snapshot_whatever_dies(burst: int) -> None:
    """Each node dies without a word, after more commands or fewer."""
    journal = Bounded()
    policy = replace(POLICY, snapshot_every=20)
    dead = [Node(journal, "node-0", policy)]
    await dead[0].do("ann", TIC_TAC_TOE)
    for number in range(1, 12):
        dead.append(Node(journal, f"node-{number}", policy))
        await dead[-1].do("ann", JoinRoom())
        for _ in range(number):
            said = [dead[-1].ask("ann", SendChat(text="hi")) for _ in range(burst)]
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(*said)
    assert max(journal.read_at_once) < policy.snapshot_every + min(burst, BATCH_INPUTS)


class NoSnapshots(Bounded):
    """Keeps a snapshot only while `go` is set, and says when it is asked for one."""

    def __init__(self) -> None:
        super().__init__()
        self.saving = asyncio.Event()
        self.go = asyncio.Event()

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        self.saving.set()
        await self.go.wait()
        await super().save_snapshot(snapshot)


async def test_a_room_waits_while_its_snapshot_is_kept() -> None:
    journal = NoSnapshots()
    async with node(journal, policy=replace(POLICY, snapshot_every=3)) as first:
        await first.do("ann", TIC_TAC_TOE)
        for _ in range(3):
            await first.do("ann", SendChat(text="hi"))
        await journal.saving.wait()
        waits = first.ask("ann", SendChat(text="waits"))
        await turns()
        assert not waits.done() and len(first.records()) == 4
        journal.go.set()
        assert isinstance(await waits, Answer)
        assert journal.rooms[ROOM].snapshot is not None


async def test_a_snapshot_that_could_not_be_kept_is_made_up_for() -> None:
    journal = FailingJournal()
    journal.failures["save_snapshot"].append(Unavailable("away"))
    async with node(journal, policy=replace(POLICY, snapshot_every=3)) as first:
        await first.do("ann", TIC_TAC_TOE)
        for _ in range(4):
            await first.do("ann", SendChat(text="hi"))
        await until(lambda: journal.rooms[ROOM].snapshot is not None)
