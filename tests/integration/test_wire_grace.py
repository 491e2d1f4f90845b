"""A closed socket has left no room: the grace period, returning within it, and what its end does."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import pytest

from tests.conftest import HASTY_SIGN_INS
from tests.kit.people import People, gathering
from tests.kit.player import Player
from tests.kit.server import Server
from tests.kit.tables import play, sit_down
from tests.kit.ways import Way, pairwise
from tests.kit.wire import Json

pytestmark = pairwise
GRACE = timedelta(milliseconds=1_500)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that keeps a seat for `GRACE` only."""
    grace_ms = int(GRACE.total_seconds() * 1000)
    folder = tmp_path_factory.mktemp("impatient")
    with Server(folder, grace_ms=grace_ms, empty_room_ttl_s=2, **HASTY_SIGN_INS) as server:
        yield server


@pytest.fixture
async def hurried(impatient: Server, way: Way) -> AsyncIterator[People]:
    """People at the impatient server."""
    async with gathering(impatient, way) as people:
        yield people


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def lasts_the_grace(event: Json) -> None:
    """`reserved_until` is one grace period after the event."""
    kept = moment_of(event["data"]["reserved_until"]) - moment_of(event["at"])
    assert abs(kept - GRACE) < timedelta(milliseconds=50)


async def leave_by(end: str, player: Player) -> None:
    """Go away without a LEAVE."""
    await (player.drop() if end == "dropped" else player.close())


@pytest.mark.parametrize("end", ["dropped", "closed"])
async def test_a_closed_socket_reserves_the_seat_until_grace_ends(hurried: People, end: str) -> None:
    game = await sit_down(hurried)
    alice, bob = game.seats
    assert alice.room.view["grace_ms"] == 1_500
    await leave_by(end, bob)
    gone = await alice.expect("MEMBER_DISCONNECTED", user_id=bob.user_id)
    lasts_the_grace(gone)
    member = alice.room.members[bob.user_id]
    assert (member["connected"], member["seat"]) == (False, 1)
    assert member["reserved_until"] == gone["data"]["reserved_until"]
    left = await alice.expect("MEMBER_LEFT", user_id=bob.user_id, reason="timeout")
    assert moment_of(left["at"]) >= moment_of(gone["data"]["reserved_until"])
    assert list(alice.room.members) == [alice.user_id]


async def test_returning_within_grace_takes_the_same_seat(hurried: People) -> None:
    alice = await hurried.newcomer("Alice")
    account = await hurried.guest("Bob")
    bob = await hurried.connect(account)
    room_id = await alice.create("tic-tac-toe")
    await bob.join(room_id)
    await alice.expect("MEMBER_JOINED")
    await bob.drop()
    await alice.expect("MEMBER_DISCONNECTED")
    back = await hurried.return_to(account, bob.room)
    await alice.expect("MEMBER_RECONNECTED", user_id=account.user_id)
    member = alice.room.members[account.user_id]
    assert (member["connected"], member["seat"]) == (True, 1)
    assert "reserved_until" not in member
    assert [frame["type"] for frame in [await back.next(), await back.next()]] == [
        "MEMBER_DISCONNECTED",
        "MEMBER_RECONNECTED",
    ]
    await stays(alice, account.user_id)


async def stays(witness: Player, user_id: str) -> None:
    """A whole grace period later the member is still there: the old timer did not fire."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(GRACE.total_seconds() + 0.7):
            await witness.until("MEMBER_LEFT")
    assert witness.room.members[user_id]["connected"] is True


async def test_who_made_a_room_over_rest_must_come_to_it_within_grace(hurried: People) -> None:
    absent = await hurried.guest("Absent")
    room = (await hurried.api.create_room(absent, "relay"))["room"]
    kept = moment_of(room["members"][absent.user_id]["reserved_until"]) - moment_of(room["created_at"])
    assert kept == GRACE
    bob = await hurried.newcomer("Bob")
    await bob.join(room["room_id"])
    await bob.expect("MEMBER_LEFT", user_id=absent.user_id, reason="timeout")
    await bob.expect("HOST_CHANGED", host_id=bob.user_id)


async def test_leaving_again_after_a_return_begins_a_new_grace_period(hurried: People) -> None:
    alice = await hurried.newcomer("Alice")
    account = await hurried.guest("Bob")
    room_id = await alice.create("relay")
    for _ in range(2):
        bob = await hurried.connect(account)
        await bob.join(room_id)
        await bob.drop()
        lasts_the_grace(await alice.until("MEMBER_DISCONNECTED", user_id=account.user_id))
    await alice.expect("MEMBER_LEFT", user_id=account.user_id, reason="timeout")


async def test_the_end_of_grace_in_play_ends_the_round_abandoned(hurried: People) -> None:
    game = await play(hurried)
    alice, bob = game.seats
    await bob.drop()
    await alice.expect("MEMBER_DISCONNECTED")
    await alice.expect("MEMBER_LEFT", user_id=bob.user_id, reason="timeout")
    await alice.until("GAME_ENDED", reason="abandoned")


async def test_while_waiting_the_host_passes_on_at_once(hurried: People) -> None:
    game = await sit_down(hurried)
    alice, bob = game.seats
    await alice.drop()
    gone = await bob.expect("MEMBER_DISCONNECTED", user_id=alice.user_id)
    changed = await bob.expect("HOST_CHANGED", host_id=bob.user_id, previous_host_id=alice.user_id)
    assert changed["seq"] == gone["seq"] + 1


async def test_while_playing_the_host_stays_until_its_grace_ends(hurried: People) -> None:
    game = await play(hurried)
    alice, bob = game.seats
    await alice.drop()
    await bob.expect("MEMBER_DISCONNECTED", user_id=alice.user_id)
    assert bob.room.view["host_id"] == alice.user_id
    await bob.expect("MEMBER_LEFT", user_id=alice.user_id, reason="timeout")
    await bob.until("HOST_CHANGED", host_id=bob.user_id)


async def test_who_timed_out_is_a_stranger(hurried: People) -> None:
    alice = await hurried.newcomer("Alice")
    account = await hurried.guest("Bob")
    bob = await hurried.connect(account)
    room_id = await alice.create("relay")
    await bob.join(room_id)
    copy = bob.room
    await bob.drop()
    await alice.until("MEMBER_LEFT", user_id=account.user_id)
    back = await hurried.connect(account)
    reply = await back.resume(copy)
    assert reply.data["resumed"] is False
    await alice.expect("MEMBER_JOINED", user_id=account.user_id)


async def test_a_room_that_nobody_is_connected_to_closes(hurried: People) -> None:
    """By its grace the last member leaves, and after the empty room's time the room is closed for good."""
    account = await hurried.guest("Alice")
    alice = await hurried.connect(account)
    room_id = await alice.create("relay")
    await alice.drop()
    await asyncio.sleep(GRACE.total_seconds() + 2 + 2)  # nobody is there who could hear it happen
    stranger = await hurried.newcomer("Stranger")
    answer = await stranger.send("JOIN_GAME_ROOM_GROUP", room_id=room_id)
    error = await asyncio.wait_for(asyncio.gather(answer, return_exceptions=True), 15)
    assert getattr(error[0], "code", None) == "room_closed"
