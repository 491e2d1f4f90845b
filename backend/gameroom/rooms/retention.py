"""Closed rooms are kept for a time, and then removed with all that was played in them."""

import asyncio
import logging
from typing import Protocol

from gameroom.clock import Clock, Millis
from gameroom.errors import Unavailable
from gameroom.rooms.window import AFTERLIFE_MS

FIRST_ROUND_S = 60.0
"""After the start: first come the players."""

ROUND_S = 3600.0
PAUSE_S = 0.1
"""Between two transactions, so that play never waits for more than one of them."""

ROOMS_AT_ONCE = 100
RECORDS_AT_ONCE = 500
"""Rooms looked for by one query, and records removed by one transaction."""

log = logging.getLogger(__name__)


class ClosedRooms(Protocol):
    async def closed_before(self, moment: Millis, after: str, limit: int) -> list[str]:
        """Rooms whose last record, which closed them, is older; in the order of their ids, behind `after`.

        Raises `Unavailable`.
        """

    async def remove(self, room_id: str, records: int) -> bool:
        """Remove the room; of one with more records than that, the oldest of those that its snapshot holds.

        So it can be opened until nothing of it is left. Whether that is so; also of a room that is open, which
        stays as it is. One transaction. Raises `Unavailable`.
        """


class Retention:
    """Looks once an hour for rooms that were closed long enough ago.

    Never less than the ten minutes in which a closed room still answers its commands. Once it is removed, a CREATE
    with the id of the one that made it is simply a new CREATE.
    """

    def __init__(self, rooms: ClosedRooms, clock: Clock, keep_ms: Millis) -> None:
        self._rooms = rooms
        self._clock = clock
        self.keep_ms = max(keep_ms, AFTERLIFE_MS)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._sweep_forever(), name="retention")

    async def stop(self) -> None:
        """At once: a transaction under way is the database's to finish, and the rest is found again."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None

    async def sweep(self) -> int:
        """Remove what is old enough now; how many rooms that were. Raises `Unavailable`."""
        moment, removed, after = self._clock.now() - self.keep_ms, 0, ""
        while page := await self._rooms.closed_before(moment, after, ROOMS_AT_ONCE):
            for room_id in page:
                await self._remove(room_id)
            removed, after = removed + len(page), page[-1]
        return removed

    async def _remove(self, room_id: str) -> None:
        is_gone = False
        while not is_gone:
            is_gone = await self._rooms.remove(room_id, RECORDS_AT_ONCE)
            await asyncio.sleep(PAUSE_S)

    async def _sweep_forever(self) -> None:
        await asyncio.sleep(FIRST_ROUND_S)
        while True:
            try:
                removed = await self.sweep()
                log.log(logging.INFO if removed else logging.DEBUG, "%d closed rooms were removed", removed)
            except Unavailable as error:
                log.warning("closed rooms were not removed: %s", error.message)
            except Exception:  # whatever it met, the next round tries again
                log.exception("closed rooms were not removed")
            await asyncio.sleep(ROUND_S)
