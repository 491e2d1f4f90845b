"""What the codec takes, what it refuses and in which words, and what it writes."""

import json

import msgspec
import pytest
from msgspec import Raw, inspect

from gameroom.errors import (
    GameroomError,
    IllegalAction,
    MalformedFrame,
    RateLimited,
    UnknownCommand,
    ValidationFailed,
)
from gameroom.games.context import Context
from gameroom.games.random import GameRandom
from gameroom.games.registry import load_game
from gameroom.games.relay import Relay
from gameroom.protocol.answers import Empty, ServerDraining
from gameroom.protocol.codec import (
    CommandRefused,
    decode_command,
    encode,
    error_frame,
    input_of,
    reply_frame,
)
from gameroom.protocol.commands import COMMANDS, GameAction, JoinRoom, Ping, ResumeFrom, SendChat
from gameroom.protocol.events import EventFrame
from gameroom.protocol.limits import ID_LENGTH, MAX_DEPTH, MAX_INT, MIN_INT, REPLY_HEAD_BYTES


def refused(frame: str | bytes) -> CommandRefused:
    with pytest.raises(CommandRefused) as caught:
        decode_command(frame)
    return caught.value


def action(value: str) -> str:
    return '{"type":"GAME_ACTION","id":"i","room_id":"r","action":{"a":' + value + "}}"


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


# --- what is taken --------------------------------------------------------------------------------------------


def test_a_command_is_typed() -> None:
    frame = '{"type":"JOIN_GAME_ROOM_GROUP","id":"1","room_id":"r","resume":{"epoch":0,"seq":7}}'
    expected = JoinRoom(id="1", room_id="r", resume=ResumeFrom(epoch=0, seq=7))
    assert decode_command(frame) == decode_command(frame.encode()) == expected


def test_the_type_may_stand_anywhere() -> None:
    assert decode_command('{"id":"1","type":"PING"}') == Ping(id="1")


@pytest.mark.parametrize("number", [MIN_INT, MAX_INT, 1.5, -0.0])
def test_numbers_up_to_the_limits(number: float) -> None:
    assert decode_command(action(str(number))) == GameAction(id="i", room_id="r", action={"a": number})


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"GAME_ACTION","action":{"type":"send","data":%s}}',
        '{"type":"CREATE_GAME_ROOM_GROUP","game":"g","settings":{"a":%s}}',
        '{"type":"CREATE_GAME_ROOM_GROUP","game":"g","metadata":{"a":%s}}',
    ],
    ids=["action", "settings", "metadata"],
)
def test_a_value_of_free_json_has_64_levels_and_no_more(frame: str) -> None:
    assert decode_command(frame % nested(64))
    with pytest.raises(CommandRefused) as caught:
        decode_command(frame % nested(65))
    assert type(caught.value.error) is MalformedFrame


def test_what_is_deepest_on_the_wire_is_relayed() -> None:
    frame = '{"type":"GAME_ACTION","action":{"type":"send","data":' + nested(64) + "}}"
    command = decode_command(frame)
    assert isinstance(command, GameAction)
    relay = load_game(Relay)
    ctx = Context(
        seat=0, round=1, players=(0,), settings=relay.settings({}), now=0, random=GameRandom(b"key")
    )
    relay.act(None, ctx, relay.action(command.action))
    assert ctx.effects.announcements[0].data["data"] == json.loads(nested(64))


def test_the_deepest_kind_next_to_what_looks_like_a_nul() -> None:
    frame = '{"type":"GAME_ACTION","id":"\\\\u0000","action":{"a":' + nested(MAX_DEPTH) + "}}"
    assert decode_command(frame).id == r"\u0000"


def test_the_deepest_kind_is_not_blamed_for_another_fault() -> None:
    error = refused('{"type":"GAME_ACTION","zzz":1,"action":{"a":' + nested(MAX_DEPTH) + "}}").error
    assert [fault.pointer for fault in error.errors] == ["#/zzz"]


def test_an_escaped_backslash_is_no_escaped_nul() -> None:
    assert decode_command(r'{"type":"SEND_CHAT","text":"\\u0000"}') == SendChat(text=r"\u0000")


def test_a_surrogate_pair_is_a_character() -> None:
    assert decode_command(r'{"type":"SEND_CHAT","text":"\ud83d\ude00"}') == SendChat(text="😀")


