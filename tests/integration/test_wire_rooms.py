"""Rooms: coming and going, seats, passwords and codes, ids of commands, order and positions."""

import asyncio
import json
from collections.abc import Awaitable
from uuid import uuid4

import pytest

from tests.kit.people import People
from tests.kit.tables import ROW, play, sit_down
from tests.kit.ways import both_encodings, pairwise
from tests.kit.wire import Json, Refused

pytestmark = pairwise
CROCKFORD = set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


async def refusal(answer: Awaitable[object]) -> Refused:
    with pytest.raises(Refused) as refused:
        await answer
    return refused.value


# --- creating -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({}, "validation_failed", "#/game"),
        ({"game": "relay", "name": ""}, "validation_failed", "#/name"),
        ({"game": "relay", "name": "x" * 81}, "validation_failed", "#/name"),
        ({"game": "relay", "visibility": "secret"}, "validation_failed", "#/visibility"),
        ({"game": "relay", "password": ""}, "validation_failed", "#/password"),
        ({"game": "relay", "password": "x" * 129}, "validation_failed", "#/password"),
        ({"game": "relay", "max_players": 0}, "validation_failed", "#/max_players"),
        ({"game": "relay", "max_players": 1001}, "validation_failed", "#/max_players"),
        ({"game": "tic-tac-toe", "max_players": 3}, "validation_failed", "#/max_players"),
        ({"game": "relay", "metadata": {"x": "y" * 4096}}, "validation_failed", "#/metadata"),
        ({"game": "relay", "metadata": []}, "validation_failed", "#/metadata"),
        ({"game": "relay", "settings": {"no_such": 1}}, "validation_failed", "#/settings/no_such"),
        ({"game": "relay", "colour": "red"}, "validation_failed", None),
    ],
    ids=lambda value: json.dumps(value)[:50] if isinstance(value, dict) else None,
)
async def test_a_wrong_create_says_where(
    people: People, fields: Json, code: str, pointer: str | None
) -> None:
    player = await people.newcomer()
    refused = await refusal(player.ask("CREATE_GAME_ROOM_GROUP", **fields))
    assert refused.code == code
    if pointer:
        assert pointer in refused.pointers


async def test_an_unknown_game_names_the_known_ones(people: People) -> None:
    player = await people.newcomer()
    refused = await refusal(player.ask("CREATE_GAME_ROOM_GROUP", game="chess"))
    assert refused.code == "unknown_game"
    assert {"relay", "tic-tac-toe"} <= set(refused.params["games"])


async def test_create_is_done_once(people: People) -> None:
    account = await people.guest()
    player = await people.connect(account)
    command = {"game": "tic-tac-toe", "id": str(uuid4())}
    first = await player.ask("CREATE_GAME_ROOM_GROUP", **command)
    assert not first.repeated
    second = await player.ask("CREATE_GAME_ROOM_GROUP", **command)
    assert (second.repeated, second.room_id) == (True, first.room_id)
    again = await people.connect(account)
    third = await again.ask("CREATE_GAME_ROOM_GROUP", **command)
    assert (third.repeated, third.room_id) == (True, first.room_id)
    assert third.data["room"]["members"][account.user_id]["connected"] is True


