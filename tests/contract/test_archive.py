"""What the archive promises to whoever looks after journals; see `rooms.archive.Archive`."""

from pathlib import Path

import pytest

from gameroom.rooms.archive import PAGE, all_rooms, history
from gameroom.rooms.rooms import Card
from gameroom.storage.archive import open_archive
from gameroom.storage.failures import DatabaseUnusable
from gameroom.storage.tables import users
from tests.contract.room_stores import SqlStores, birth, listing, record, snapshot, unit


@pytest.fixture
def stores(sql_stores: SqlStores) -> SqlStores:
    return sql_stores


@pytest.fixture
def url(sql_stores: SqlStores) -> str:
    """A server has it open meanwhile."""
    return sql_stores.url


async def test_all_rooms_are_found_in_their_order(stores: SqlStores, url: str) -> None:
    names = [f"r{number:03}" for number in range(PAGE + 3)]
    for name in reversed(names):
        await stores.journal.create(birth(name, listed=listing(name, status="closed")))
    with open_archive(url) as archive:
        assert list(all_rooms(archive)) == names


async def test_a_look_tells_all_of_one_moment(stores: SqlStores, url: str) -> None:
    await stores.journal.create(birth("r", listed=listing("r", members=("ann", "bob"), due=7)))
    kept = snapshot("r", 1)
    await stores.journal.save_snapshot(kept)
    await stores.placement.claim("r", "node-b")
    with open_archive(url) as archive:
        moment = archive.look("r")
        assert archive.look("nowhere") is None
    assert moment is not None
    assert (moment.head, moment.snapshot) == (1, kept)
    assert moment.member_ids == {"ann", "bob"}
    row, told = moment.row, listing("r", members=("ann", "bob"), due=7)
    assert {name: getattr(row, name) for name in told.summary.__struct_fields__} == {
        name: getattr(told.summary, name) for name in told.summary.__struct_fields__
    }
    assert (row.term, row.next_due_at, row.occupied) == (2, 7, True)
    assert (row.game_version, row.visibility, row.invite_code) == ("3", "public", "code of r")


async def test_a_history_ends_where_it_did_at_that_moment(stores: SqlStores, url: str) -> None:
    await stores.journal.create(birth("r"))
    written = [record("r", seq) for seq in range(2, 2 * PAGE + 10)]
    await stores.journal.append(unit(*written))
    with open_archive(url) as archive:
        assert list(history(archive, "r", 2 * PAGE)) == [record("r", 1), *written[: 2 * PAGE - 1]]
        assert list(history(archive, "nowhere", 5)) == []


async def test_it_sees_what_is_written_after_it_was_opened(stores: SqlStores, url: str) -> None:
    with open_archive(url) as archive:
        assert archive.look("r") is None
        await stores.journal.create(birth("r"))
        assert archive.look("r") is not None


async def test_cards_are_those_of_accounts_that_exist(stores: SqlStores, url: str) -> None:
    columns = {"roles": b"[]", "metadata": b"{}", "created_at": 0, "suspended": False}
    rows = [{"user_id": f"u{number}", "display_name": f"U {number}", **columns} for number in range(600)]
    await stores.database.write(lambda connection: connection.execute(users.insert(), rows))
    with open_archive(url) as archive:
        cards = archive.cards([f"u{number}" for number in range(601)])
    assert len(cards) == 600
    assert cards["u599"] == Card("U 599", None)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    missing = f"sqlite:///{tmp_path / 'rooms.db'}"
    with pytest.raises(DatabaseUnusable, match="There is no database"), open_archive(missing):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_database_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "rooms.db").write_text("no database " * 1000)
    none = f"sqlite:///{tmp_path / 'rooms.db'}"
    with pytest.raises(DatabaseUnusable, match=r"rooms\.db is not a database$"), open_archive(none):
        pass
