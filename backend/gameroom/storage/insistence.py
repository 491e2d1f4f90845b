"""Writing whose outcome must be known, however long the database is away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from sqlalchemy.exc import DataError, IntegrityError

from gameroom.errors import Unavailable
from gameroom.rooms.journal import Fenced, Refused
from gameroom.storage.engine import Database
from gameroom.storage.failures import OutcomeUnknown
from gameroom.storage.lanes import Work

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 1.0

PAUSES_S = (0.0, 0.1, 0.3, 1.0, 3.0)
"""Before each new attempt to find out what became of a write for which nobody waits longer."""

_UNSTORABLE = (IntegrityError, DataError, OverflowError, UnicodeEncodeError)
"""What a database says of values that it cannot hold: it will not at any attempt, and has not at an earlier one."""

_VERDICTS = (Fenced, Refused, *_UNSTORABLE)

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Write(Protocol):
    """`Database.write` or `Database.append`."""

    async def __call__(self, work: Work[T], *, first: bool) -> T: ...


async def patiently(write: Write, work: Work[T]) -> T:
    """Do the work once the database is there. Raises what the work raises, and `OutcomeUnknown`.

    Before all other writes of the process: what waits here are rooms in which people play.
    """
    pause = FIRST_PAUSE_S
    while True:
        try:
            return await write(work, first=True)
        except Unavailable:
            pause = await _rest(pause)


async def insist(write: Write, work: Work[T], *, in_doubt: bool) -> T:
    """Do the same work until its outcome is known; a second time it must change nothing.

    `in_doubt`: an earlier attempt may be stored. Then, and after a COMMIT that failed midway, an attempt that fails
    for whatever odd reason says nothing of the earlier one, so it is made again. Raises what the work raises where
    that tells the outcome: nothing is stored.
    """
    pause = FIRST_PAUSE_S
    while True:
        try:
            return await patiently(write, work)
        except OutcomeUnknown:
            in_doubt = True
        except _VERDICTS:
            raise
        except Exception as error:
            if not in_doubt:
                raise
            _log.error("a write in doubt is not settled yet: %r", error)
        pause = await _rest(pause)


async def twice(attempt: Callable[[], Awaitable[T]]) -> T:
    """Make the attempt, and again if a unique index refused what it did after it had looked whether it may.

    With several writers (PostgreSQL) that is how a race is decided: the winner has committed, looking again finds it.
    """
    try:
        return await attempt()
    except IntegrityError:
        return await attempt()


async def _rest(pause_s: float) -> float:
    """Returns the next pause."""
    await asyncio.sleep(pause_s)
    return min(2 * pause_s, LONGEST_PAUSE_S)


async def settled(database: Database, work: Work[T]) -> T:
    """Do the work, which must change nothing when it comes after itself.

    So a COMMIT with an unknown outcome is settled by doing it again, for as long as somebody waits. Raises
    `Unavailable` only where nothing was changed; `OutcomeUnknown` where no attempt could tell.
    """
    try:
        return await twice(lambda: database.write(work))
    except OutcomeUnknown as doubt:
        return await _settled_later(database, work, doubt)


async def _settled_later(database: Database, work: Work[T], doubt: OutcomeUnknown) -> T:
    for pause_s in PAUSES_S:
        await asyncio.sleep(pause_s)
        try:
            return await twice(lambda: database.write(work))
        except (OutcomeUnknown, Unavailable):
            continue  # this attempt may be certain to have failed, but the first is still in doubt
    raise doubt
