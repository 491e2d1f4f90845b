"""An owner that freezes anywhere in an append keeps nobody from taking its room, and writes nothing afterwards."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from gameroom.rooms.journal import Fenced
from tests.contract.room_stores import birth, record, unit
from tests.kit.proxy import Fate, Proxy
from tests.postgres.sessions import DEADLINE_S, Sessions, through, until

ROOT = Path(__file__).parents[2]
QUICK_S = 2.0
"""A claim takes milliseconds; somebody else's deadline would be 4 s at least."""


@asynccontextmanager
async def appending(url: str, room_id: str, records: int) -> AsyncIterator[Process]:
    """An owner in a process of its own."""
    program = (sys.executable, "-m", "tests.postgres.appending_owner", url, room_id, str(records))
    process = await asyncio.create_subprocess_exec(*program, cwd=ROOT, env=os.environ, stdout=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line_of(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        return (await process.stdout.readline()).decode().strip()


async def test_a_frozen_owner_keeps_nobody_from_its_room(sessions: Sessions) -> None:
    """It is stopped again and again, wherever it is at that moment, in appends of several megabytes."""
    node = await sessions.node("claimer")
    chance = Random(13)
    for round_number in range(3):
        room_id = f"frozen-{round_number}"
        await node.journal.create(birth(room_id))
        async with appending(sessions.url, room_id, records=4) as owner:
            told = int(await line_of(owner))
            await asyncio.sleep(chance.uniform(0, 0.1))  # not to wait for anything: to stop it somewhere
            owner.send_signal(signal.SIGSTOP)
            began = time.monotonic()
            claim = await node.placement.claim(room_id, "claimer")
            assert time.monotonic() - began < QUICK_S
            assert claim is not None
            head = (await node.journal.read(room_id, told - 1, 1000))[-1].seq
            await node.journal.append(unit(record(room_id, head + 1, term=claim.term)))
            owner.send_signal(signal.SIGCONT)
            while (line := await line_of(owner)) != "fenced":
                told = int(line)
            assert told <= head
            stored = [each.seq for each in await node.journal.read(room_id, told - 1, 1000)]
            assert stored == list(range(told, head + 2))


@pytest.mark.parametrize("fate", [Fate.HALF, Fate.HOLD, Fate.HOLD_ANSWER], ids=lambda fate: fate.name)
async def test_an_append_that_stops_on_its_way_keeps_nobody_from_its_room(
    sessions: Sessions, proxy: Proxy, fate: Fate
) -> None:
    """Half of it has reached the server, or none, or all of it and its sender does not hear."""
    owner = await sessions.node("owner", through(proxy, sessions.url))
    claimer = await sessions.node("claimer")
    room_id = f"stopped-{fate.name}"
    await owner.journal.create(birth(room_id))
    trap = proxy.trap(b"INSERT INTO records", fate)
    append = owner.journal.append(unit(*(record(room_id, seq, body=b"m" * 1_000_000) for seq in (2, 3))))
    await until(trap.sprung.is_set)
    began = time.monotonic()
    claim = await claimer.placement.claim(room_id, "claimer")
    assert time.monotonic() - began < QUICK_S
    assert claim is not None
    seen = [each.seq for each in await claimer.journal.read(room_id, -1, 10)]
    trap.released.set()
    (outcome,) = await asyncio.gather(append, return_exceptions=True)
    assert [each.seq for each in await claimer.journal.read(room_id, -1, 10)] == seen
    if fate is Fate.HOLD_ANSWER:
        assert (seen, outcome) == ([1, 2, 3], None)
    else:
        assert seen == [1]
        assert isinstance(outcome, Fenced)
