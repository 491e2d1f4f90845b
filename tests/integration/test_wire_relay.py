"""`relay`: no rules, only messages, to all or to some seats, in one order for everyone."""

import pytest

from tests.kit.people import People
from tests.kit.player import Player
from tests.kit.ways import pairwise
from tests.kit.wire import Json, Refused

pytestmark = pairwise


async def a_room(people: People, *names: str) -> list[Player]:
    """Players on seats 0, 1, … with nothing unread."""
    players = await people.newcomers(*names)
    room_id = await players[0].create("relay")
    for player in players[1:]:
        await player.join(room_id)
    for player in players:
        await player.verify()
        player.heard()
    return players


async def test_a_relay_room_plays_from_its_creation(people: People) -> None:
    [alice] = await a_room(people, "Alice")
    view = alice.room.view
    assert (view["status"], view["round"], view["state"]) == ("playing", 1, None)
    assert (view["min_players"], view["max_players"]) == (1, 1000)


async def test_max_players_of_the_room(people: People) -> None:
    alice, bob, carol = await people.newcomers("Alice", "Bob", "Carol")
    room_id = await alice.create("relay", max_players=2)
    assert alice.room.view["max_players"] == 2
    await bob.join(room_id)
    with pytest.raises(Refused) as refused:
        await carol.join(room_id)
    assert refused.value.code == "room_full"


async def test_a_message_reaches_all_the_sender_included(people: People) -> None:
    players = await a_room(people, "Alice", "Bob", "Carol")
    watcher = await people.newcomer("Watcher")
    await watcher.join(players[0].room.room_id, role="spectator")
    for player in players:
        await player.expect("MEMBER_JOINED")
    reply = await players[1].act("send", data={"hello": ["world", 1, None, 2.5, True]})
    assert reply.data == {}
    for player in [*players, watcher]:
        event = await player.expect("GAME_UPDATED", user_id=players[1].user_id, seat=1, cause="action")
        expected = {"type": "message", "from": 1, "data": {"hello": ["world", 1, None, 2.5, True]}}
        assert event["announcements"] == [expected]


async def test_a_message_to_some_seats_is_heard_there_only(people: People) -> None:
    """Reading: the event itself reaches all in the room (it is no whisper), the announcement only the seats named."""
    alice, bob, carol = await a_room(people, "Alice", "Bob", "Carol")
    watcher = await people.newcomer("Watcher")
    await watcher.join(alice.room.room_id, role="spectator")
    for player in (alice, bob, carol):
        await player.expect("MEMBER_JOINED")
    await alice.act("send", data="for your eyes", to=[2])
    event = await carol.expect("GAME_UPDATED", seat=0)
    assert event["announcements"] == [{"type": "message", "from": 0, "data": "for your eyes"}]
    for player in (alice, bob, watcher):
        event = await player.expect("GAME_UPDATED", seat=0)
        assert not event.get("announcements")


async def test_a_spectator_cannot_send(people: People) -> None:
    [alice] = await a_room(people, "Alice")
    watcher = await people.newcomer("Watcher")
    await watcher.join(alice.room.room_id, role="spectator")
    with pytest.raises(Refused) as refused:
        await watcher.act("send", data=1)
    assert refused.value.code == "not_player"


@pytest.mark.parametrize(("command", "fields"), [("START_GAME", {}), ("SET_READY", {"ready": True})])
async def test_there_is_nothing_to_start(people: People, command: str, fields: Json) -> None:
    [alice] = await a_room(people, "Alice")
    with pytest.raises(Refused) as refused:
        await alice.ask(command, **fields)
    assert refused.value.code == "wrong_status"


async def test_leaving_never_ends_the_game(people: People) -> None:
    alice, bob = await a_room(people, "Alice", "Bob")
    await alice.ask("LEAVE_GAME_ROOM_GROUP")
    await bob.expect("MEMBER_LEFT")
    await bob.expect("HOST_CHANGED", host_id=bob.user_id)
    await bob.act("send", data="alone")
    await bob.expect("GAME_UPDATED")
    assert bob.room.view["status"] == "playing"


@pytest.mark.parametrize(
    "data",
    [
        None,
        0,
        -(2**63),
        2**63 - 1,
        1.5,
        "",
        "ünï©ødé \N{GRINNING FACE} \u2028 </script>",
        'quote " back \\ slash / tab \t',
        [],
        {},
        {"": {"~/": [[[]]]}},
        {"type": "message", "id": 1},
    ],
    ids=repr,
)
async def test_free_json_arrives_as_it_was_sent(people: People, data: object) -> None:
    alice, bob = await a_room(people, "Alice", "Bob")
    await alice.act("send", data=data)
    event = await bob.expect("GAME_UPDATED")
    assert event["announcements"][0]["data"] == data


@pytest.mark.parametrize("depth", [1, 32, 64])
async def test_nesting_up_to_the_limit_arrives(people: People, depth: int) -> None:
    alice, bob = await a_room(people, "Alice", "Bob")
    data: object = "core"
    for _ in range(depth):
        data = [data]
    await alice.act("send", data=data)
    assert (await bob.expect("GAME_UPDATED"))["announcements"][0]["data"] == data


async def test_a_message_sent_twice_is_relayed_once(people: People) -> None:
    alice, bob = await a_room(people, "Alice", "Bob")
    command: Json = {"id": "relay-once", "action": {"type": "send", "data": 1}}
    await alice.ask("GAME_ACTION", **command)
    assert (await alice.ask("GAME_ACTION", **command)).repeated
    await bob.expect("GAME_UPDATED")
    await bob.verify()
    assert not bob.heard()


@pytest.mark.parametrize(
    ("action", "code", "pointer"),
    [
        ({"type": "send"}, "validation_failed", "#/action/data"),
        ({"type": "send", "data": 1, "to": 1}, "validation_failed", "#/action/to"),
        ({"type": "send", "data": 1, "to": ["0"]}, "validation_failed", None),
        ({"type": "send", "data": 1, "extra": 1}, "validation_failed", None),
        ({"type": "sned", "data": 1}, "unknown_action", None),
        ({}, "validation_failed", None),
    ],
    ids=str,
)
async def test_a_wrong_action(people: People, action: Json, code: str, pointer: str | None) -> None:
    alice, bob = await a_room(people, "Alice", "Bob")
    with pytest.raises(Refused) as refused:
        await alice.ask("GAME_ACTION", action=action)
    assert refused.value.code == code
    if pointer:
        assert pointer in refused.value.pointers
    await bob.verify()
    assert not bob.heard()
