"""What every placement promises; see `rooms.placement.Placement`."""

import asyncio

import pytest
from msgspec import structs

from gameroom.rooms.journal import Fenced, Listing
from tests.contract.room_stores import Stores, birth, listing, record, unit

NOW = 1_000_000


async def create(stores: Stores, room_id: str, listed: Listing | None = None, home: str = "node-a") -> None:
    await stores.journal.create(birth(room_id, listed=listed, home=home))


async def relist(stores: Stores, listed: Listing, seq: int = 2) -> None:
    await stores.journal.append(unit(record(listed.summary.room_id, seq), listing=listed))


async def neglected(stores: Stores, node: str, now: int = NOW, limit: int = 10) -> list[str]:
    return await stores.placement.neglected(node, ["relay"], now, limit)


# --- claim and release ----------------------------------------------------------------------------------------


async def test_a_claim_raises_the_term_and_tells_the_game(stores: Stores) -> None:
    await create(stores, "r")
    claims = [await stores.placement.claim("r", node) for node in ("node-b", "node-a", "node-a")]
    assert [claim.term for claim in claims if claim] == [2, 3, 4]
    assert {(claim.room_id, claim.game) for claim in claims if claim} == {("r", "relay")}


async def test_there_is_no_claim_to_a_room_that_is_not_there(stores: Stores) -> None:
    assert await stores.placement.claim("nowhere", "node-a") is None


async def test_the_game_of_a_room_is_told_and_the_room_left_as_it_is(stores: Stores) -> None:
    await create(stores, "r")
    await stores.placement.release("r", 1)
    assert await stores.placement.game_of("r") == "relay"
    assert await stores.placement.game_of("nowhere") is None
    claim = await stores.placement.claim("r", "node-b")
    assert claim is not None
    assert (claim.term, claim.clean) == (2, True)


async def test_claims_at_once_get_terms_of_their_own(stores: Stores) -> None:
    await create(stores, "r")
    claims = await asyncio.gather(*(stores.placement.claim("r", f"node-{n}") for n in range(10)))
    assert sorted(claim.term for claim in claims if claim) == list(range(2, 12))


async def test_a_room_is_clean_only_right_after_its_release(stores: Stores) -> None:
    await create(stores, "r")
    await stores.placement.release("r", 1)
    claims = [await stores.placement.claim("r", "node-b") for _ in range(2)]
    assert [claim.clean for claim in claims if claim] == [True, False]


async def test_a_room_taken_from_a_dead_owner_is_not_clean(stores: Stores) -> None:
    await create(stores, "r")
    claim = await stores.placement.claim("r", "node-b")
    assert claim is not None
    assert not claim.clean


async def test_a_former_owner_cannot_release(stores: Stores) -> None:
    await create(stores, "r", listing("r", due=NOW))
    claim = await stores.placement.claim("r", "node-b")
    assert claim is not None
    await stores.placement.release("r", 1)
    assert await neglected(stores, "node-b") == []
    await stores.journal.append(unit(record("r", 2, term=claim.term)))


async def test_after_a_release_nothing_of_that_term_is_stored(stores: Stores) -> None:
    await create(stores, "r")
    await stores.placement.release("r", 1)
    with pytest.raises(Fenced):
        await stores.journal.append(unit(record("r", 2)))
    await stores.placement.release("r", 1)
    await stores.placement.release("nowhere", 1)


async def test_a_release_outlives_a_restart(stores: Stores) -> None:
    await create(stores, "r")
    await stores.placement.release("r", 1)
    await stores.reopen()
    claim = await stores.placement.claim("r", "node-b")
    assert claim is not None
    assert (claim.term, claim.clean) == (2, True)


@pytest.mark.parametrize("clean", [True, False])
async def test_a_claim_that_is_taken_back_leaves_the_room_as_clean_as_it_was(
    stores: Stores, clean: bool
) -> None:
    await create(stores, "r")
    if clean:
        await stores.placement.release("r", 1)
    for node in ("node-b", "node-c"):
        claim = await stores.placement.claim("r", node)
        assert claim is not None
        assert claim.clean == clean
        await stores.placement.unclaim(claim)
        assert await neglected(stores, node) == ["r"]
        with pytest.raises(Fenced):
            await stores.journal.append(unit(record("r", 2, term=claim.term)))


async def test_a_claim_that_another_has_followed_cannot_be_taken_back(stores: Stores) -> None:
    await create(stores, "r")
    former = await stores.placement.claim("r", "node-b")
    present = await stores.placement.claim("r", "node-c")
    assert former is not None
    assert present is not None
    await stores.placement.unclaim(former)
    await stores.journal.append(unit(record("r", 2, term=present.term)))


