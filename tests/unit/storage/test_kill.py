"""`kill -9` of a process that appends: whatever it was told is stored is there when the file is opened again."""

import subprocess
import sys
from pathlib import Path

import pytest

from gameroom.storage.engine import Database
from gameroom.storage.journal import SqlJournal
from tests.contract.room_stores import birth, record

ROOT = Path(__file__).parents[3]
KILLS = 4


def acknowledged_until_killed(url: str, generation: str, lines: int) -> dict[str, int]:
    """The last seq that each room was told is stored, by a process that is killed after so many lines."""
    program = [sys.executable, "-m", "tests.contract.appending_process", url, generation]
    heads: dict[str, int] = {}
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for number, line in enumerate(process.stdout):
            if number == lines:
                process.kill()
            if line.endswith("\n"):
                room_id, seq = line.split()
                heads[room_id] = int(seq)
    assert process.returncode < 0, "the process ended before it was killed"
    return heads


@pytest.mark.timeout(60)
async def test_what_was_acknowledged_survives_every_kill(url: str) -> None:
    heads: dict[str, int] = {}
    for generation in range(KILLS):
        heads |= acknowledged_until_killed(url, f"g{generation}", lines=50 + 150 * generation)
        database = Database.open(url)
        journal = SqlJournal(database)
        for room_id, head in heads.items():
            await check(journal, room_id, head)
        await database.close()
    assert len(heads) == 10 * KILLS


async def check(journal: SqlJournal, room_id: str, head: int) -> None:
    """All that was acknowledged is there, nothing twice, no unit in part, and the room was created once."""
    stored = await journal.read(room_id, -1, 100_000)
    written = [record(room_id, seq) for seq in range(1, len(stored) + 1)]
    assert [(each.seq, each.hash) for each in stored] == [(each.seq, each.hash) for each in written]
    assert len(stored) >= head
    assert len(stored) % 2 == 1
    assert (await journal.create(birth("another", command_id=room_id))).room_id == room_id
