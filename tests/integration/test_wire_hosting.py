"""Hosting over sockets: locks, codes and passwords that change, kicks, bans, roles, who hosts, how many rooms."""

import json
from collections.abc import Awaitable
from uuid import uuid4

import pytest

from tests.kit.people import People
from tests.kit.player import Player
from tests.kit.tables import play, sit_down
from tests.kit.wire import Json, Refused

ROOMS_PER_USER = 20


async def refusal(answer: Awaitable[object]) -> Refused:
    with pytest.raises(Refused) as refused:
        await answer
    return refused.value


async def update(host: Player, changed: list[str] | None = None, **fields: object) -> Json:
    """UPDATE by the host; the event, as the host hears it."""
    await host.ask("UPDATE_GAME_ROOM_GROUP", **fields)
    expected = {} if changed is None else {"changed": changed}
    return await host.until("GAME_ROOM_GROUP_UPDATED", by=host.user_id, **expected)


# --- UPDATE ---------------------------------------------------------------------------------------------------


async def test_an_update_is_seen_by_everybody(people: People) -> None:
    game = await sit_down(people)
    alice, bob = game.seats
    fields = {"name": "Ours", "metadata": {"map": "north"}, "locked": False}
    reply = await alice.ask("UPDATE_GAME_ROOM_GROUP", **fields)
    assert reply.data == {}
    for player in (alice, bob):
        event = await player.expect("GAME_ROOM_GROUP_UPDATED", by=alice.user_id, changed=["name", "metadata"])
        assert (event["seq"], player.room.view["name"]) == (reply.position.seq, "Ours")
        assert player.room.view["metadata"] == {"map": "north"}


async def test_an_update_without_change_is_an_event_without_patch(people: People) -> None:
    alice = await people.newcomer()
    await alice.create("relay")
    assert "patch" not in await update(alice, [], visibility="public")
    assert "patch" not in await update(alice, [])


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"name": None}, "validation_failed", "#/name"),
        ({"name": ""}, "validation_failed", "#/name"),
        ({"visibility": "secret"}, "validation_failed", "#/visibility"),
        ({"password": ""}, "validation_failed", "#/password"),
        ({"locked": None}, "validation_failed", "#/locked"),
        ({"settings": {"no_such": 1}}, "validation_failed", "#/settings/no_such"),
        ({"settings": None}, "validation_failed", "#/settings"),
        ({"metadata": {"x": "y" * 4096}}, "validation_failed", "#/metadata"),
        ({"metadata": {"x": 2**63}}, "validation_failed", "#/metadata/x"),
        ({"max_players": 3}, "validation_failed", "#/max_players"),
        ({"rotate_invite_code": 1}, "validation_failed", "#/rotate_invite_code"),
        ({"invite_code": "ABCDEFGH"}, "validation_failed", "#/invite_code"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else None,
)
async def test_a_wrong_update_says_where(people: People, fields: Json, code: str, pointer: str) -> None:
    alice = await people.newcomer()
    await alice.create("tic-tac-toe")
    refused = await refusal(alice.ask("UPDATE_GAME_ROOM_GROUP", **fields))
    assert (refused.code, refused.pointers) == (code, [pointer])


