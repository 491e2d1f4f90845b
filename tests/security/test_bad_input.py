"""Whatever one client sends, it gets the clear answer, and the game of everyone else on the node goes on."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from uuid import uuid4

import pytest

from tests.kit.people import People
from tests.kit.player import Disconnected, Player
from tests.kit.tables import Game, play
from tests.kit.wire import Json, Refused

ONE_BOARD = [(0, 0), (1, 1), (0, 2), (1, 4)]


@pytest.fixture
async def bystanders(people: People) -> AsyncIterator[Game]:
    """Two others in the middle of a game, who go on playing after the bad input as if nothing had been."""
    game = await play(people)
    await game.place(*ONE_BOARD[0])
    yield game
    for seat, cell in ONE_BOARD[1:]:
        await game.place(seat, cell)
    assert game.seats[0].room.state["cells"] == [0, 1, 0, None, 1, None, None, None, None]


@pytest.fixture
async def villain(people: People, bystanders: Game) -> Player:
    """Connected, in a relay room of its own."""
    del bystanders
    player = await people.newcomer("Villain")
    await player.create("relay")
    return player


async def error_for(player: Player, frame: str) -> Json:
    """The one ERROR that answers this text frame; the connection stays and still works."""
    await player.send_text(frame)
    error = await player.expect("ERROR")
    await player.ask("PING")
    assert not player.heard()
    return error


def relayed(data: str) -> str:
    """A relay action whose data is this JSON text."""
    return f'{{"type": "GAME_ACTION", "id": "free", "action": {{"type": "send", "data": {data}}}}}'


# --- what is no command at all --------------------------------------------------------------------------------


async def all_malformed(player: Player, frames: Iterable[str]) -> None:
    for frame in frames:
        assert (await error_for(player, frame))["code"] == "malformed_frame", frame


async def test_not_json(villain: Player) -> None:
    frames = [
        "",
        " ",
        "{",
        "not json",
        '{"type": "PING"',
        '{"type": "PING"} {"type": "PING"}',
        '{"type": "PING",}',
        "{'type': 'PING'}",
        '{"type": "PING", "id": NaN}',
        "ping ",
        "PING",
    ]
    await all_malformed(villain, frames)


async def test_not_an_object(villain: Player) -> None:
    await all_malformed(villain, ["[]", "null", "true", "7", '"PING"', '[{"type": "PING"}]'])


async def test_type_is_not_a_string(villain: Player) -> None:
    """Reading: a `type` that is missing is not a string either."""
    kinds = ["7", "null", "[]", "{}", "true"]
    await all_malformed(villain, ['{"id": "1"}', *[f'{{"type": {kind}}}' for kind in kinds]])


async def test_nested_too_deep(villain: Player) -> None:
    for opening, closing in [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")]:
        for levels in (65, 1_000, 10_000):
            times = -(-levels // len(closing))
            deep = opening * times + "1" + closing * times
            frames = [relayed(deep), relayed(f"[{deep}]"), deep]
            await all_malformed(villain, [frame for frame in frames if len(frame) < 64 * 1024])


async def test_nested_too_deep_and_never_closed(villain: Player) -> None:
    assert (await error_for(villain, "[" * 60_000))["code"] == "malformed_frame"


async def test_nested_100000_deep_is_too_big_as_well(villain: Player) -> None:
    with suppress(Disconnected):
        await villain.send_text("[" * 100_000)
    closed = await villain.closed()
    assert (closed.code, closed.reason) == (1009, "message_too_big")


async def test_a_frame_of_65_kib(villain: Player) -> None:
    with suppress(Disconnected):
        await villain.send_text(relayed('"' + "x" * 65 * 1024 + '"'))
    error = await villain.until("ERROR")
    assert (error["id"], error["code"], error["params"]) == (None, "message_too_big", {"limit": 65_536})
    assert (await villain.closed()).code == 1009


async def test_binary_where_text_was_agreed(villain: Player) -> None:
    for frame in (b"", b"\x81\xa4type\xa4PING", b'{"type": "PING"}'):
        await villain.send_binary(frame)
        assert (await villain.expect("ERROR"))["code"] == "malformed_frame"
    await villain.ask("PING")


# --- commands that are wrong ----------------------------------------------------------------------------------


async def test_wrong_types_and_missing_fields(villain: Player) -> None:
    wrong: list[tuple[Json, str]] = [
        ({"type": "SET_READY", "ready": "yes"}, "#/ready"),
        ({"type": "SET_READY", "ready": 1}, "#/ready"),
        ({"type": "SET_READY", "ready": None}, "#/ready"),
        ({"type": "SET_READY"}, "#/ready"),
        ({"type": "SEND_CHAT", "text": 7}, "#/text"),
        ({"type": "SEND_CHAT", "text": ["a"]}, "#/text"),
        ({"type": "SEND_CHAT", "text": "a", "to": 7}, "#/to"),
        ({"type": "SEND_CHAT", "text": "a", "room_id": 7}, "#/room_id"),
        ({"type": "GAME_ACTION", "action": "send"}, "#/action"),
        ({"type": "GAME_ACTION"}, "#/action"),
        ({"type": "JOIN_GAME_ROOM_GROUP", "room_id": "r", "role": "king"}, "#/role"),
        (
            {"type": "JOIN_GAME_ROOM_GROUP", "room_id": "r", "resume": {"epoch": "1", "seq": 1}},
            "#/resume/epoch",
        ),
        ({"type": "PING", "ack": "no"}, "#/ack"),
        ({"type": "PING", "id": 7}, "#/id"),
        ({"type": "AUTHENTICATE", "access_token": None}, "#/access_token"),
    ]
    for command, pointer in wrong:
        error = await error_for(villain, json.dumps(command))
        assert error["code"] == "validation_failed", error
        assert [field["pointer"] for field in error["errors"]] == [pointer]


async def test_unknown_fields_are_refused_with_the_nearest_known(villain: Player) -> None:
    wrong: list[tuple[Json, str, str]] = [
        ({"type": "SEND_CHAT", "txt": "a", "text": "b"}, "txt", "text"),
        ({"type": "SET_READY", "ready": True, "raedy": True}, "raedy", "ready"),
        ({"type": "JOIN_GAME_ROOM_GROUP", "roomId": "x", "room_id": "y"}, "roomId", "room_id"),
        ({"type": "PING", "whatever": "x"}, "whatever", ""),
    ]
    for command, unknown, nearest in wrong:
        error = await error_for(villain, json.dumps(command))
        assert error["code"] == "validation_failed", error
        told = json.dumps([error["message"], error["errors"]])
        assert unknown in told
        assert nearest in told.replace(unknown, "")


async def test_unknown_commands_suggest_the_nearest(villain: Player) -> None:
    wrong = {
        "JOIN_GAME_ROOM": "JOIN_GAME_ROOM_GROUP",
        "SET_REDY": "SET_READY",
        "ping": "PING",
        "join_game_room_group": "JOIN_GAME_ROOM_GROUP",
        "XYZZY": None,
        "": None,
        "__class__": None,
    }
    for name, nearest in wrong.items():
        error = await error_for(villain, json.dumps({"type": name, "id": "u-1"}))
        assert (error["id"], error["code"]) == ("u-1", "unknown_command"), error
        assert error["params"] == {"did_you_mean": nearest}


async def test_numbers_beyond_what_both_encodings_can_say(villain: Player) -> None:
    for data in [str(2**63), str(-(2**63) - 1), "1" + "0" * 400, f'[{{"a": {2**64}}}]', "1e400", "-1e400"]:
        assert (await error_for(villain, relayed(data)))["code"] == "validation_failed", data


async def test_integers_beyond_int64_in_typed_fields(villain: Player) -> None:
    for field in ("epoch", "seq"):
        resume = {"epoch": 1, "seq": 1, field: 2**63}
        command = {"type": "JOIN_GAME_ROOM_GROUP", "room_id": villain.room.room_id, "resume": resume}
        assert (await error_for(villain, json.dumps(command)))["code"] == "validation_failed"


@pytest.mark.parametrize("text", [r"\u0000", r"a\u0000b", r"\ud800", r"\udc00 x", r"\ud800\ud800"])
async def test_u0000_and_lone_surrogates(villain: Player, text: str) -> None:
    frames = [
        f'{{"type": "SEND_CHAT", "text": "{text}"}}',
        f'{{"type": "GAME_ACTION", "action": {{"type": "send", "data": "{text}"}}}}',
        f'{{"type": "GAME_ACTION", "action": {{"type": "send", "data": {{"{text}": 1}}}}}}',
        f'{{"type": "GAME_ACTION", "action": {{"type": "send", "data": [["{text}"]]}}}}',
        f'{{"type": "PING", "id": "{text}"}}',
        f'{{"type": "CREATE_GAME_ROOM_GROUP", "game": "relay", "name": "{text}"}}',
        f'{{"type": "CREATE_GAME_ROOM_GROUP", "game": "relay", "metadata": {{"{text}": 1}}}}',
    ]
    for frame in frames:
        assert (await error_for(villain, frame))["code"] == "validation_failed", frame


async def test_a_pair_of_surrogates_is_a_character(villain: Player) -> None:
    await villain.send_text(relayed(r'"\ud83d\ude00"'))
    event = await villain.expect("GAME_UPDATED")
    assert event["announcements"][0]["data"] == "\N{GRINNING FACE}"


# --- commands at the wrong time or place ----------------------------------------------------------------------


async def test_a_frame_before_authentication(people: People, bystanders: Game) -> None:
    player = await people.knock()
    await player.send_text(json.dumps({"type": "JOIN_GAME_ROOM_GROUP", "room_id": bystanders.room_id}))
    closed = await player.closed()
    assert (closed.code, closed.reason) == (4500, "unauthenticated")


async def test_a_command_for_a_room_one_is_not_in(villain: Player, bystanders: Game) -> None:
    for command in (
        {"type": "CLOSE_GAME_ROOM_GROUP"},
        {"type": "GAME_ACTION", "action": {"type": "place", "cell": 8}},
    ):
        error = await error_for(villain, json.dumps({**command, "room_id": bystanders.room_id}))
        assert error["code"] == "not_member"
    error = await error_for(villain, json.dumps({"type": "GET_GAME_ROOM_GROUP", "room_id": str(uuid4())}))
    assert error["code"] == "room_not_found"


async def test_an_id_used_twice_with_other_content(villain: Player) -> None:
    await villain.ask("SEND_CHAT", id="same", text="one")
    with pytest.raises(Refused) as refused:
        await villain.ask("SEND_CHAT", id="same", text="two")
    assert refused.value.code == "id_reused"
    assert [frame["data"]["text"] for frame in villain.heard()] == ["one"]


# --- far too much of it ---------------------------------------------------------------------------------------


async def test_nineteen_malformed_frames_and_a_good_one(villain: Player) -> None:
    for _ in range(2):
        for _ in range(19):
            await villain.send_text("junk")
            assert (await villain.expect("ERROR"))["code"] == "malformed_frame"
        await villain.ask("PING")


async def test_twenty_malformed_frames_in_a_row(villain: Player) -> None:
    for _ in range(20):
        await villain.send_text("junk")
    closed = await villain.closed()
    assert (closed.code, closed.reason) == (4503, "protocol_abuse")


async def test_10000_junk_frames_in_a_row(villain: Player) -> None:
    with suppress(Disconnected):
        for _ in range(10_000):
            await villain.send_text("junk")
    closed = await villain.closed()
    assert (closed.code, closed.reason) == (4503, "protocol_abuse")


async def test_junk_from_many_at_once(people: People, bystanders: Game) -> None:
    villains = await people.newcomers(*[f"Villain {number}" for number in range(10)])

    async def misbehave(player: Player) -> int:
        with suppress(Disconnected):
            for _ in range(300):
                await player.send_text("{" * 50)
        return (await player.closed()).code

    codes = await asyncio.gather(*[misbehave(player) for player in villains])
    assert codes == [4503] * 10
    await bystanders.seats[0].ask("PING")
