"""An owner that appends to its room, as fast as it can, until it is fenced, and prints what it was told."""

import asyncio
import sys
from pathlib import Path

from gameroom.rooms.journal import Fenced
from gameroom.storage.engine import Database
from gameroom.storage.journal import SqlJournal
from tests.contract.room_stores import listing, record, unit

MEGABYTE = b"m" * 1_000_000


async def main(url: str, room_id: str, record_count: int) -> None:
    database = Database.open(url)
    journal = SqlJournal(database)
    seq = 1
    try:
        while True:
            records = [record(room_id, seq + n, body=MEGABYTE) for n in range(1, record_count + 1)]
            await journal.append(unit(*records, listing=listing(room_id)))
            seq += record_count
            say(str(seq))
    except Fenced:
        say("fenced")
    await journal.close()
    await database.close()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    assert Path.cwd().joinpath("tests").is_dir()
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