# --- what is malformed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ("", "not JSON"),
        ("hello", "not JSON"),
        ('{"type":"PING"', "it ends too early"),
        ('{"type":"PING"} {}', "trailing characters"),
        (action("NaN"), "not JSON"),
        ('{"type":"PING","x":[}', "not JSON"),
        ("\ufeff" + '{"type":"PING"}', "not JSON"),
        ("[]", "JSON object"),
        ("null", "JSON object"),
        ('"PING"', "JSON object"),
        ("{}", "`type`"),
        ('{"type":1}', "`type`"),
        ('{"type":null,"id":"i"}', "`type`"),
        (action(nested(MAX_DEPTH + 1)), "deeper than 64"),
        (action(nested(900)), "deeper than 64"),
        (action(nested(100_000)), "deeper than 64"),
        ('{"type":"PING","x":' + nested(100_000) + "}", "deeper than 64"),
        ('{"a":' * 100_000, "deeper than 64"),
        ("[" * 100_000, "JSON object"),
        ("A" * 65_536, "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (action("1").encode("utf-16"), "not UTF-8"),
        (b'{"type":"SEND_CHAT","text":"\xed\xa0\x80"}', "not UTF-8"),
        (b'{"type":"SEND_CHAT","text":"\x00"}', "not JSON"),
    ],
)
def test_malformed_frames(frame: str | bytes, says: str) -> None:
    error = refused(frame).error
    assert type(error) is MalformedFrame
    assert says in error.message


# --- which command --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("JOIN_GAME_ROOM", "JOIN_GAME_ROOM_GROUP"),
        ("LEAV_GAME_ROOM_GROUP", "LEAVE_GAME_ROOM_GROUP"),
        ("create", "CREATE_GAME_ROOM_GROUP"),
        ("ping", "PING"),
        ("GAME_ACTIONS", "GAME_ACTION"),
        ("zzz", None),
        ("", None),
    ],
)
def test_an_unknown_command_names_the_nearest(word: str, nearest: str | None) -> None:
    error = refused(json.dumps({"type": word})).error
    assert type(error) is UnknownCommand
    assert error.params == {"did_you_mean": nearest}


def test_an_endless_unknown_command_is_not_repeated_whole() -> None:
    problem = refused(json.dumps({"type": "X" * 60_000}))
    assert type(problem.error) is UnknownCommand
    assert len(error_frame(problem.error, command=problem.command).json) < 500


@pytest.mark.parametrize(
    "field", ['"{}": 1', '"resume": {{"epoch": 1, "seq": 1, "{}": 1}}', '"{}": 99999999999999999999']
)
def test_an_endless_unknown_field_is_not_repeated_whole(field: str) -> None:
    """Regression: 60 KB of a name came back twice."""
    problem = refused(f'{{"type": "JOIN_GAME_ROOM_GROUP", {field.format("x" * 60_000)}}}')
    assert type(problem.error) is ValidationFailed
    assert len(error_frame(problem.error, command=problem.command).json) < 700


