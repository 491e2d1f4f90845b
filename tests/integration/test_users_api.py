"""The own account over REST at a real server, and what the sockets and rooms of its owner see of that."""

import asyncio
from uuid import uuid4

import pytest

from tests.kit.api import Account, bearer
from tests.kit.people import By, People
from tests.kit.wire import Json, Refused

PASSWORD, OTHER = "correct horse battery", "another horse battery"
PICTURE = "https://example.org/ada.png"


def fresh_name() -> str:
    return f"ada-{uuid4().hex[:12]}"


def fresh_device() -> str:
    return f"device-{uuid4().hex}"


async def full_account(people: People) -> Account:
    return await people.api.register(fresh_name(), PASSWORD)


async def signed_in_again(people: People, account: Account, password: str = PASSWORD) -> Account:
    """Another sign-in of the same user."""
    tokens = await people.api.token(
        grant_type="password", username=str(account.user["username"]), password=password
    )
    return Account(account.user, tokens)


async def refusal(people: People, method: str, path: str, account: Account, **body: object) -> Refused:
    with pytest.raises(Refused) as told:
        await people.api.call(method, path, 200, json=body, headers=bearer(account.access_token))
    return told.value


async def assert_signed_out(people: People, account: Account) -> None:
    with pytest.raises(Refused) as told:
        await people.api.me(account.access_token)
    assert (told.value.status, told.value.code) == (401, "unauthenticated")
    with pytest.raises(Refused) as told:
        await people.api.refresh(account.refresh_token)
    assert (told.value.status, told.value.code) == (401, "unauthenticated")


# --- the profile ----------------------------------------------------------------------------------------------


async def test_given_fields_are_replaced_whole_and_the_rest_stays(people: People) -> None:
    ada = await full_account(people)
    before = ada.user
    changed = await people.api.update_me(ada, display_name="Ada L.", metadata={"level": 1, "old": [1, None]})
    assert changed == {**before, "display_name": "Ada L.", "metadata": {"level": 1, "old": [1, None]}}
    changed = await people.api.update_me(ada, avatar_url=PICTURE, metadata={"level": 2})
    assert changed == {
        **before,
        "display_name": "Ada L.",
        "avatar_url": PICTURE,
        "metadata": {"level": 2},
    }
    assert await people.api.update_me(ada, avatar_url=None) == {**changed, "avatar_url": None}
    assert await people.api.update_me(ada) == await people.api.me(ada.access_token)


async def test_the_profile_of_a_guest_comes_back_with_its_device(people: People) -> None:
    device = fresh_device()
    gus = await people.api.guest("Gus", device_id=device)
    changed = await people.api.update_me(gus, display_name="G.", avatar_url=PICTURE)
    body = await people.api.call("POST", "/auth/guest", 200, json={"device_id": device, "display_name": "X"})
    assert body["user"] == changed


async def test_an_open_socket_joins_with_the_new_card(people: People) -> None:
    ada, host = await people.guest("Ada"), await people.newcomer("Host")
    player = await people.connect(ada)
    await people.api.update_me(ada, display_name="Ada L.", avatar_url=PICTURE)
    await player.join(await host.create("relay"))
    joined = await host.expect("MEMBER_JOINED", user_id=ada.user_id)
    card = {name: joined["data"]["member"][name] for name in ("display_name", "avatar_url")}
    assert card == {"display_name": "Ada L.", "avatar_url": PICTURE}


async def test_welcome_shows_the_user_as_of_now(people: People) -> None:
    ada = await people.guest("Ada")
    changed = await people.api.update_me(ada, display_name="Ada L.")
    assert (await people.connect(ada)).welcome["user"] == changed


# --- the password ---------------------------------------------------------------------------------------------


async def test_a_new_password_ends_the_other_sign_ins_and_their_sockets(people: People) -> None:
    mine = await full_account(people)
    other = await signed_in_again(people, mine)
    here, there = [await people.connect(account) for account in (mine, other)]
    await people.api.change_password(mine, PASSWORD, OTHER)
    await there.gone(1.5)
    closed = await there.closed()
    assert (closed.code, closed.reason) == (4501, "signed_out")
    await assert_signed_out(people, other)
    await here.ask("PING")
    assert await people.api.me(mine.access_token) == mine.user
    assert await people.api.refresh(mine.refresh_token)
    assert await signed_in_again(people, mine, OTHER)
    with pytest.raises(Refused) as told:
        await signed_in_again(people, mine, PASSWORD)
    assert told.value.code == "invalid_credentials"
    assert not [secret for secret in (PASSWORD, OTHER) if secret in people.server.log]


async def test_a_wrong_current_password_ends_no_sign_in(people: People) -> None:
    ada = await full_account(people)
    other = await signed_in_again(people, ada)
    told = await refusal(
        people, "POST", "/users/me/password", ada, current_password="wrong", new_password=OTHER
    )
    assert (told.status, told.code) == (401, "invalid_credentials")
    assert await people.api.me(other.access_token) == ada.user


async def test_a_guest_has_no_password_to_change(people: People) -> None:
    gus = await people.guest()
    told = await refusal(people, "POST", "/users/me/password", gus, current_password="", new_password=OTHER)
    assert (told.status, told.code, told.params) == (403, "forbidden", {"reason": "guest"})


# --- the upgrade ----------------------------------------------------------------------------------------------


