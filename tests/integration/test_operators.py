"""What an operator does to accounts beside a running server, and how soon the server knows."""

import sqlite3
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from tests.kit.api import Account
from tests.kit.operator import OperatorRefused, users
from tests.kit.people import By, People
from tests.kit.player import Player
from tests.kit.wire import Refused

PASSWORD = "correct horse"
HOSTS: list[tuple[str, dict[str, Any]]] = [
    ("UPDATE_GAME_ROOM_GROUP", {"name": "Swept"}),
    ("TRANSFER_HOST", {"user_id": "$guest"}),
    ("START_GAME", {}),
    ("KICK_MEMBER", {"user_id": "$guest", "ban": True}),
    ("CLOSE_GAME_ROOM_GROUP", {"reason": "swept"}),
]
"""All commands that an admin needs no join for, in an order in which a room lives through them."""


async def registered(people: People) -> Account:
    return await people.api.register(f"user-{uuid4().hex[:20]}", PASSWORD)


async def sign_in(people: People, account: Account) -> Account:
    """The same user, who has signed in by the password."""
    name = account.user["username"]
    tokens = await people.api.token(grant_type="password", username=name, password=PASSWORD)
    return Account(await people.api.me(tokens["access_token"]), tokens)


async def an_admin(people: People) -> Account:
    account = await registered(people)
    await users(people.server, "grant", account.user["username"], "admin")
    return account


