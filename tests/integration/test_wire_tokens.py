"""Tokens during the life of a socket: expiry, renewal, and the end of a sign-in."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.conftest import HASTY_SIGN_INS, Servers
from tests.kit.api import Account
from tests.kit.people import By, People, gathering
from tests.kit.player import Player
from tests.kit.server import Server
from tests.kit.ways import pairwise
from tests.kit.wire import Refused

pytestmark = pairwise
TTL = 3


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose access tokens live `TTL` seconds."""
    with Server(tmp_path_factory.mktemp("brief"), access_token_ttl_s=TTL, **HASTY_SIGN_INS) as server:
        yield server


async def renew(people: People, player: Player, account: Account) -> None:
    """Refresh over REST, then say the new token on the open socket."""
    account.tokens = await people.api.refresh(account.refresh_token)
    reply = await player.ask("AUTHENTICATE", access_token=account.access_token)
    assert 0 < reply.data["token_expires_in"] <= account.tokens["expires_in"]


# --- expiry ---------------------------------------------------------------------------------------------------


async def test_a_token_that_ends_closes_4001(brief: Server) -> None:
    """Reading: a token with less than 60 s left is announced at once."""
    async with gathering(brief) as people:
        player = await people.newcomer()
        expiring = await player.expect("TOKEN_EXPIRING")
        assert 0 <= expiring["expires_in"] <= TTL
        began = asyncio.get_running_loop().time()
        closed = await player.closed()
        assert (closed.code, closed.reason) == (4001, "token_expired")
        assert asyncio.get_running_loop().time() - began > TTL - 2


async def test_a_renewed_token_keeps_the_socket(brief: Server) -> None:
    async with gathering(brief) as people:
        account = await people.guest("Alice")
        player = await people.connect(account)
        room_id = await player.create("relay")
        for _ in range(3):
            await asyncio.sleep(TTL / 2)  # time itself is what is tested
            await renew(people, player, account)
        await player.act("send", data="still here")
        await player.until("GAME_UPDATED")
        assert player.room.room_id == room_id
        assert (await player.closed()).code == 4001


async def test_a_token_is_announced_60_s_before_it_ends(servers: Servers) -> None:
    async with gathering(servers.start(access_token_ttl_s=62)) as people:
        player = await people.newcomer()
        loop = asyncio.get_running_loop()
        began = loop.time()
        expiring = await player.expect("TOKEN_EXPIRING")
        assert 0.5 < loop.time() - began < 5
        assert 55 <= expiring["expires_in"] <= 61


# --- renewal --------------------------------------------------------------------------------------------------


async def test_only_the_same_user_may_renew(people: People) -> None:
    alice, mallory = await people.guests("Alice", "Mallory")
    player = await people.connect(alice)
    with pytest.raises(Refused) as refused:
        await player.ask("AUTHENTICATE", access_token=mallory.access_token)
    assert refused.value.code == "forbidden"
    assert "reason" in refused.value.params
    await player.create("relay")


@pytest.mark.parametrize("token", ["", "made.up.token", "x" * 5000], ids=["empty", "junk", "long"])
async def test_a_failed_renewal_changes_nothing(people: People, token: str) -> None:
    player = await people.newcomer()
    room_id = await player.create("relay")
    with pytest.raises(Refused) as refused:
        await player.ask("AUTHENTICATE", access_token=token)
    assert refused.value.code == "unauthenticated"
    await player.ask("SEND_CHAT", room_id=room_id, text="still in")
    await player.expect("CHAT_MESSAGE")


async def test_after_renewal_the_socket_belongs_to_the_new_sign_in(people: People) -> None:
    device = f"device-{uuid4()}"
    first = await people.api.guest("Alice", device_id=device)
    body = await people.api.call("POST", "/auth/guest", 200, json={"device_id": device})
    second = Account(body["user"], body["tokens"])
    player = await people.connect(first)
    await player.ask("AUTHENTICATE", access_token=second.access_token)
    await people.api.logout(first.refresh_token)
    with pytest.raises(TimeoutError):
        await player.gone(1.5)
    await people.api.logout(second.refresh_token)
    closed = await player.closed()
    assert (closed.code, closed.reason) == (4501, "signed_out")


# --- the end of a sign-in -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "by", [By.HEADER, By.SUBPROTOCOL, By.TICKET, By.FIRST_FRAME], ids=lambda by: by.name.lower()
)
async def test_logout_closes_the_sockets_of_the_sign_in_within_a_second(people: People, by: By) -> None:
    account = await people.guest("Alice")
    player = await people.connect(account, by)
    await people.api.logout(account.refresh_token)
    await player.gone(1.5)
    closed = await player.closed()
    assert (closed.code, closed.reason) == (4501, "signed_out")
    with pytest.raises(Refused) as refused:
        await people.connect(account)
    assert (refused.value.status, refused.value.code) == (401, "unauthenticated")


async def test_logout_leaves_the_sockets_of_other_sign_ins(people: People) -> None:
    device = f"device-{uuid4()}"
    first = await people.api.guest("Alice", device_id=device)
    body = await people.api.call("POST", "/auth/guest", 200, json={"device_id": device})
    other = await people.connect(Account(body["user"], body["tokens"]))
    gone = await people.connect(first)
    await people.api.logout(first.refresh_token)
    assert (await gone.closed()).code == 4501
    await other.ask("PING")


async def test_reuse_closes_the_sockets_of_the_sign_in(people: People) -> None:
    account = await people.guest("Alice")
    player = await people.connect(account)
    second = await people.api.refresh(account.refresh_token)
    await people.api.refresh(second["refresh_token"])
    with pytest.raises(Refused):
        await people.api.refresh(account.refresh_token)
    await player.gone(1.5)
    assert (await player.closed()).code == 4501


async def test_a_ticket_dies_with_its_sign_in(people: People) -> None:
    account = await people.guest("Alice")
    ticket = await people.api.ticket(account)
    player = await people.connect(account)
    await people.api.logout(account.refresh_token)
    await player.closed()  # so the end of the sign-in has arrived
    with pytest.raises(Refused) as refused:
        await people.knock(f"/ws?ticket={ticket}")
    assert (refused.value.status, refused.value.code) == (401, "unauthenticated")


async def test_signing_out_keeps_the_seat_for_its_grace_period(people: People) -> None:
    """A closed socket has left no room, whatever closed it."""
    host = await people.newcomer("Host")
    room_id = await host.create("relay")
    account = await people.guest("Alice")
    player = await people.connect(account)
    await player.join(room_id)
    await people.api.logout(account.refresh_token)
    await player.closed()
    await host.until("MEMBER_DISCONNECTED", user_id=account.user_id)
    assert host.room.members[account.user_id]["connected"] is False