# --- which field ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "pointer", "says"),
    [
        ('{"type":"GAME_ACTION"}', "#/action", "missing"),
        ('{"type":"GAME_ACTION","acton":{}}', "#/acton", "did you mean action?"),
        ('{"type":"PING","zzz":1}', "#/zzz", "known are ack, id, type"),
        ('{"type":"PING","a/b~c":1}', "#/a~1b~0c", "no such field"),
        ('{"type":"GAME_ACTION","action":[]}', "#/action", "expected an object, got an array"),
        ('{"type":"SET_READY","ready":1}', "#/ready", "expected true or false, got an integer"),
        ('{"type":"PING","id":5}', "#/id", "expected a string or null, got an integer"),
        ('{"type":"PING","id":""}', "#/id", "a string of length >= 1"),
        (json.dumps({"type": "PING", "id": "x" * 65}), "#/id", "a string of length <= 64"),
        ('{"type":"SEND_CHAT","text":""}', "#/text", "a string of length >= 1"),
        ('{"type":"GET_GAME_ROOM_GROUP","room_id":""}', "#/room_id", "a string of length >= 1"),
        ('{"type":"GET_GAME_ROOM_GROUP","room_id":"a/b"}', "#/room_id", "made of [A-Za-z0-9_-] only"),
        (r'{"type":"GET_GAME_ROOM_GROUP","room_id":"a\n"}', "#/room_id", "made of [A-Za-z0-9_-] only"),
        ('{"type":"JOIN_GAME_ROOM_GROUP","invite_code":"é"}', "#/invite_code", "[A-Za-z0-9 -] only"),
        ('{"type":"JOIN_GAME_ROOM_GROUP","role":"x"}', "#/role", "player, spectator"),
        ('{"type":"JOIN_GAME_ROOM_GROUP","updates":"x"}', "#/updates", "patch, view"),
        ('{"type":"JOIN_GAME_ROOM_GROUP","resume":7}', "#/resume", "expected an object or null"),
        ('{"type":"JOIN_GAME_ROOM_GROUP","resume":{"epoch":0}}', "#/resume/seq", "missing"),
        (
            '{"type":"JOIN_GAME_ROOM_GROUP","resume":{"epoch":0,"sek":0}}',
            "#/resume/sek",
            "did you mean seq?",
        ),
        ('{"type":"JOIN_GAME_ROOM_GROUP","resume":{"epoch":-1,"seq":0}}', "#/resume/epoch", ">= 0"),
        (f'{{"type":"JOIN_GAME_ROOM_GROUP","resume":{{"epoch":{2**63},"seq":0}}}}', "#/resume/epoch", "2^63"),
        (f'{{"type":"START_GAME","seed":{2**63}}}', "#/seed", "2^63"),
        ('{"type":"CREATE_GAME_ROOM_GROUP","game":"g","max_players":1001}', "#/max_players", "<= 1000"),
        ('{"type":"CREATE_GAME_ROOM_GROUP","game":"g","settings":{"n":1e999}}', "#/settings/n", "finite"),
        (action(str(2**63)), "#/action/a", "2^63"),
        (action(str(MIN_INT - 1)), "#/action/a", "2^63"),
        (action("9" * 5000), "#/action/a", "2^63"),
        (action('[0,{"b/":18446744073709551615}]'), "#/action/a/1/b~1", "2^63"),
        (action(r'"\u0000"'), "#/action/a", "U+0000"),
        (action(r'"\ud800"'), "#/action/a", "surrogate"),
        (action(r'"\udc00 and more"'), "#/action/a", "surrogate"),
        (action(r'{"\u0000":1}'), "#/action/a", "U+0000"),
        (action(r'{"\ud800":1}'), "#/action/a", "surrogate"),
        (r'{"type":"SEND_CHAT","text":"\u0000"}', "#/text", "U+0000"),
        (r'{"type":"PING","id":"\u0000"}', "#/id", "U+0000"),
        (r'{"type":"\ud800"}', "#/type", "surrogate"),
        ('{"type":"PING","type":"SET_READY"}', "#/type", "invalid value"),
    ],
)
def test_a_wrong_field_is_pointed_at(frame: str, pointer: str, says: str) -> None:
    error = refused(frame).error
    assert type(error) is ValidationFailed
    assert [fault.pointer for fault in error.errors] == [pointer]
    assert says in error.errors[0].detail


def test_lone_surrogates_of_a_python_string() -> None:
    assert type(refused(action('"\ud800"')).error) is ValidationFailed


@pytest.mark.parametrize(
    ("command", "field", "longest"),
    [
        ('"GAME_ACTION","action":{}', "room_id", 64),
        ('"SEND_CHAT","text":"hi"', "to", 64),
        ('"CREATE_GAME_ROOM_GROUP"', "game", 64),
        ('"JOIN_GAME_ROOM_GROUP"', "invite_code", 32),
        ('"AUTHENTICATE"', "access_token", 65_536),
    ],
)
def test_every_name_in_a_command_is_bounded(command: str, field: str, longest: int) -> None:
    frame = f'{{"type":{command},"{field}":"%s"}}'
    assert getattr(decode_command(frame % ("A" * longest)), field) == "A" * longest
    error = refused(frame % ("A" * (longest + 1))).error
    assert [fault.pointer for fault in error.errors] == [f"#/{field}"]


def test_no_string_of_a_command_is_without_bound() -> None:
    """Free JSON is bounded by the size of the frame; everything else says for itself how long it may be."""
    for command in COMMANDS.values():
        for field in msgspec.structs.fields(command):
            for kind in options_of(inspect.type_info(field.type)):
                unbounded = isinstance(kind, inspect.StrType) and kind.max_length is None
                assert not unbounded, f"{command.__name__}.{field.name}"


def options_of(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


# --- what an answer may say of it -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"SET_READY","id":"i","room_id":"r"}',
        '{"type":"SET_READY","id":"i","room_id":"r","ready":"\\ud800"}',
        '{"room_id":"r","id":"i","ready":[' + "9" * 5000 + '],"type":"SET_READY"}',
        '{"type":"SET_READY","id":"i","room_id":"r","x":' + nested(900) + "}",
    ],
)
def test_a_refusal_tells_what_it_answers(frame: str) -> None:
    problem = refused(frame)
    assert (problem.id, problem.command, problem.room_id) == ("i", "SET_READY", "r")


def test_a_refusal_of_what_cannot_be_read_answers_nothing() -> None:
    problem = refused('{"type":"PING","id":"i"')
    assert (problem.id, problem.command, problem.room_id) == (None, None, None)


