"""Closed rooms go after their time, in small steps, and nothing else does; see `rooms.retention`."""

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy import Table, func, select

from gameroom.errors import Unavailable
from gameroom.ids import first_id_of, new_id
from gameroom.protocol.views import Status
from gameroom.rooms import retention
from gameroom.rooms.journal import Birth, Unit
from gameroom.rooms.retention import Retention
from gameroom.rooms.window import AFTERLIFE_MS
from gameroom.storage.retention import SqlClosedRooms
from gameroom.storage.tables import records, room_members, rooms, snapshots
from tests.contract.room_stores import SqlStores, listing, record, snapshot

DAY_MS = 24 * 3600 * 1000
CLOSED_AT = 1_700_000_000_000
PATIENCE_S = 10.0


class HandClock:
    def __init__(self, moment: int) -> None:
        self.moment = moment

    def now(self) -> int:
        return self.moment

    def monotonic(self) -> float:
        return self.moment / 1000


@pytest.fixture
def stores(sql_stores: SqlStores) -> SqlStores:
    return sql_stores


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PAUSE_S", 0.0)


def id_at(moment: int, name: str) -> str:
    return f"{first_id_of(moment)}-{name}"


async def bear(
    stores: SqlStores,
    room_id: str,
    status: Status = "closed",
    *,
    length: int = 2,
    create: str | None = None,
) -> None:
    """A room whose records are all of `CLOSED_AT`."""
    written = [replace(record(room_id, seq), at=CLOSED_AT) for seq in range(1, length + 1)]
    first = Unit(room_id=room_id, term=1, records=tuple(written), listing=listing(room_id, status=status))
    await stores.journal.create(
        Birth(unit=first, home="node-a", creator_id="ann", command_id=create, input_hash=b"input")
    )


def keeper(stores: SqlStores, now: int, keep_ms: int = 30 * DAY_MS) -> Retention:
    return Retention(SqlClosedRooms(stores.database), HandClock(now), keep_ms)


async def count(stores: SqlStores, table: Table) -> int:
    query = select(func.count()).select_from(table)
    return await stores.database.read(lambda connection: connection.scalar(query) or 0)


ROOM = id_at(CLOSED_AT - 5_000, "room")


async def test_a_closed_room_goes_with_all_that_it_had(stores: SqlStores) -> None:
    await bear(stores, ROOM)
    await stores.journal.save_snapshot(snapshot(ROOM, 2))
    assert await keeper(stores, CLOSED_AT + 30 * DAY_MS + 1).sweep() == 1
    assert [await count(stores, table) for table in (rooms, records, snapshots, room_members)] == [0] * 4


async def test_none_goes_before_its_time(stores: SqlStores) -> None:
    await bear(stores, ROOM)
    assert await keeper(stores, CLOSED_AT + 30 * DAY_MS).sweep() == 0
    assert await count(stores, records) == 2


@pytest.mark.parametrize("status", ["waiting", "playing"])
async def test_an_open_room_never_goes(stores: SqlStores, status: Status) -> None:
    await bear(stores, ROOM, status)
    assert await keeper(stores, CLOSED_AT + 10_000 * DAY_MS).sweep() == 0
    assert await SqlClosedRooms(stores.database).remove(ROOM, 10)
    assert await count(stores, records) == 2


async def test_none_goes_while_it_answers_its_last_commands(stores: SqlStores) -> None:
    await bear(stores, ROOM)
    assert await keeper(stores, CLOSED_AT + AFTERLIFE_MS, keep_ms=0).sweep() == 0
    assert await keeper(stores, CLOSED_AT + AFTERLIFE_MS + 1, keep_ms=0).sweep() == 1


async def test_a_create_is_new_after_the_room_that_it_made_is_gone(stores: SqlStores) -> None:
    await bear(stores, ROOM, create="make")
    repeated = await stores.journal.born("ann", "make")
    assert repeated and repeated.room_id == ROOM
    await keeper(stores, CLOSED_AT + 31 * DAY_MS).sweep()
    assert await stores.journal.born("ann", "make") is None
    await bear(stores, new_id(), create="make")


async def test_a_long_room_goes_step_by_step_and_can_be_opened_until_it_is_gone(stores: SqlStores) -> None:
    await bear(stores, ROOM, length=25)
    await stores.journal.save_snapshot(snapshot(ROOM, 22))
    closed = SqlClosedRooms(stores.database)
    left = []
    while not await closed.remove(ROOM, 10):
        recovery = await stores.journal.recover(ROOM)
        assert recovery.snapshot and recovery.snapshot.seq == 22
        assert [each.seq for each in recovery.records] == [23, 24, 25]
        left.append(await count(stores, records))
    assert left == [15, 5]
    assert await count(stores, rooms) == 0


async def test_all_that_are_old_enough_go_and_the_others_stay(
    stores: SqlStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROOMS_AT_ONCE", 3)
    for number in range(10):
        await bear(
            stores, id_at(CLOSED_AT - 5_000, f"{number:02}"), "playing" if number % 4 == 1 else "closed"
        )
    young = id_at(CLOSED_AT + 31 * DAY_MS, "young")
    await bear(stores, young)
    assert await keeper(stores, CLOSED_AT + 31 * DAY_MS).sweep() == 7
    assert await count(stores, rooms) == 4


async def test_the_first_id_of_a_moment_parts_the_ids_made_before_and_after() -> None:
    made = new_id()
    moment = int(made.replace("-", "")[:12], 16)
    assert first_id_of(moment) <= made < first_id_of(moment + 1)


# --- the task -------------------------------------------------------------------------------------------------


class Watched(SqlClosedRooms):
    """Tells when it was asked, and is away the first time."""

    def __init__(self, stores: SqlStores) -> None:
        super().__init__(stores.database)
        self.asked = asyncio.Semaphore(0)
        self._away = [Unavailable("not now"), RuntimeError("a bug")]

    async def closed_before(self, moment: int, after: str, limit: int) -> list[str]:
        self.asked.release()
        if self._away:
            raise self._away.pop()
        return await super().closed_before(moment, after, limit)


async def test_it_looks_again_and_again_until_it_is_stopped(
    stores: SqlStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "FIRST_ROUND_S", 0.0)
    monkeypatch.setattr(retention, "ROUND_S", 0.0)
    await bear(stores, ROOM)
    watched = Watched(stores)
    keeping = Retention(watched, HandClock(CLOSED_AT + 31 * DAY_MS), 30 * DAY_MS)
    await keeping.start()
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(5):
            await watched.asked.acquire()
    await keeping.stop()
    assert await count(stores, rooms) == 0


async def test_it_stops_at_once_wherever_it_is(stores: SqlStores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "FIRST_ROUND_S", 0.0)
    monkeypatch.setattr(retention, "PAUSE_S", 3600.0)
    for number in range(3):
        await bear(stores, id_at(CLOSED_AT - 5_000, str(number)))
    removed = asyncio.Event()

    class Telling(SqlClosedRooms):
        async def remove(self, room_id: str, records: int) -> bool:
            is_gone = await super().remove(room_id, records)
            removed.set()
            return is_gone

    keeping = Retention(Telling(stores.database), HandClock(CLOSED_AT + 31 * DAY_MS), 30 * DAY_MS)
    await keeping.start()
    async with asyncio.timeout(PATIENCE_S):
        await removed.wait()
        await keeping.stop()
    assert await count(stores, rooms) == 2


async def test_one_that_was_never_started_may_be_stopped(stores: SqlStores) -> None:
    await keeper(stores, CLOSED_AT).stop()