async def test_a_guest_becomes_a_full_account_and_stays_who_it_is(people: People) -> None:
    device, name = fresh_device(), fresh_name()
    gus = await people.api.guest("Gus", device_id=device)
    player = await people.connect(gus)
    room_id = await player.create("relay")
    full = await people.api.upgrade(gus, name, PASSWORD)
    assert full.user == {**gus.user, "username": name, "guest": False}
    await player.act("send", data="still here")
    await player.until("GAME_UPDATED")
    assert player.room.room_id == room_id
    assert await people.api.me(gus.access_token) == full.user
    assert (await signed_in_again(people, full)).user == full.user
    body = await people.api.call("POST", "/auth/guest", 200, json={"device_id": device})
    assert body["user"] == full.user


async def test_an_upgrade_whose_answer_was_lost_can_be_sent_again(people: People) -> None:
    gus, name = await people.guest(), fresh_name()
    first = await people.api.upgrade(gus, name, PASSWORD)
    again = await people.api.upgrade(gus, name, PASSWORD)
    assert again.user == first.user
    for each in (first, again):
        assert await people.api.refresh(each.refresh_token)


async def test_a_full_account_is_not_upgraded_again(people: People) -> None:
    ada = await full_account(people)
    for name, password in ((fresh_name(), PASSWORD), (str(ada.user["username"]), OTHER)):
        told = await refusal(people, "POST", "/users/me/upgrade", ada, username=name, password=password)
        assert (told.status, told.code) == (409, "conflict")


async def test_a_name_that_is_taken_leaves_the_guest_a_guest(people: People) -> None:
    ada, gus = await full_account(people), await people.guest("Gus")
    name = str(ada.user["username"]).upper()
    told = await refusal(people, "POST", "/users/me/upgrade", gus, username=name, password=PASSWORD)
    assert (told.status, told.code) == (409, "username_taken")
    assert await people.api.me(gus.access_token) == gus.user


# --- the end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [By.HEADER, By.TICKET, By.FIRST_FRAME], ids=lambda by: by.name.lower())
async def test_a_deleted_account_closes_its_sockets_within_a_second(people: People, by: By) -> None:
    ada = await full_account(people)
    other = await signed_in_again(people, ada)
    players = [await people.connect(ada, by), await people.connect(other)]
    await people.api.delete_me(ada)
    for player in players:
        await player.gone(1.5)
        closed = await player.closed()
        assert (closed.code, closed.reason) == (4501, "signed_out")
    for account in (ada, other):
        await assert_signed_out(people, account)


async def test_nothing_opens_a_deleted_account(people: People) -> None:
    device, name = fresh_device(), fresh_name()
    gus = await people.api.guest("Gus", device_id=device)
    full = await people.api.upgrade(gus, name, PASSWORD)
    ticket = await people.api.ticket(full)
    await people.api.delete_me(full)
    with pytest.raises(Refused) as told:
        await people.knock(f"/ws?ticket={ticket}")
    assert (told.value.status, told.value.code) == (401, "unauthenticated")
    with pytest.raises(Refused) as told:
        await signed_in_again(people, full)
    assert told.value.code == "invalid_credentials"
    newcomer = await people.api.guest("Gus", device_id=device)
    assert newcomer.user_id != gus.user_id
    namesake = await people.api.register(name.upper(), PASSWORD)
    assert namesake.user_id != gus.user_id


async def test_an_idempotency_key_of_a_deleted_account_makes_another(people: People) -> None:
    body = {"username": fresh_name(), "password": PASSWORD}
    headers = {"Idempotency-Key": uuid4().hex}
    first = await people.api.call("POST", "/auth/register", 201, json=body, headers=headers)
    await people.api.delete_me(Account(first["user"], first["tokens"]))
    again = await people.api.call("POST", "/auth/register", 201, json=body, headers=headers)
    assert again["user"]["user_id"] != first["user"]["user_id"]


async def test_deleting_twice_is_a_401(people: People) -> None:
    gus = await people.guest()
    answers = await asyncio.gather(
        *[
            people.api.request("DELETE", "/api/v1/users/me", headers=bearer(gus.access_token))
            for _ in range(4)
        ]
    )
    assert {answer.status_code for answer in answers} <= {204, 401}
    assert 204 in {answer.status_code for answer in answers}
    await assert_signed_out(people, gus)


async def test_a_deletion_races_with_everything_else_and_nothing_breaks(people: People) -> None:
    device = fresh_device()
    gus = await people.api.guest("Gus", device_id=device)
    headers = bearer(gus.access_token)
    upgrade: Json = {"username": fresh_name(), "password": PASSWORD}
    race = [
        people.api.request("POST", "/api/v1/auth/guest", json={"device_id": device}),
        people.api.request("PATCH", "/api/v1/users/me", json={"display_name": "G"}, headers=headers),
        people.api.request("POST", "/api/v1/users/me/upgrade", json=upgrade, headers=headers),
        people.api.request("POST", "/api/v1/auth/refresh", json={"refresh_token": gus.refresh_token}),
        people.api.request("DELETE", "/api/v1/users/me", headers=headers),
        people.api.request("POST", "/api/v1/auth/ws-ticket", headers=headers),
        people.api.request("POST", "/api/v1/auth/guest", json={"device_id": device}),
    ]
    answers = await asyncio.gather(*race)
    assert {answer.status_code for answer in answers} <= {200, 201, 204, 401}
    await assert_signed_out(people, gus)