async def test_a_repeated_create_shows_the_present_room(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    command = {"game": "tic-tac-toe", "id": str(uuid4())}
    room_id = (await alice.ask("CREATE_GAME_ROOM_GROUP", **command)).room_id
    await bob.join(room_id)
    await alice.expect("MEMBER_JOINED")
    again = await alice.ask("CREATE_GAME_ROOM_GROUP", **command)
    assert bob.user_id in again.data["room"]["members"]


async def test_create_with_other_content_is_id_reused(people: People) -> None:
    player = await people.newcomer()
    command_id = str(uuid4())
    await player.ask("CREATE_GAME_ROOM_GROUP", game="relay", id=command_id)
    refused = await refusal(player.ask("CREATE_GAME_ROOM_GROUP", game="tic-tac-toe", id=command_id))
    assert refused.code == "id_reused"


async def test_ids_of_commands_are_each_users_own(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    command = {"game": "relay", "id": str(uuid4())}
    first = await alice.ask("CREATE_GAME_ROOM_GROUP", **command)
    second = await bob.ask("CREATE_GAME_ROOM_GROUP", **command)
    assert first.room_id != second.room_id
    assert not second.repeated


# --- joining --------------------------------------------------------------------------------------------------


async def test_the_joiner_gets_a_view_and_no_event_of_its_own(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    room_id = await alice.create("tic-tac-toe")
    reply = await bob.join(room_id)
    assert reply.data["resumed"] is False
    assert reply.data["room"]["members"][bob.user_id]["seat"] == 1
    joined = await alice.expect("MEMBER_JOINED", user_id=bob.user_id)
    assert joined["seq"] == reply.position.seq
    assert joined["data"]["member"] == alice.room.members[bob.user_id]
    await bob.ask("SEND_CHAT", text="hello")
    assert (await bob.expect("CHAT_MESSAGE"))["seq"] == reply.position.seq + 1


async def test_players_take_the_lowest_free_seat(people: People) -> None:
    alice, bob, carol = await people.newcomers("Alice", "Bob", "Carol")
    room_id = await alice.create("relay")
    await bob.join(room_id)
    await carol.join(room_id)
    await bob.ask("LEAVE_GAME_ROOM_GROUP")
    dave = await people.newcomer("Dave")
    await dave.join(room_id)
    seats = {user_id: member["seat"] for user_id, member in dave.room.members.items()}
    assert seats == {alice.user_id: 0, dave.user_id: 1, carol.user_id: 2}


async def test_a_full_room_makes_no_silent_spectator(people: People) -> None:
    game = await sit_down(people)
    carol = await people.newcomer("Carol")
    assert (await refusal(carol.join(game.room_id))).code == "room_full"
    reply = await carol.join(game.room_id, role="spectator")
    me = reply.data["room"]["members"][carol.user_id]
    assert (me["role"], me["seat"]) == ("spectator", None)


async def test_joining_as_a_player_while_playing_is_wrong_status(people: People) -> None:
    game = await play(people)
    await game.seats[1].ask("LEAVE_GAME_ROOM_GROUP")
    await game.seats[0].until("GAME_ENDED", reason="abandoned")
    carol = await people.newcomer("Carol")
    await carol.join(game.room_id)
    await game.seats[0].until("MEMBER_JOINED")
    for player in (game.seats[0], carol):
        await player.ask("SET_READY", ready=True)
    await game.seats[0].ask("START_GAME")
    dave = await people.newcomer("Dave")
    refused = await refusal(dave.join(game.room_id))
    assert refused.code in ("wrong_status", "room_full")  # both are true of this room


async def test_a_spectator_cannot_play(people: People) -> None:
    game = await play(people)
    carol = await people.newcomer("Carol")
    await carol.join(game.room_id, role="spectator")
    assert (await refusal(carol.act("place", cell=0))).code == "not_player"
    assert carol.room.state == game.seats[0].room.state


async def test_a_spectator_has_nothing_to_be_ready_for(people: People) -> None:
    game = await sit_down(people)
    carol = await people.newcomer("Carol")
    await carol.join(game.room_id, role="spectator")
    assert (await refusal(carol.ask("SET_READY", ready=True))).code == "not_player"


async def test_ready_twice_is_an_event_that_changes_nothing(people: People) -> None:
    """Every accepted room command but GET and JOIN causes at least one event; the kit demands it too."""
    game = await sit_down(people)
    alice, bob = game.seats
    for changed in (["ready"], []):
        await alice.ask("SET_READY", ready=True)
        await bob.expect("MEMBER_UPDATED", user_id=alice.user_id, changed=changed)
    assert bob.room.members[alice.user_id]["ready"] is True


async def test_joining_again_attaches_without_an_event(people: People) -> None:
    game = await sit_down(people)
    alice, bob = game.seats
    before = bob.room.position
    reply = await bob.join(game.room_id)
    assert reply.position == before
    assert not alice.heard()


@both_encodings
async def test_unknown_and_closed_rooms(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    assert (await refusal(alice.join(str(uuid4())))).code == "room_not_found"
    assert (await refusal(alice.join("no-uuid"))).code == "room_not_found"
    assert (await refusal(alice.join("no id"))).code == "validation_failed"
    room_id = await alice.create("relay")
    await alice.ask("CLOSE_GAME_ROOM_GROUP")
    assert (await refusal(bob.join(room_id))).code == "room_closed"


async def test_join_needs_a_room_id_or_a_code(people: People) -> None:
    player = await people.newcomer()
    await player.create("relay")
    assert (await refusal(player.ask("JOIN_GAME_ROOM_GROUP"))).code == "validation_failed"


async def test_a_room_password(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    room_id = await alice.create("relay", password="open sesame")
    assert alice.room.view["has_password"] is True
    assert (await refusal(bob.join(room_id))).code == "wrong_room_password"
    assert (await refusal(bob.join(room_id, password="open"))).code == "wrong_room_password"
    reply = await bob.join(room_id, password="open sesame")
    assert "sesame" not in json.dumps(reply.frame)
    assert "open sesame" not in people.server.log


async def test_an_invite_code_finds_a_private_room_and_stands_for_the_password(people: People) -> None:
    alice, bob, carol = await people.newcomers("Alice", "Bob", "Carol")
    room_id = await alice.create("relay", visibility="private", password="sesame")
    code = alice.room.view["invite_code"]
    assert len(code) == 8
    assert set(code) <= CROCKFORD
    assert (await refusal(bob.join(room_id, password="sesame"))).code == "room_not_found"
    reply = await bob.ask("JOIN_GAME_ROOM_GROUP", invite_code=code)
    assert reply.room_id == room_id
    spelled = f"{code[:4].lower()}-{code[4:6]} {code[6:]}"
    assert (await carol.ask("JOIN_GAME_ROOM_GROUP", invite_code=spelled)).room_id == room_id
    dave = await people.newcomer("Dave")
    refused = await refusal(dave.ask("JOIN_GAME_ROOM_GROUP", invite_code="00000000"))
    assert refused.code == "room_not_found"


async def test_updates_as_views(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    room_id = await alice.create("tic-tac-toe")
    await bob.join(room_id, updates="view")
    await alice.ask("SET_READY", ready=True)
    event = await bob.expect("MEMBER_UPDATED", user_id=alice.user_id, changed=["ready"])
    assert "patch" not in event
    assert event["view"]["members"][alice.user_id]["ready"] is True
    await alice.ask("SEND_CHAT", text="hi")
    chat = await bob.expect("CHAT_MESSAGE")
    assert "patch" not in chat


# --- what a connection may ask --------------------------------------------------------------------------------

ROOM_COMMANDS: list[tuple[str, Json]] = [
    ("LEAVE_GAME_ROOM_GROUP", {}),
    ("GET_GAME_ROOM_GROUP", {}),
    ("SET_READY", {"ready": True}),
    ("START_GAME", {}),
    ("GAME_ACTION", {"action": {"type": "send", "data": 1}}),
    ("SEND_CHAT", {"text": "hi"}),
    ("CLOSE_GAME_ROOM_GROUP", {}),
]
room_commands = pytest.mark.parametrize(
    ("command", "fields"), ROOM_COMMANDS, ids=[name for name, _ in ROOM_COMMANDS]
)


@room_commands
async def test_a_command_for_a_room_one_is_not_in(people: People, command: str, fields: Json) -> None:
    host, outsider = await people.newcomers("Host", "Outsider")
    public = await host.create("relay")
    private = await host.create("relay", visibility="private")
    for room_id, code in [
        (public, "not_member"),
        (private, "room_not_found"),
        (str(uuid4()), "room_not_found"),
    ]:
        assert (await refusal(outsider.ask(command, room_id=room_id, **fields))).code == code


@room_commands
async def test_a_member_must_join_on_this_connection(people: People, command: str, fields: Json) -> None:
    account = await people.guest()
    room_id = await (await people.connect(account)).create("relay")
    other = await people.connect(account)
    assert (await refusal(other.ask(command, room_id=room_id, **fields))).code == "not_member"


@room_commands
async def test_room_id_is_implied_in_exactly_one_room(people: People, command: str, fields: Json) -> None:
    player = await people.newcomer()
    assert (await refusal(player.ask(command, **fields))).code == "validation_failed"
    await player.create("relay")
    await player.create("relay")
    assert (await refusal(player.ask(command, **fields))).code == "validation_failed"


@both_encodings
async def test_one_connection_plays_in_two_rooms(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    rooms = [await alice.create("relay"), await alice.create("relay")]
    for room_id in rooms:
        await bob.join(room_id)
    for room_id in rooms:
        action = {"type": "send", "data": room_id}
        await alice.ask("GAME_ACTION", room_id=room_id, action=action)
    heard = [await bob.expect("GAME_UPDATED") for _ in rooms]
    assert {frame["room_id"]: frame["announcements"][0]["data"] for frame in heard} == {
        room: room for room in rooms
    }


# --- leaving --------------------------------------------------------------------------------------------------


@both_encodings
async def test_who_leaves_hears_it_last(people: People) -> None:
    game = await sit_down(people)
    alice, bob = game.seats
    reply = await bob.ask("LEAVE_GAME_ROOM_GROUP")
    assert reply.data == {}
    left = await bob.expect("MEMBER_LEFT", user_id=bob.user_id, reason="left")
    assert "patch" not in left
    await bob.expect("DETACHED", room_id=game.room_id, reason="left")
    await alice.expect("MEMBER_LEFT", user_id=bob.user_id, reason="left")
    assert list(alice.room.members) == [alice.user_id]
    await alice.ask("SEND_CHAT", text="gone?")
    await bob.ask("PING")
    assert not bob.heard()


async def test_leaving_closes_a_room_bound_socket_with_1000(people: People) -> None:
    room_id = await (await people.newcomer()).create("relay")
    player = await people.enter(await people.guest(), room_id)
    await player.ask("LEAVE_GAME_ROOM_GROUP")
    assert (await player.closed()).code == 1000


async def test_closing_closes_room_bound_sockets_with_4505(people: People) -> None:
    host = await people.newcomer()
    room_id = await host.create("relay")
    player = await people.enter(await people.guest(), room_id)
    await host.ask("CLOSE_GAME_ROOM_GROUP")
    await player.expect("GAME_ROOM_GROUP_CLOSED")
    await player.expect("DETACHED", reason="closed")
    closed = await player.closed()
    assert (closed.code, closed.reason) == (4505, "room_closed")


async def test_the_host_passes_on_to_the_longest_joined_connected_player(people: People) -> None:
    alice, watcher, bob, carol = await people.newcomers("Alice", "Watcher", "Bob", "Carol")
    room_id = await alice.create("relay")
    await watcher.join(room_id, role="spectator")
    await bob.join(room_id)
    await carol.join(room_id)
    await alice.ask("LEAVE_GAME_ROOM_GROUP")
    left = await carol.expect("MEMBER_LEFT", user_id=alice.user_id)
    changed = await carol.expect("HOST_CHANGED", host_id=bob.user_id, previous_host_id=alice.user_id)
    assert changed["seq"] == left["seq"] + 1
    assert carol.room.view["host_id"] == bob.user_id
    await bob.ask("LEAVE_GAME_ROOM_GROUP")
    await carol.until("HOST_CHANGED", host_id=carol.user_id)
    await carol.ask("LEAVE_GAME_ROOM_GROUP")
    await watcher.until("HOST_CHANGED", host_id=watcher.user_id)
    await watcher.ask("CLOSE_GAME_ROOM_GROUP")


async def test_leaving_in_play_ends_the_round_abandoned(people: People) -> None:
    game = await play(people)
    alice, bob = game.seats
    await bob.ask("LEAVE_GAME_ROOM_GROUP")
    await alice.expect("MEMBER_LEFT", user_id=bob.user_id)
    ended = await alice.until("GAME_ENDED", reason="abandoned", round=1)
    assert ended["data"]["players"] == {"0": alice.user_id, "1": bob.user_id}
    assert alice.room.view["status"] == "waiting"


# --- exactly once ---------------------------------------------------------------------------------------------


async def test_a_move_sent_twice_is_made_once(people: People) -> None:
    game = await play(people)
    alice, bob = game.seats
    command = {"id": str(uuid4()), "action": {"type": "place", "cell": 4}}
    first = await alice.ask("GAME_ACTION", **command)
    second = await alice.ask("GAME_ACTION", **command)
    assert (first.repeated, second.repeated) == (False, True)
    assert (second.data, second.position) == (first.data, first.position)
    await bob.expect("GAME_UPDATED", seat=0)
    await bob.verify()
    assert not bob.heard()


async def test_a_repeat_is_answered_on_another_connection_that_has_not_joined(people: People) -> None:
    account = await people.guest()
    player = await people.connect(account)
    room_id = await player.create("relay")
    command = {"id": str(uuid4()), "room_id": room_id, "text": "once"}
    first = await player.ask("SEND_CHAT", **command)
    other = await people.connect(account)
    await other.send_frame({"type": "SEND_CHAT", **command})
    again = await other.expect("REPLY")
    assert (again["repeated"], again["data"], again["seq"]) == (True, first.data, first.position.seq)


async def test_an_id_used_twice_with_other_content_is_refused(people: People) -> None:
    player = await people.newcomer()
    await player.create("relay")
    command_id = str(uuid4())
    await player.ask("SEND_CHAT", text="one", id=command_id)
    others: list[tuple[str, Json]] = [
        ("SEND_CHAT", {"text": "two"}),
        ("GAME_ACTION", {"action": {"type": "send", "data": 1}}),
    ]
    for command, fields in others:
        assert (await refusal(player.ask(command, id=command_id, **fields))).code == "id_reused"
    assert (await player.ask("SEND_CHAT", text="one", id=command_id)).repeated


async def test_content_is_compared_without_id_and_ack(people: People) -> None:
    player = await people.newcomer()
    room_id = await player.create("relay")
    command_id = str(uuid4())
    first = await player.ask("SEND_CHAT", text="one", id=command_id)
    again = await player.ask("SEND_CHAT", id=command_id, ack=True, text="one", room_id=room_id)
    assert (again.repeated, again.data) == (True, first.data)


async def test_a_refused_command_was_not_applied_under_its_id(people: People) -> None:
    """After a refusal that is not retryable a new id is wanted; the old one is never applied by a late copy."""
    game = await play(people)
    bob = game.seats[1]
    command = {"id": str(uuid4()), "action": {"type": "place", "cell": 1}}
    assert (await refusal(bob.ask("GAME_ACTION", **command))).code == "not_your_turn"
    await game.place(0, 0)
    refused = await refusal(bob.ask("GAME_ACTION", **command))
    assert not refused.body["retryable"]
    assert bob.room.state["cells"][1] is None


@both_encodings
async def test_a_repeated_leave_after_leaving(people: People) -> None:
    game = await sit_down(people)
    bob = game.seats[1]
    command = {"id": str(uuid4()), "room_id": game.room_id}
    first = await bob.ask("LEAVE_GAME_ROOM_GROUP", **command)
    again = await bob.ask("LEAVE_GAME_ROOM_GROUP", **command)
    assert (again.repeated, again.position) == (True, first.position)


async def test_a_repeated_join_after_leaving_is_not_member(people: People) -> None:
    game = await sit_down(people)
    carol = await people.newcomer("Carol")
    command = {"id": str(uuid4()), "role": "spectator"}
    await carol.join(game.room_id, **command)
    await carol.ask("LEAVE_GAME_ROOM_GROUP")
    assert (await refusal(carol.join(game.room_id, **command))).code == "not_member"
    await carol.join(game.room_id, role="spectator")


async def test_a_repeated_close_after_closing(people: People) -> None:
    host = await people.newcomer()
    room_id = await host.create("relay")
    command = {"id": str(uuid4()), "room_id": room_id}
    await host.ask("CLOSE_GAME_ROOM_GROUP", **command)
    assert (await host.ask("CLOSE_GAME_ROOM_GROUP", **command)).repeated
    assert (await refusal(host.ask("SEND_CHAT", room_id=room_id, text="late"))).code == "room_closed"


# --- order ----------------------------------------------------------------------------------------------------


async def test_commands_of_one_connection_are_decided_in_the_order_sent(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    room_id = await alice.create("relay")
    await bob.join(room_id)
    await alice.expect("MEMBER_JOINED")
    answers = [await alice.send("SEND_CHAT", text=f"{number}") for number in range(100)]
    positions = [(await answer).position for answer in answers]
    assert positions == sorted(set(positions))
    for player in (alice, bob):
        texts = [(await player.expect("CHAT_MESSAGE"))["data"]["text"] for _ in range(100)]
        assert texts == [f"{number}" for number in range(100)]


async def test_commands_right_behind_a_join_do_not_overtake_it(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    room_id = await alice.create("relay")
    join = await bob.send("JOIN_GAME_ROOM_GROUP", room_id=room_id)
    chats = [await bob.send("SEND_CHAT", room_id=room_id, text=f"{number}") for number in range(5)]
    leave = await bob.send("LEAVE_GAME_ROOM_GROUP", room_id=room_id)
    await asyncio.gather(join, *chats, leave)
    kinds = [(await alice.next())["type"] for _ in range(7)]
    assert kinds == ["MEMBER_JOINED", *5 * ["CHAT_MESSAGE"], "MEMBER_LEFT"]


async def test_everyone_hears_the_same_history(people: People) -> None:
    """Ten people talk at once; each sees one order, and every copy equals the server's view."""
    host = await people.newcomer("Host")
    room_id = await host.create("relay")
    others = await people.newcomers(*[f"P{number}" for number in range(9)])
    await asyncio.gather(*[player.join(room_id) for player in others])
    await asyncio.gather(
        *[player.act("send", data=[n, k]) for k in range(8) for n, player in enumerate(others)]
    )
    await asyncio.gather(*[player.verify() for player in [host, *others]])
    histories = [
        [frame["announcements"][0]["data"] for frame in player.heard() if frame["type"] == "GAME_UPDATED"]
        for player in [host, *others]
    ]
    assert len(histories[0]) == 72
    assert all(history == histories[0] for history in histories)
    for number in range(9):
        assert [said for said in histories[0] if said[0] == number] == [[number, k] for k in range(8)]


async def test_a_get_stands_exactly_at_its_position_while_others_talk(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    room_id = await alice.create("relay")
    await bob.join(room_id)
    answers = []
    for number in range(30):
        await bob.send("GAME_ACTION", action={"type": "send", "data": number})
        answers.append(await alice.send("GET_GAME_ROOM_GROUP"))
    positions = [(await answer).position for answer in answers]
    assert positions == sorted(positions)


async def test_two_move_at_the_same_moment_and_one_is_first(people: People) -> None:
    game = await play(people)
    for seat, cell in ROW[:2]:
        await game.place(seat, cell)
    outcomes = await asyncio.gather(
        *[player.act("place", cell=8) for player in game.seats], return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert len(refused) == 1
    assert game.seats[0].room.state["cells"][8] is not None