async def test_a_closed_room_can_be_claimed(stores: Stores) -> None:
    await create(stores, "r")
    await relist(stores, listing("r", status="closed"))
    claim = await stores.placement.claim("r", "node-b")
    assert claim is not None
    assert claim.term == 2


# --- neglected ------------------------------------------------------------------------------------------------


async def test_due_rooms_come_first_the_longest_due_before_all(stores: Stores) -> None:
    await create(stores, "a", listing("a", occupied=True, due=NOW + 1))
    await create(stores, "b", listing("b", occupied=False, due=NOW))
    await create(stores, "c", listing("c", occupied=True, due=NOW - 5000))
    await create(stores, "d", listing("d", occupied=True))
    found = await neglected(stores, "node-b")
    assert found == ["c", "b", "a", "d"]
    assert await neglected(stores, "node-b", limit=3) == found[:3]
    assert await neglected(stores, "node-b", limit=1) == found[:1]


async def test_a_room_that_nobody_waits_for_is_not_neglected(stores: Stores) -> None:
    await create(stores, "a", listing("a", occupied=False))
    await create(stores, "b", listing("b", occupied=False, due=NOW + 1))
    assert await neglected(stores, "node-b") == []
    assert await neglected(stores, "node-b", NOW + 1) == ["b"]


async def test_a_node_does_not_neglect_what_it_runs(stores: Stores) -> None:
    await create(stores, "mine", home="node-a")
    await create(stores, "yours", home="node-b")
    assert await neglected(stores, "node-a") == ["yours"]
    await stores.placement.release("mine", 1)
    assert await neglected(stores, "node-a") == ["mine", "yours"]
    await stores.placement.claim("yours", "node-a")
    assert await neglected(stores, "node-a") == ["mine"]


async def test_rooms_of_other_games_do_not_fill_the_list(stores: Stores) -> None:
    for room_id in ("a", "b", "c"):
        await create(stores, room_id, listing(room_id, due=NOW))
    board = structs.replace(listing("d"), summary=structs.replace(listing("d").summary, game="chess"))
    await create(stores, "d", board)
    assert await stores.placement.neglected("node-b", ["chess"], NOW, 3) == ["d"]
    assert await stores.placement.neglected("node-b", ["chess", "relay"], NOW, 9) == ["a", "b", "c", "d"]
    assert await stores.placement.neglected("node-b", [], NOW, 9) == []


async def test_a_closed_room_is_not_neglected(stores: Stores) -> None:
    await create(stores, "r")
    await relist(stores, listing("r", status="closed", due=NOW))
    assert await neglected(stores, "node-b") == []


async def test_an_append_tells_what_is_due_and_who_is_there(stores: Stores) -> None:
    await create(stores, "r", listing("r", occupied=False))
    await relist(stores, listing("r", occupied=False, due=NOW))
    assert await neglected(stores, "node-b") == ["r"]
    await stores.journal.append(unit(record("r", 3), listing=listing("r", occupied=False)))
    assert await neglected(stores, "node-b") == []
    await stores.journal.append(unit(record("r", 4), listing=listing("r", occupied=True)))
    await stores.journal.append(unit(record("r", 5)))
    assert await neglected(stores, "node-b") == ["r"]


# --- finding rooms --------------------------------------------------------------------------------------------


async def test_an_open_room_is_found_by_its_present_code(stores: Stores) -> None:
    await create(stores, "r", listing("r", code="OLD"))
    await relist(stores, listing("r", code="NEW"))
    assert await stores.placement.room_of_code("NEW") == "r"
    assert await stores.placement.room_of_code("OLD") is None
    await relist(stores, listing("r", code="NEW", status="closed"), seq=3)
    assert await stores.placement.room_of_code("NEW") is None


async def test_a_user_has_the_open_rooms_it_is_a_member_of(stores: Stores) -> None:
    for room_id in ("a", "b", "c"):
        await create(stores, room_id, listing(room_id, members=("ann", "bob")))
    await relist(stores, listing("a", members=("bob",)))
    await relist(stores, listing("b", members=("bob", "cat", "ann")))
    await relist(stores, listing("c", members=("ann", "bob"), status="closed"))
    assert await stores.placement.rooms_of("ann") == ["b"]
    assert await stores.placement.rooms_of("bob") == ["a", "b"]
    assert await stores.placement.rooms_of("cat") == ["b"]
    assert await stores.placement.rooms_of("dan") == []


async def test_the_listing_of_a_fenced_unit_changes_nothing(stores: Stores) -> None:
    await create(stores, "r", listing("r", code="OLD"))
    await stores.placement.claim("r", "node-b")
    with pytest.raises(Fenced):
        await relist(stores, listing("r", code="NEW", members=("bob",), status="closed"))
    assert await stores.placement.room_of_code("OLD") == "r"
    assert await stores.placement.rooms_of("ann") == ["r"]
