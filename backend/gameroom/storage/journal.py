"""The journal in SQL: group commit.

While one batch is being written, units that arrive wait; the next batch takes them all. So the busier the
server, the fewer syncs of the disk a record costs.
"""

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from functools import partial
from math import inf

from msgspec import Struct
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from gameroom.errors import Unavailable
from gameroom.rooms.journal import (
    AppliedCommand,
    Birth,
    Born,
    Fenced,
    Recovery,
    Refused,
    SealedRecord,
    Snapshot,
    Unit,
)
from gameroom.storage.births import bear, find_born
from gameroom.storage.commit_metrics import CommitMetrics
from gameroom.storage.engine import Database
from gameroom.storage.failures import OutcomeUnknown
from gameroom.storage.insistence import insist, patiently, twice
from gameroom.storage.snapshots import Snapshots
from gameroom.storage.tables import records, snapshots
from gameroom.telemetry.metrics import Collector

BATCH_RECORDS = 1000
BATCH_BYTES = 4 * 1024 * 1024
"""A batch holds so many records, and bytes of them, at most; a larger unit is a batch of its own."""

CLOSE_DEADLINE_S = 10.0

_log = logging.getLogger(__name__)


class BatchCounts(Struct):
    """What the group commit has done so far: batches that were committed at once, fenced units included."""

    batches: int = 0
    units: int = 0
    records: int = 0
    largest: int = 0
    """Units in the largest batch."""

    def add(self, units: list[Unit]) -> None:
        self.batches += 1
        self.units += len(units)
        self.records += sum(len(unit.records) for unit in units)
        self.largest = max(self.largest, len(units))


class Entry(Struct, frozen=True):
    """A unit on its way, and the future that its actor awaits."""

    unit: Unit
    outcome: "asyncio.Future[None]"

    @property
    def records(self) -> int:
        return len(self.unit.records)

    @property
    def bytes(self) -> int:
        return sum(len(record.body) for record in self.unit.records)

    def stored(self) -> None:
        if not self.outcome.done():  # whoever appended may be gone
            self.outcome.set_result(None)

    def failed(self, error: Fenced | Refused) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)


class SqlJournal:
    """Implements `Journal`. Used on one event loop; `close` it before its database.

    The queue of waiting units is bounded by the number of rooms that run here: each has one under way at most.
    """

    def __init__(self, database: Database) -> None:
        self.counts = BatchCounts()
        self._database = database
        self._backend = database.backend
        self._waiting: deque[Entry] = deque()
        self._commits = CommitMetrics(lambda: len(self._waiting))
        self._writing: asyncio.Task[None] | None = None
        self._snapshots = Snapshots(database)

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """The measures of the group commit."""
        return self._commits.collectors

    def append(self, unit: Unit) -> "asyncio.Future[None]":
        loop = asyncio.get_running_loop()
        entry = Entry(unit, loop.create_future())
        self._waiting.append(entry)
        if self._writing is None or self._writing.done():
            self._writing = loop.create_task(self._write_waiting())
        return entry.outcome

    async def create(self, birth: Birth, by: float = inf) -> Born:
        try:
            return await self._bear(birth, by)
        except IntegrityError as error:
            raise Unavailable("The new room's id or invite code is taken") from error

    async def born(self, creator_id: str, command_id: str) -> Born | None:
        return await self._database.read(partial(find_born, creator_id=creator_id, command_id=command_id))

    async def recover(self, room_id: str) -> Recovery:
        return await self._database.read(partial(_recover, room_id=room_id))

    async def read(self, room_id: str, after_seq: int, limit: int) -> list[SealedRecord]:
        return await self._database.read(partial(_read, room_id=room_id, after_seq=after_seq, limit=limit))

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        await self._snapshots.keep(snapshot)

    async def close(self) -> None:
        """Returns when all that was appended is stored, or after 10 s: what is left stays in doubt, untold."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_DEADLINE_S):
                await self._snapshots.close()
                if self._writing is not None:
                    await self._writing

    async def _bear(self, birth: Birth, by: float) -> Born:
        write = self._database.write
        try:
            return await twice(lambda: write(partial(bear, birth=birth, in_doubt=False), by=by))
        except OutcomeUnknown:
            in_doubt = partial(bear, birth=birth, in_doubt=True)
            return await twice(lambda: insist(write, in_doubt, in_doubt=True))

    # --- group commit -----------------------------------------------------------------------------------------

    async def _write_waiting(self) -> None:
        while self._waiting:
            await self._store(self._take_batch())

    def _take_batch(self) -> list[Entry]:
        batch = [self._waiting.popleft()]
        records, size = batch[0].records, batch[0].bytes
        while self._waiting:
            entry = self._waiting[0]
            records, size = records + entry.records, size + entry.bytes
            if records > BATCH_RECORDS or size > BATCH_BYTES:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _store(self, batch: list[Entry]) -> None:
        units = [entry.unit for entry in batch]
        began = time.perf_counter()
        try:
            owned = await patiently(self._database.append, partial(self._backend.store_batch, units=units))
        except Exception as error:
            # COMMIT failed midway, or one unit is at fault, whatever it provoked. Unit by unit the others are
            # stored and that one is found.
            _log.warning("a batch of %d units was not stored at once: %s", len(units), _reason(error))
            await self._settle_each(batch, in_doubt=isinstance(error, OutcomeUnknown))
        else:
            self.counts.add(units)
            self._commits.stored(sum(entry.records for entry in batch), time.perf_counter() - began)
            _tell(batch, owned)

    async def _settle_each(self, batch: list[Entry], *, in_doubt: bool) -> None:
        for entry in batch:
            try:
                await insist(
                    self._database.append, partial(self._backend.settle, unit=entry.unit), in_doubt=in_doubt
                )
            except (Fenced, Refused) as error:
                entry.failed(error)
            except Exception as error:
                # The database was there and did not take this unit, and no attempt is in doubt.
                entry.failed(Refused(_reason(error)))
            else:
                entry.stored()


def _reason(error: Exception) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error)


def _tell(batch: list[Entry], owned: list[bool]) -> None:
    for entry, is_owned in zip(batch, owned, strict=True):
        if is_owned:
            entry.stored()
        else:
            entry.failed(Fenced(entry.unit.room_id))


# --- work in a transaction ------------------------------------------------------------------------------------


def _recover(connection: Connection, room_id: str) -> Recovery:
    snapshot = _snapshot(connection, room_id)
    after = snapshot.seq if snapshot else -1
    return Recovery(
        snapshot=snapshot,
        records=_read(connection, room_id, after, limit=None),
        commands=_commands(connection, room_id),
    )


def _snapshot(connection: Connection, room_id: str) -> Snapshot | None:
    row = connection.execute(select(snapshots).where(snapshots.c.room_id == room_id)).one_or_none()
    return Snapshot(**row._asdict()) if row else None


def _commands(connection: Connection, room_id: str) -> list[AppliedCommand]:
    applied = records.c.command_id.is_not(None)
    columns = (records.c[name] for name in AppliedCommand.__struct_fields__)
    query = select(*columns).where(records.c.room_id == room_id, applied).order_by(records.c.seq)
    return [AppliedCommand(*row) for row in connection.execute(query)]


def _read(connection: Connection, room_id: str, after_seq: int, limit: int | None) -> list[SealedRecord]:
    later = select(records).where(records.c.room_id == room_id, records.c.seq > after_seq)
    rows = connection.execute(later.order_by(records.c.seq).limit(limit))
    return [SealedRecord(**row._asdict()) for row in rows]
