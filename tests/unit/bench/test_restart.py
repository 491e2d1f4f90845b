"""The rooms of a measured restart are such as a server leaves behind, and not only as many."""

from bench.commands import Boards
from bench.journal_databases import SQLITE, fresh
from bench.journal_rooms import node, party
from bench.restart import DUE, RECORDS, prepare
from gameroom.clock import SystemClock
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.records import unseal
from gameroom.storage.placement import SqlPlacement


async def test_prepared_rooms_are_recovered_from_a_snapshot_and_their_last_records() -> None:
    playing, left = party(2), party(2)
    with fresh(SQLITE) as url:
        await prepare(url, [playing, left], due=[left])
        async with node(url, Boards, policy=RoomPolicy()) as at:
            for each, last in ((playing, "GAME_UPDATED"), (left, "MEMBER_DISCONNECTED")):
                stored = await at.journal.read(each.room_id, 0, RECORDS + 1)
                recovery = await at.journal.recover(each.room_id)
                assert [record.seq for record in stored] == list(range(1, RECORDS + 1))
                assert unseal(stored[-1]).kind == last
                assert recovery.snapshot is not None
                assert recovery.snapshot.seq + len(recovery.records) == RECORDS
                assert 0 < len(recovery.records) < RoomPolicy().snapshot_every
            now = SystemClock().now()
            neglected = await SqlPlacement(at.database).neglected("a new server", [Boards.name], now, DUE)
    assert neglected == [left.room_id, playing.room_id], "the one with a due timer goes first"
