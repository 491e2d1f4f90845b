"""A process that appends to rooms of its own and prints what was acknowledged, until it is killed."""

import asyncio
import sys

from gameroom.storage.engine import Database
from gameroom.storage.journal import SqlJournal
from tests.contract.room_stores import birth, listing, record, unit

ROOMS = 10


async def play(journal: SqlJournal, room_id: str) -> None:
    seq = 1
    while True:
        seq += 2
        records = (record(room_id, seq - 1, command=("ann", f"c{seq}")), record(room_id, seq))
        await journal.append(unit(*records, listing=listing(room_id, due=seq)))
        sys.stdout.write(f"{room_id} {seq}\n")
        sys.stdout.flush()


async def main(url: str, generation: str) -> None:
    journal = SqlJournal(Database.open(url))
    rooms = [f"{generation}-{n}" for n in range(ROOMS)]
    await asyncio.gather(*(journal.create(birth(room_id, command_id=room_id)) for room_id in rooms))
    await asyncio.gather(*(play(journal, room_id) for room_id in rooms))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
