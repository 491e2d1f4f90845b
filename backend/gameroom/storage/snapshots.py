"""Snapshots in SQL, kept together: rooms that began together want theirs at the same moment, again and again."""

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from gameroom.errors import Unavailable
from gameroom.rooms.journal import Fenced, Snapshot
from gameroom.storage.engine import Database
from gameroom.storage.failures import OutcomeUnknown
from gameroom.storage.insistence import insist

BATCH_BYTES = 4 * 1024 * 1024
"""What waits is kept in one transaction up to so many bytes; a larger snapshot is kept alone."""


class Entry(Struct, frozen=True):
    """A snapshot on its way, and the future that its room awaits."""

    snapshot: Snapshot
    outcome: "asyncio.Future[None]"

    def kept(self, *, owned: bool) -> None:
        if not owned:
            self.failed(Fenced(self.snapshot.room_id))
        elif not self.outcome.done():  # whoever awaited it may be gone
            self.outcome.set_result(None)

    def failed(self, error: Exception) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)


class Snapshots:
    """While some are being kept, others wait; the next transaction takes them all. Used on one event loop.

    The queue is bounded by the number of rooms that run here: each waits for its snapshot.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[Entry] = deque()
        self._keeping: asyncio.Task[None] | None = None

    async def keep(self, snapshot: Snapshot) -> None:
        """As `Journal.save_snapshot`."""
        loop = asyncio.get_running_loop()
        entry = Entry(snapshot, loop.create_future())
        self._waiting.append(entry)
        if self._keeping is None or self._keeping.done():
            self._keeping = loop.create_task(self._keep_waiting())
        await entry.outcome

    async def close(self) -> None:
        """Returns when all are kept that were to be."""
        if self._keeping is not None:
            await self._keeping

    async def _keep_waiting(self) -> None:
        while self._waiting:
            await self._keep(self._take_batch())

    def _take_batch(self) -> list[Entry]:
        """One of each room: a statement cannot replace a row twice."""
        batch: dict[str, Entry] = {}
        size = 0
        while self._waiting:
            snapshot = self._waiting[0].snapshot
            size += len(snapshot.body)
            if batch and (size > BATCH_BYTES or snapshot.room_id in batch):
                break
            batch[snapshot.room_id] = self._waiting.popleft()
        return list(batch.values())

    async def _keep(self, batch: list[Entry]) -> None:
        try:
            await self._store(batch)
        except Unavailable as error:
            for entry in batch:
                entry.failed(error.reworded(error.message))
        except Exception:
            # One of them is at fault, whatever it provoked: one by one the others are kept.
            for entry in batch:
                await self._keep_alone(entry)

    async def _keep_alone(self, entry: Entry) -> None:
        try:
            await self._store([entry])
        except Exception as error:
            # Whatever it is, its room must not wait for it any longer.
            entry.failed(error)

    async def _store(self, batch: Sequence[Entry]) -> None:
        snapshots = [entry.snapshot for entry in batch]
        work = partial(self._database.backend.keep_snapshots, kept=snapshots)
        try:
            owned = await self._database.append(work)
        except OutcomeUnknown:
            owned = await insist(self._database.append, work, in_doubt=True)
        for entry, is_owned in zip(batch, owned, strict=True):
            entry.kept(owned=is_owned)
