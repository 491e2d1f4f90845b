"""Reading from the journal what was told or missed before, while the room goes on."""

import asyncio
import logging

from gameroom.errors import InternalError, Unavailable
from gameroom.rooms.decision import Recollection
from gameroom.rooms.journal import Journal
from gameroom.rooms.records import Damaged, unseal
from gameroom.rooms.rooms import Outcome

log = logging.getLogger(__name__)

PAUSE_S = 1.0
"""Between two attempts to read an answer that was given before, while the database is away."""


async def recollected(journal: Journal, room_id: str, recollection: Recollection) -> Outcome:
    """What is to be told, whatever it takes, for the command was applied. Raises `Damaged`."""
    while True:
        try:
            return await _read(journal, room_id, recollection)
        except Unavailable:
            if recollection.otherwise is not None:
                return recollection.otherwise
        await asyncio.sleep(PAUSE_S)


async def _read(journal: Journal, room_id: str, recollection: Recollection) -> Outcome:
    """Raises `Unavailable` while the journal cannot be read, or `Damaged`."""
    try:
        stored = await journal.read(room_id, recollection.after_seq, recollection.limit)
        return recollection.finish([unseal(record) for record in stored])
    except (Unavailable, Damaged):
        raise
    except Exception:  # our bug: whoever asked must hear something
        log.exception("room %s: a record could not be recalled", room_id)
        return recollection.otherwise or InternalError("The record of this command cannot be read")
