"""What rooms hear when a member's account changes or ends, from the REST call to the sockets of the others."""

from tests.kit.people import People


async def test_a_new_name_is_seen_in_the_rooms_at_once(people: People) -> None:
    ada, ben = await people.guests("Ada", "Ben")
    alice, bob = await people.connect(ada), await people.connect(ben)
    room_id = await alice.create("tic-tac-toe")
    await bob.join(room_id)
    await people.api.update_me(ben, display_name="Benjamin", avatar_url="https://example.org/ben.png")
    for player in (alice, bob):
        event = await player.until("MEMBER_UPDATED", user_id=bob.user_id, changed=["profile"])
        assert {operation["path"] for operation in event["patch"]} == {
            f"/members/{bob.user_id}/display_name",
            f"/members/{bob.user_id}/avatar_url",
        }
        assert player.room.view["members"][bob.user_id]["display_name"] == "Benjamin"


async def test_the_new_name_comes_along_into_the_next_room(people: People) -> None:
    ada, ben = await people.guests("Ada", "Ben")
    alice, bob = await people.connect(ada), await people.connect(ben)
    await people.api.update_me(ben, display_name="Benjamin")
    await bob.join(await alice.create("relay"))
    joined = await alice.until("MEMBER_JOINED", user_id=bob.user_id)
    assert joined["data"]["member"]["display_name"] == "Benjamin"


async def test_who_deletes_the_account_leaves_its_rooms(people: People) -> None:
    ada, ben = await people.guests("Ada", "Ben")
    alice, bob = await people.connect(ada), await people.connect(ben)
    room_id = await bob.create("tic-tac-toe")
    await alice.join(room_id)
    await people.api.delete_me(ben)
    await alice.until("MEMBER_LEFT", user_id=bob.user_id, reason="account_deleted")
    assert alice.room.view["host_id"] == alice.user_id
    assert bob.user_id not in alice.room.view["members"]
    assert (await bob.closed()).code == 4501