async def test_seats_that_are_taken_stay(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    await bob.join(await alice.create("relay", max_players=4))
    refused = await refusal(alice.ask("UPDATE_GAME_ROOM_GROUP", max_players=1))
    assert refused.code == "wrong_status"  # relay always plays
    assert refused.params == {"status": "playing", "expected": "waiting"}


async def test_only_the_host_hosts(people: People) -> None:
    game = await sit_down(people)
    bob, alice_id = game.seats[1], game.seats[0].user_id
    for command, fields in [
        ("UPDATE_GAME_ROOM_GROUP", {"locked": True}),
        ("KICK_MEMBER", {"user_id": alice_id}),
        ("TRANSFER_HOST", {"user_id": bob.user_id}),
    ]:
        assert (await refusal(bob.ask(command, **fields))).code == "not_host"


async def test_an_update_sent_again_is_answered_and_not_done_again(people: People) -> None:
    alice = await people.newcomer()
    await alice.create("relay")
    command = {"id": str(uuid4()), "rotate_invite_code": True}
    first = await alice.ask("UPDATE_GAME_ROOM_GROUP", **command)
    code = alice.room.view["invite_code"]
    again = await alice.ask("UPDATE_GAME_ROOM_GROUP", **command)
    assert (again.repeated, again.data, again.position) == (True, first.data, first.position)
    await alice.verify()
    assert alice.room.view["invite_code"] == code


# --- who may come in ------------------------------------------------------------------------------------------


async def test_a_rotated_code_replaces_the_old_one(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    room_id = await alice.create("relay", visibility="private")
    old = alice.room.view["invite_code"]
    await update(alice, ["invite_code"], rotate_invite_code=True)
    new = alice.room.view["invite_code"]
    assert new != old
    assert (await refusal(bob.ask("JOIN_GAME_ROOM_GROUP", invite_code=old))).code == "room_not_found"
    assert (await bob.ask("JOIN_GAME_ROOM_GROUP", invite_code=new.lower())).room_id == room_id


async def test_a_locked_room_lets_in_members_only(people: People) -> None:
    game = await sit_down(people)
    alice, bob = game.seats
    await update(alice, ["locked"], locked=True)
    carol = await people.newcomer("Carol")
    by_code = {"invite_code": alice.room.view["invite_code"], "role": "spectator"}
    for fields in ({"room_id": game.room_id, "role": "spectator"}, by_code):
        assert (await refusal(carol.ask("JOIN_GAME_ROOM_GROUP", **fields))).code == "room_locked"
    await bob.join(game.room_id)
    await update(alice, ["locked"], locked=False)
    await carol.join(game.room_id, role="spectator")


async def test_visibility_holds_for_the_next_who_comes(people: People) -> None:
    alice, bob, carol = await people.newcomers("Alice", "Bob", "Carol")
    room_id = await alice.create("relay")
    code = alice.room.view["invite_code"]
    await update(alice, ["visibility"], visibility="private")
    assert (await refusal(bob.join(room_id))).code == "room_not_found"
    await bob.ask("JOIN_GAME_ROOM_GROUP", invite_code=code)
    await update(alice, ["visibility"], visibility="unlisted")
    await carol.join(room_id)


async def test_a_password_is_set_taken_away_and_set_again(people: People) -> None:
    alice, bob, carol, dave = await people.newcomers("Alice", "Bob", "Carol", "Dave")
    room_id = await alice.create("relay")
    await update(alice, ["password"], password="open sesame")
    assert alice.room.view["has_password"] is True
    assert (await refusal(bob.join(room_id))).code == "wrong_room_password"
    await bob.join(room_id, password="open sesame")
    await update(alice, [], password="open sesame")
    await update(alice, ["password"], password=None)
    assert alice.room.view["has_password"] is False
    await carol.join(room_id)
    await update(alice, ["password"], password="shut sesame")
    assert (await refusal(dave.join(room_id, password="open sesame"))).code == "wrong_room_password"
    await dave.join(room_id, password="shut sesame")
    assert "sesame" not in people.server.log
    assert "sesame" not in json.dumps([alice.heard(), bob.heard()])


# --- KICK_MEMBER ----------------------------------------------------------------------------------------------


async def test_who_is_kicked_hears_it_last_and_may_come_again(people: People) -> None:
    game = await sit_down(people)
    alice, bob = game.seats
    await alice.ask("KICK_MEMBER", user_id=bob.user_id, reason="too slow")
    data = {"user_id": bob.user_id, "by": alice.user_id, "ban": False, "reason": "too slow"}
    kicked = await bob.expect("MEMBER_KICKED", **data)
    assert "patch" not in kicked
    await bob.expect("DETACHED", room_id=game.room_id, reason="kicked")
    await alice.expect("MEMBER_KICKED", **data)
    assert list(alice.room.members) == [alice.user_id]
    assert (await refusal(bob.ask("SEND_CHAT", room_id=game.room_id, text="hi"))).code == "not_member"
    await bob.join(game.room_id)


async def test_a_kick_closes_a_room_bound_socket_with_4506(people: People) -> None:
    host = await people.newcomer()
    room_id = await host.create("relay")
    player = await people.enter(await people.guest(), room_id)
    await host.ask("KICK_MEMBER", user_id=player.user_id)
    await player.expect("MEMBER_KICKED", reason=None)
    await player.expect("DETACHED", reason="kicked")
    closed = await player.closed()
    assert (closed.code, closed.reason) == (4506, "kicked")


async def test_who_is_banned_stays_out_by_every_way(people: People) -> None:
    host, account = await people.newcomer("Host"), await people.guest("Bob")
    bob = await people.connect(account)
    room_id = await host.create("relay")
    await bob.join(room_id)
    await host.ask("KICK_MEMBER", user_id=bob.user_id, ban=True)
    await bob.until("DETACHED", reason="kicked")
    by_code = {"invite_code": host.room.view["invite_code"]}
    for fields in ({"room_id": room_id}, by_code):
        assert (await refusal(bob.ask("JOIN_GAME_ROOM_GROUP", **fields))).code == "banned_from_room"
    refused = await refusal(people.enter(account, room_id))
    assert (refused.status, refused.code) == (403, "banned_from_room")
    assert bob.user_id not in json.dumps(host.room.view)


async def test_kicking_in_play_ends_the_round_as_leaving_does(people: People) -> None:
    game = await play(people)
    alice, bob = game.seats
    reply = await alice.ask("KICK_MEMBER", user_id=bob.user_id)
    kicked = await alice.expect("MEMBER_KICKED", user_id=bob.user_id)
    ended = await alice.expect("GAME_ENDED", reason="abandoned")
    assert (kicked["seq"] + 1, reply.position.seq) == (ended["seq"], ended["seq"])
    assert alice.room.view["status"] == "waiting"


async def test_whom_the_host_cannot_kick(people: People) -> None:
    game = await sit_down(people)
    alice = game.seats[0]
    refused = await refusal(alice.ask("KICK_MEMBER", user_id=alice.user_id))
    assert (refused.code, refused.params) == ("forbidden", {"reason": "self"})
    for command in ("KICK_MEMBER", "TRANSFER_HOST"):
        assert (await refusal(alice.ask(command, user_id="nobody"))).code == "member_not_found"


# --- roles and hosts ------------------------------------------------------------------------------------------


async def test_a_role_is_changed_and_with_it_the_base_of_resuming(people: People) -> None:
    game = await sit_down(people)
    alice, bob = game.seats
    old = bob.room.clone()
    reply = await bob.ask("SET_ROLE", role="spectator")
    assert reply.data == {"seat": None}
    await alice.expect("MEMBER_UPDATED", user_id=bob.user_id, changed=["role", "seat"])
    member = alice.room.members[bob.user_id]
    assert (member["role"], member["seat"], member["ready"]) == ("spectator", None, False)
    resumed = await bob.resume(old)
    assert resumed.data["resumed"] is False
    assert (await bob.resume(bob.room)).data["resumed"] is True
    carol = await people.newcomer("Carol")
    await carol.join(game.room_id)
    assert (await refusal(bob.ask("SET_ROLE", role="player"))).code == "room_full"
    await carol.ask("LEAVE_GAME_ROOM_GROUP")
    assert (await bob.ask("SET_ROLE", role="player")).data == {"seat": 1}
    assert (await bob.ask("SET_ROLE", role="player")).data == {"seat": 1}


async def test_roles_stay_while_playing(people: People) -> None:
    game = await play(people)
    refused = await refusal(game.seats[1].ask("SET_ROLE", role="spectator"))
    assert (refused.code, refused.params) == ("wrong_status", {"status": "playing", "expected": "waiting"})


async def test_the_host_hands_over_and_the_next_one_hosts(people: People) -> None:
    game = await sit_down(people)
    alice, bob = game.seats
    await alice.ask("TRANSFER_HOST", user_id=bob.user_id)
    changed = {"host_id": bob.user_id, "previous_host_id": alice.user_id}
    for player in (alice, bob):
        await player.expect("HOST_CHANGED", **changed)
    assert (await refusal(alice.ask("UPDATE_GAME_ROOM_GROUP", locked=True))).code == "not_host"
    await bob.ask("TRANSFER_HOST", user_id=bob.user_id)
    await bob.expect("HOST_CHANGED", host_id=bob.user_id, previous_host_id=bob.user_id)
    await bob.ask("KICK_MEMBER", user_id=alice.user_id)
    await alice.until("DETACHED", reason="kicked")


# --- how many rooms -------------------------------------------------------------------------------------------


async def test_nobody_is_in_more_than_twenty_rooms(people: People) -> None:
    host, account = await people.newcomer("Host"), await people.guest("Busy")
    busy = await people.connect(account)
    other = await host.create("relay")
    create = {"id": str(uuid4()), "game": "relay"}
    first = (await busy.ask("CREATE_GAME_ROOM_GROUP", **create)).room_id
    for _ in range(ROOMS_PER_USER - 1):
        await busy.create("relay")
    for full in (
        busy.create("relay"),
        busy.join(other),
        busy.ask("JOIN_GAME_ROOM_GROUP", invite_code=host.room.view["invite_code"]),
    ):
        refused = await refusal(full)
        assert (refused.code, refused.params) == ("too_many_rooms", {"limit": ROOMS_PER_USER})
    refused = await refusal(people.enter(account, other))
    assert (refused.status, refused.code) == (409, "too_many_rooms")
    again = await busy.ask("CREATE_GAME_ROOM_GROUP", **create)
    assert (again.repeated, again.room_id) == (True, first)
    await busy.join(first)
    await busy.ask("LEAVE_GAME_ROOM_GROUP", room_id=first)
    await busy.join(other)
