"""What every directory promises; see `rooms.directory.Directory`."""

from typing import Any

import pytest
from msgspec.structs import replace

from gameroom.protocol.views import RoomSummary
from gameroom.rooms.directory import Place, Wanted
from gameroom.rooms.journal import Listing
from tests.contract.room_stores import Stores, birth, listing, record, unit

ALL = Wanted()
MANY = 200


def listed(room_id: str, *, minute: int = 0, visibility: str = "public", **summary: Any) -> Listing:
    """A room that was made in this minute; `summary` as strangers see it."""
    shown = listing(room_id)
    at = f"2026-11-24T00:{minute:02}:00.000Z"
    return replace(
        shown, visibility=visibility, summary=replace(shown.summary, **{"created_at": at, **summary})
    )


async def create(stores: Stores, room_id: str, **shown: Any) -> RoomSummary:
    room = listed(room_id, **shown)
    await stores.journal.create(birth(room_id, listed=room))
    return room.summary


async def ids(stores: Stores, wanted: Wanted = ALL, limit: int = MANY, after: Place | None = None) -> str:
    return " ".join(room.room_id for room in await stores.directory.newest(wanted, limit, after))


async def test_rooms_are_shown_as_strangers_may_see_them(stores: Stores) -> None:
    room = await create(
        stores,
        "r",
        name="Süße Räume",
        game="tic-tac-toe",
        status="playing",
        player_count=2,
        max_players=2,
        spectator_count=3,
        locked=True,
        has_password=True,
    )
    assert await stores.directory.newest(ALL, MANY) == [room]


async def test_the_newest_come_first_and_the_id_decides_between_twins(stores: Stores) -> None:
    for room_id, minute in (("b", 1), ("a", 2), ("c", 1), ("d", 0)):
        await create(stores, room_id, minute=minute)
    assert await ids(stores) == "a c b d"
    assert await ids(stores, limit=2) == "a c"


async def test_only_public_open_rooms_are_listed(stores: Stores) -> None:
    await create(stores, "public")
    await create(stores, "unlisted", visibility="unlisted")
    await create(stores, "private", visibility="private")
    await create(stores, "closed", status="closed")
    assert await ids(stores) == "public"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(game="relay"), "d c b a"),
        (Wanted(game="chess"), "e"),
        (Wanted(game="go"), ""),
        (Wanted(status="waiting"), "e b a"),
        (Wanted(status="playing"), "d c"),
        (Wanted(has_space=True), "e c a"),
        (Wanted(has_space=False), "d b"),
        (Wanted(game="relay", status="playing", has_space=True), "c"),
    ],
    ids=str,
)
async def test_what_is_wanted_is_found(stores: Stores, wanted: Wanted, found: str) -> None:
    await create(stores, "a", minute=1, player_count=1, max_players=2)
    await create(stores, "b", minute=2, player_count=2, max_players=2)
    await create(stores, "c", minute=3, player_count=1, max_players=2, status="playing")
    await create(stores, "d", minute=4, player_count=2, max_players=2, status="playing")
    await create(stores, "e", minute=5, player_count=0, max_players=1, game="chess")
    assert await ids(stores, wanted) == found


async def test_an_append_tells_what_has_become_of_a_room(stores: Stores) -> None:
    await create(stores, "r")
    for seq, change in enumerate(({"status": "playing"}, {"player_count": 4}, {"name": "Other"}), start=2):
        changed = listed("r", **change)
        await stores.journal.append(unit(record("r", seq), listing=changed))
        assert await stores.directory.newest(ALL, MANY) == [changed.summary]
    await stores.journal.append(unit(record("r", 5), listing=listed("r", visibility="private")))
    assert await ids(stores) == ""
    await stores.journal.append(unit(record("r", 6), listing=listed("r")))
    assert await ids(stores) == "r"
    await stores.journal.append(unit(record("r", 7), listing=listed("r", status="closed")))
    assert await ids(stores) == ""


async def test_a_place_holds_though_its_room_is_gone(stores: Stores) -> None:
    for room_id, minute in (("a", 1), ("b", 2), ("c", 3)):
        await create(stores, room_id, minute=minute)
    [c, b] = await stores.directory.newest(ALL, 2)
    await stores.journal.append(unit(record("b", 2), listing=listed("b", minute=2, status="closed")))
    assert await ids(stores, after=Place.of(b)) == "a"
    assert await ids(stores, after=Place.of(c)) == "a"


async def test_pages_miss_and_double_nothing_while_rooms_are_made(stores: Stores) -> None:
    """Two rooms a minute, so that pages end between rooms of the same moment too; a newer one after each page."""
    made = [f"r{n:02}" for n in range(20)]
    for n, room_id in enumerate(made):
        await create(stores, room_id, minute=n // 2)
    read: list[str] = []
    place: Place | None = None
    while page := await stores.directory.newest(ALL, 3, place):
        read += [room.room_id for room in page]
        place = Place.of(page[-1])
        await create(stores, f"new{len(read)}", minute=30 + len(read))
    assert read == sorted(made, reverse=True)


async def test_the_directory_outlives_a_restart(stores: Stores) -> None:
    await create(stores, "r")
    await stores.reopen()
    assert await ids(stores) == "r"