async def refusal(answer: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        await answer
    return refused.value


async def gone_within_a_second(player: Player) -> tuple[int, str]:
    await player.gone(1.0)
    closed = await player.closed()
    return closed.code, closed.reason


# --- admins ---------------------------------------------------------------------------------------------------


async def test_an_admin_hosts_a_private_room_without_joining_it(people: People) -> None:
    host, guest = await people.newcomers("Host", "Guest")
    room_id = await host.create("tic-tac-toe", visibility="private")
    await guest.ask("JOIN_GAME_ROOM_GROUP", invite_code=host.room.view["invite_code"])
    for player in (host, guest):
        await player.ask("SET_READY", ready=True)
    admin = await people.connect(await an_admin(people))
    for command, fields in HOSTS:
        filled = {name: guest.user_id if value == "$guest" else value for name, value in fields.items()}
        assert (await admin.ask(command, room_id=room_id, **filled)).repeated is False
    assert (await host.until("GAME_ROOM_GROUP_CLOSED"))["data"]["by"] == admin.user_id
    assert (await guest.until("MEMBER_KICKED"))["data"]["by"] == admin.user_id


async def test_an_admin_closes_a_private_room_by_rest(people: People) -> None:
    host = await people.guest("Host")
    room_id = (await people.api.create_room(host, "relay", visibility="private"))["room"]["room_id"]
    admin = await an_admin(people)
    assert (await people.api.room_from_outside(admin, room_id))["room_id"] == room_id
    await people.api.close_room(admin, room_id)
    assert (await refusal(people.api.room(host, room_id))).code == "room_closed"


async def test_a_role_counts_at_once_on_rest_and_on_a_socket_with_its_next_credential(people: People) -> None:
    host, account = await people.newcomer("Host"), await registered(people)
    room_id = await host.create("relay", visibility="private")
    player = await people.connect(account)
    said = await users(people.server, "grant", account.user_id, "admin")
    assert said.endswith(
        "has the role admin now; an open socket has it once it connects or authenticates anew"
    )
    assert (await people.api.me(account.access_token))["roles"] == ["admin"]
    assert (await refusal(player.ask("CLOSE_GAME_ROOM_GROUP", room_id=room_id))).code == "room_not_found"
    await player.ask("AUTHENTICATE", access_token=account.access_token)
    await player.ask("CLOSE_GAME_ROOM_GROUP", room_id=room_id)


async def test_who_is_no_admin_any_more_is_signed_out_and_comes_back_without_the_right(
    people: People,
) -> None:
    host, account = await people.newcomer("Host"), await an_admin(people)
    room_id = await host.create("relay")
    player = await people.connect(account)
    ticket = await people.api.ticket(account)
    await users(people.server, "revoke", account.user["username"], "admin")
    assert await gone_within_a_second(player) == (4501, "signed_out")
    assert (await refusal(people.api.close_room(account, room_id))).code == "unauthenticated"
    assert (await refusal(people.knock(f"/ws?ticket={ticket}"))).code == "unauthenticated"
    assert (await refusal(people.api.refresh(account.refresh_token))).code == "unauthenticated"
    again = await sign_in(people, account)
    assert again.user["roles"] == []
    assert (await refusal(people.api.close_room(again, room_id))).code == "not_member"
    back = await people.connect(again)
    assert (await refusal(back.ask("CLOSE_GAME_ROOM_GROUP", room_id=room_id))).code == "not_member"


# --- who is kept out ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [By.HEADER, By.SUBPROTOCOL, By.TICKET, By.FIRST_FRAME], ids=str)
async def test_who_is_suspended_is_out_within_a_second_by_every_door(people: People, by: By) -> None:
    account = await registered(people)
    players = [await people.connect(account, by), await people.connect(await sign_in(people, account))]
    room_id = await players[0].create("relay")
    bound = await people.enter(account, room_id)
    until = "2100-01-01T00:00:00.000Z"
    said = await users(people.server, "suspend", account.user["username"], "--until", "2100-01-01")
    assert said.endswith(f"is suspended until {until}; open sockets close within a second")
    for player in (*players, bound):
        assert await gone_within_a_second(player) == (4502, "account_suspended")
    told = [
        await refusal(people.connect(account)),
        await refusal(people.api.me(account.access_token)),
        await refusal(people.api.refresh(account.refresh_token)),
        await refusal(sign_in(people, account)),
    ]
    assert {(each.code, each.status, each.params["until"]) for each in told} == {
        ("account_suspended", 403, until)
    }


async def test_a_suspension_ends_by_itself(people: People) -> None:
    account = await registered(people)
    await users(people.server, "suspend", account.user_id, "--for", "2h")
    assert (await refusal(sign_in(people, account))).code == "account_suspended"
    let_time_pass(people, account, hours=2)
    await people.connect(await sign_in(people, account))
    assert "suspended     no\n" in await users(people.server, "show", account.user_id)


def let_time_pass(people: People, account: Account, hours: int) -> None:
    """For this account's suspension only."""
    with closing(sqlite3.connect(people.server.data_dir / "gameroom.db")) as database, database:
        earlier = "UPDATE users SET suspended_until = suspended_until - ? WHERE user_id = ?"
        database.execute(earlier, (hours * 3_600_000, account.user_id))


async def test_a_guest_is_suspended_for_good_and_let_in_again(people: People) -> None:
    device = f"device-{uuid4()}"
    guest = await people.api.guest("Gus", device_id=device)
    come_back = {"device_id": device}
    await users(people.server, "suspend", guest.user_id)
    refused = await refusal(people.api.call("POST", "/auth/guest", 200, json=come_back))
    assert (refused.code, refused.params) == ("account_suspended", {"until": None})
    assert "suspended     for good\n" in await users(people.server, "show", guest.user_id)
    await users(people.server, "reinstate", guest.user_id)
    assert (await refusal(people.connect(guest))).code == "unauthenticated"  # its sign-ins stay ended
    body = await people.api.call("POST", "/auth/guest", 200, json=come_back)
    await people.connect(Account(body["user"], body["tokens"]))


async def test_who_is_signed_out_may_sign_in_again(people: People) -> None:
    account = await registered(people)
    player = await people.connect(account)
    await users(people.server, "sign-out", account.user["username"].upper())
    assert await gone_within_a_second(player) == (4501, "signed_out")
    assert (await refusal(people.api.me(account.access_token))).code == "unauthenticated"
    await people.connect(await sign_in(people, account))


async def test_nobody_else_is_touched(people: People) -> None:
    account, bystander = await registered(people), await people.newcomer()
    with pytest.raises(OperatorRefused, match=f'there is no user "{account.user_id}x"'):
        await users(people.server, "suspend", f"{account.user_id}x")
    await users(people.server, "suspend", account.user_id)
    with pytest.raises(TimeoutError):
        await bystander.gone(1.5)