@pytest.mark.parametrize("word", ['""', "5", "[]", r'"\u0000"', r'"\ud800"', '"' + "x" * 65 + '"'])
def test_a_refusal_repeats_no_bad_word(word: str) -> None:
    problem = refused(f'{{"type":"SET_READY","id":{word},"room_id":{word}}}')
    assert (problem.id, problem.command, problem.room_id) == (None, "SET_READY", None)
    assert error_frame(problem.error, id=problem.id, command=problem.command, room_id=problem.room_id)


# --- out ------------------------------------------------------------------------------------------------------


def test_reply_with_a_position() -> None:
    frame = reply_frame(Ping(id="i"), encode(Empty()), room_id="r", position=(1, 5), repeated=True)
    assert json.loads(frame.json) == {
        "type": "REPLY",
        "id": "i",
        "command": "PING",
        "room_id": "r",
        "epoch": 1,
        "seq": 5,
        "repeated": True,
        "data": {},
    }


def test_reply_of_the_connection() -> None:
    frame = reply_frame(Ping(), b'{"server_time":"now"}')
    assert json.loads(frame.json) == {
        "type": "REPLY",
        "id": None,
        "command": "PING",
        "data": {"server_time": "now"},
    }


def test_a_reply_is_not_much_longer_than_its_data() -> None:
    command = SendChat(id="\1" * ID_LENGTH, text="hi")
    frame = reply_frame(command, b"{}", room_id="r" * ID_LENGTH, position=(MAX_INT, MAX_INT), repeated=True)
    longer_words = max(map(len, COMMANDS))
    assert max(len(frame.json), len(frame.packed)) + longer_words <= REPLY_HEAD_BYTES


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (MalformedFrame("no"), {"code": "malformed_frame", "message": "no", "retryable": False}),
        (
            RateLimited("slow", retry_after_ms=0),
            {"code": "rate_limited", "message": "slow", "retryable": True, "retry_after_ms": 0},
        ),
        (
            IllegalAction("cell_taken", cell=4),
            {
                "code": "illegal_action",
                "message": "The rules forbid this: cell_taken",
                "params": {"reason": "cell_taken", "cell": 4},
                "retryable": False,
            },
        ),
        (
            ValidationFailed.at("#/id", "no"),
            {
                "code": "validation_failed",
                "message": "#/id: no",
                "errors": [{"pointer": "#/id", "detail": "no"}],
                "retryable": False,
            },
        ),
    ],
)
def test_error_of_the_connection(error: GameroomError, fields: dict[str, object]) -> None:
    assert json.loads(error_frame(error).json) == {"type": "ERROR", "id": None, **fields}


def test_error_of_a_command() -> None:
    fields = json.loads(error_frame(MalformedFrame("no"), id="i", command="PING", room_id="r").json)
    assert (fields["id"], fields["command"], fields["room_id"]) == ("i", "PING", "r")


def test_encoded_parts_are_taken_as_they_are() -> None:
    event = EventFrame(
        type="GAME_UPDATED",
        room_id="r",
        epoch=0,
        seq=1,
        at="now",
        data=Raw(b'{"a": 1}'),
        patch=Raw(b"[ ]"),
    )
    expected = (
        b'{"type":"GAME_UPDATED","room_id":"r","epoch":0,"seq":1,"at":"now","data":{"a": 1},"patch":[ ]}'
    )
    assert encode(event) == expected
    assert encode(ServerDraining(5)) == b'{"type":"SERVER_DRAINING","reconnect_after_ms":5}'


# --- the content of a command ---------------------------------------------------------------------------------


def test_input_is_the_content_in_one_order() -> None:
    one = decode_command('{"type":"GAME_ACTION","id":"1","room_id":"r","action":{"b":{"d":1,"c":2},"a":0}}')
    two = decode_command(
        '{"action":{"a":0,"b":{"c":2,"d":1}},"ack":false,"room_id":"r","id":"2","type":"GAME_ACTION"}'
    )
    assert input_of(one) == input_of(two)
    assert json.loads(input_of(one)) == {
        "type": "GAME_ACTION",
        "room_id": "r",
        "action": {"a": 0, "b": {"c": 2, "d": 1}},
    }


@pytest.mark.parametrize(
    "other",
    ['{"type":"SET_READY","room_id":"r","ready":false}', '{"type":"SET_READY","room_id":"s","ready":true}'],
)
def test_input_tells_contents_apart(other: str) -> None:
    ours = decode_command('{"type":"SET_READY","room_id":"r","ready":true}')
    assert input_of(ours) != input_of(decode_command(other))


def test_a_default_that_is_spelled_out_is_the_same_content() -> None:
    short = decode_command('{"type":"JOIN_GAME_ROOM_GROUP","room_id":"r"}')
    long = decode_command('{"type":"JOIN_GAME_ROOM_GROUP","room_id":"r","role":null,"updates":"patch"}')
    assert input_of(short) == input_of(long)
