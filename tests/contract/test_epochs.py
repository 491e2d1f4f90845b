"""A new epoch after the database went back: whoever owned the room cannot write, and positions go on behind it."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from gameroom.rooms.journal import Birth, Fenced, SealedRecord, Snapshot, Unit
from gameroom.rooms.parts import PLAY, PlayPart
from gameroom.rooms.records import (
    Damaged,
    Position,
    SnapshotBody,
    seal_snapshot,
    unseal,
)
from gameroom.rooms.restoring import fresh_term
from gameroom.storage.epochs import SqlEpochs
from gameroom.storage.failures import OutcomeUnknown
from gameroom.storage.tables import rooms
from tests.contract.room_stores import DEALT, SqlStores, listing, record, sealed

NOW = 1_800_000_000_000


@pytest.fixture
def stores(sql_stores: SqlStores) -> SqlStores:
    return sql_stores


def kept(seq: int) -> Snapshot:
    parts = {PLAY: msgspec.Raw(msgspec.json.encode(DEALT))}
    return seal_snapshot(
        SnapshotBody(room_id="r", epoch=3, seq=seq, at=0, game="chess", game_version="7", parts=parts), term=1
    )


async def bear(stores: SqlStores, *records: SealedRecord, status: Any = "playing") -> None:
    unit = Unit(room_id="r", term=1, records=records, listing=listing("r", status=status))
    await stores.journal.create(
        Birth(unit=unit, home="node-a", creator_id="ann", command_id=None, input_hash=b"x")
    )


async def test_the_epoch_begins_behind_the_last_record(stores: SqlStores) -> None:
    await bear(stores, sealed("r", 1), sealed("r", 2))
    assert await SqlEpochs(stores.database).begin("r", NOW) == Position(epoch=4, seq=3, at=NOW)
    [first] = await stores.journal.read("r", 2, 10)
    event = unseal(first)
    assert (event.kind, bytes(event.data)) == ("EPOCH_STARTED", b'{"reason":"restored"}')
    assert (event.game, event.game_version, list(event.parts)) == ("chess", "7", [PLAY])


async def test_no_number_that_was_drawn_in_the_lost_history_is_drawn_again(stores: SqlStores) -> None:
    """Players saw numbers that the restored database does not know; another key gives none of them."""
    await bear(stores, sealed("r", 1))
    keys = {DEALT.random_key}
    for seq in (1, 2):
        await SqlEpochs(stores.database).begin("r", NOW)
        [first] = await stores.journal.read("r", seq, 10)
        play = msgspec.json.decode(unseal(first).parts[PLAY], type=PlayPart)
        keys.add(play.random_key)
        assert replace(play, random_key=DEALT.random_key, random_counter=17) == DEALT
        assert (len(play.random_key), play.random_counter) == (32, 0)
    assert len(keys) == 3


async def test_in_a_room_time_does_not_go_back(stores: SqlStores) -> None:
    await bear(stores, sealed("r", 1, at=NOW + 5))
    assert await SqlEpochs(stores.database).begin("r", NOW) == Position(epoch=4, seq=2, at=NOW + 5)


async def test_it_begins_behind_a_snapshot_that_is_later(stores: SqlStores) -> None:
    """Play that is not journaled goes on behind the last record."""
    await bear(stores, sealed("r", 1))
    await stores.journal.save_snapshot(kept(40))
    assert await SqlEpochs(stores.database).begin("r", NOW) == Position(epoch=4, seq=41, at=NOW)


async def test_it_begins_behind_a_record_that_is_later_than_the_snapshot(stores: SqlStores) -> None:
    await bear(stores, sealed("r", 1), sealed("r", 2))
    await stores.journal.save_snapshot(kept(1))
    assert await SqlEpochs(stores.database).begin("r", NOW) == Position(epoch=4, seq=3, at=NOW)


async def test_no_owner_can_write_any_more(stores: SqlStores) -> None:
    """Not one whose claims are lost either, whatever number they had, and not after the next claim."""
    await bear(stores, sealed("r", 1))
    await SqlEpochs(stores.database).begin("r", NOW)
    for term in (1, 2, 3, fresh_term(1, NOW)):
        with pytest.raises(Fenced):
            await stores.journal.append(Unit(room_id="r", term=term, records=(sealed("r", 3, term=term),)))
    claim = await stores.placement.claim("r", "node-b")
    assert claim is not None
    assert (claim.term, claim.clean) == (fresh_term(1, NOW) + 1, False)
    for term in range(1, 10):
        with pytest.raises(Fenced):
            await stores.journal.append(Unit(room_id="r", term=term, records=(sealed("r", 3, term=term),)))


async def test_who_handed_the_room_over_cleanly_did_so_in_another_history(stores: SqlStores) -> None:
    await bear(stores, sealed("r", 1))
    await stores.placement.release("r", 1)
    await SqlEpochs(stores.database).begin("r", NOW)
    claim = await stores.placement.claim("r", "node-b")
    assert claim is not None
    assert not claim.clean


def test_terms_rise_whatever_the_clock_says() -> None:
    assert fresh_term(5, NOW) == NOW // 1000
    assert fresh_term(NOW, NOW) == NOW + 1


@pytest.mark.parametrize("room_id", ["r", "nowhere"])
async def test_closed_rooms_and_those_that_are_not_there_have_none(stores: SqlStores, room_id: str) -> None:
    await bear(stores, sealed("r", 1), status="closed")
    assert await SqlEpochs(stores.database).begin(room_id, NOW) is None
    assert len(await stores.journal.read("r", 0, 10)) == 1


async def test_a_room_whose_last_record_is_damaged_is_left_as_it_is(stores: SqlStores) -> None:
    await bear(stores, record("r", 1))  # hashed otherwise than records are
    with pytest.raises(Damaged):
        await SqlEpochs(stores.database).begin("r", NOW)
    assert (await term_of(stores), len(await stores.journal.read("r", 0, 10))) == (1, 1)


async def test_after_a_doubt_it_is_begun_once(stores: SqlStores, monkeypatch: pytest.MonkeyPatch) -> None:
    await bear(stores, sealed("r", 1))
    write, doubts = stores.database.write, [OutcomeUnknown("COMMIT failed")]

    async def doubtful(work: Any, *, first: bool = False) -> Any:
        result = await write(work, first=first)
        if doubts:
            raise doubts.pop()
        return result

    monkeypatch.setattr(stores.database, "write", doubtful)
    assert await SqlEpochs(stores.database).begin("r", NOW) == Position(epoch=4, seq=2, at=NOW)
    assert len(await stores.journal.read("r", 0, 10)) == 2


async def test_open_rooms_are_listed_page_by_page(stores: SqlStores) -> None:
    await bear(stores, sealed("r", 1))
    epochs = SqlEpochs(stores.database)
    assert (await epochs.open_rooms("", 10), await epochs.open_rooms("r", 10)) == (["r"], [])


async def term_of(stores: SqlStores) -> int | None:
    return await stores.database.read(
        lambda connection: connection.scalar(rooms.select().with_only_columns(rooms.c.term))
    )
