"""MessagePack: what is read of it, what is refused and in which words, and how JSON becomes it.

The bytes are made and read by the package `msgpack`, which knows nothing of ours.
"""

import json
from datetime import UTC, datetime

import pytest
from msgpack import ExtType, packb, unpackb

from gameroom.errors import MalformedFrame, UnknownCommand, ValidationFailed
from gameroom.protocol.codec import CommandRefused, decode_command, decode_packed, input_of
from gameroom.protocol.commands import GameAction, JoinRoom, Ping, ResumeFrom
from gameroom.protocol.frames import Frame, fits, pack
from gameroom.protocol.limits import MAX_DEPTH, MAX_INT, MIN_INT

EMPTY_ACTION = packb({"type": "GAME_ACTION", "id": "i", "action": {}})


def action(value: object) -> bytes:
    return packb({"type": "GAME_ACTION", "id": "i", "action": {"a": value}}, datetime=True)


def action_of(packed_value: bytes) -> bytes:
    """The same around a value that no library would pack."""
    return EMPTY_ACTION[:-1] + b"\x81\xa1a" + packed_value


def nested(levels: int) -> bytes:
    return b"\x91" * (levels - 1) + b"\x90"


def refused(frame: bytes) -> CommandRefused:
    with pytest.raises(CommandRefused) as caught:
        decode_packed(frame)
    return caught.value


# --- what is taken --------------------------------------------------------------------------------------------


def test_a_command_is_typed() -> None:
    fields = {"type": "JOIN_GAME_ROOM_GROUP", "id": "1", "room_id": "r", "resume": {"epoch": 0, "seq": 7}}
    assert decode_packed(packb(fields)) == JoinRoom(id="1", room_id="r", resume=ResumeFrom(epoch=0, seq=7))


def test_the_type_may_stand_anywhere() -> None:
    assert decode_packed(packb({"id": "1", "type": "PING"})) == Ping(id="1")


@pytest.mark.parametrize(
    "value", [MIN_INT, MAX_INT, 1.5, -0.0, True, None, "é😀", [[], {}], {"": {"b": [1, 1.0]}}]
)
def test_values_arrive_as_they_were_sent(value: object) -> None:
    command = decode_packed(action(value))
    assert isinstance(command, GameAction)
    assert json.dumps(command.action) == json.dumps({"a": value})


def test_a_short_float_is_the_number_that_it_is() -> None:
    frame = packb({"type": "GAME_ACTION", "action": {"a": 0.5}}, use_single_float=True)
    assert decode_packed(frame) == GameAction(action={"a": 0.5})


def test_zero_bytes_that_belong_to_numbers_are_no_nul() -> None:
    assert decode_packed(action([256, 1.0])) == GameAction(id="i", action={"a": [256, 1.0]})


def test_a_value_has_64_levels_and_no_more() -> None:
    assert decode_packed(action_of(nested(MAX_DEPTH)))
    assert "deeper than 64" in refused(action_of(nested(MAX_DEPTH + 1))).error.message


def test_a_command_has_the_same_content_in_both_encodings() -> None:
    """It is done once, even if it is sent again in the other one."""
    fields = {"type": "GAME_ACTION", "id": "i", "room_id": "r", "action": {"b": 1.0, "a": [1, None, "é"]}}
    assert input_of(decode_packed(packb(fields))) == input_of(decode_command(json.dumps(fields)))


# --- what is malformed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (b"", "ends too early"),
        (packb({"type": "PING"})[:-1], "ends too early"),
        (b"\xdf\xff\xff\xff\xff", "ends too early"),
        (action_of(b"\xdd\xff\xff\xff\xff"), "ends too early"),
        (packb({"type": "PING"}) + b"\xc0", "trailing characters"),
        (b"\xc1", "invalid opcode"),
        (b'{"type":"PING"}', "MessagePack map"),
        (b"\xc0", "MessagePack map"),
        (b"\x90", "MessagePack map"),
        (packb("PING"), "MessagePack map"),
        (packb(ExtType(5, b"")), "MessagePack map"),
        (b"\x80", "`type`"),
        (packb({"type": 1}), "`type`"),
        (packb({"type": b"PING"}), "`type`"),
        (packb({b"type": "PING"}), "`type`"),
        (packb({"type": "SEND_CHAT", "text": "----"}).replace(b"----", b"\xff\xfe\xfd\xfc"), "not UTF-8"),
        (action("----").replace(b"----", b"\xed\xa0\x80a"), "not UTF-8"),
        (action_of(nested(900)), "deeper than 64"),
        (action_of(nested(60_000)), "deeper than 64"),
        (b"\x91" * 60_000, "MessagePack map"),
        (action_of(b"\x81\x80\xc0"), "keys must be strings"),
        (action_of(b"\xc7\x01\xff\x00"), "not MessagePack"),
    ],
)
def test_malformed_frames(frame: bytes, says: str) -> None:
    error = refused(frame).error
    assert type(error) is MalformedFrame
    assert says in error.message


def test_an_unknown_command_names_the_nearest() -> None:
    error = refused(packb({"type": "JOIN_GAME_ROOM"})).error
    assert type(error) is UnknownCommand and error.params == {"did_you_mean": "JOIN_GAME_ROOM_GROUP"}


# --- which field ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "pointer", "says"),
    [
        (b"x", "#/action/a", "binary data is not JSON"),
        ([ExtType(5, b"x")], "#/action/a/0", "an extension type is not JSON"),
        (datetime(2026, 1, 1, tzinfo=UTC), "#/action/a", "a timestamp is not JSON"),
        ({1: 2}, "#/action/a", "keys of an object must be strings"),
        ({"b": {None: 2}}, "#/action/a/b", "keys of an object must be strings"),
        ({b"b": 2}, "#/action/a", "keys of an object must be strings"),
        (float("nan"), "#/action/a", "finite"),
        ([float("-inf")], "#/action/a/0", "finite"),
        (2**63, "#/action/a", "2^63"),
        ("a\0b", "#/action/a", "U+0000"),
        ({"a\0b": 1}, "#/action/a", "U+0000"),
    ],
)
def test_what_free_json_may_not_hold(value: object, pointer: str, says: str) -> None:
    problem = refused(action(value))
    assert type(problem.error) is ValidationFailed
    (fault,) = problem.error.errors
    assert fault.pointer == pointer and says in fault.detail
    assert (problem.id, problem.command) == ("i", "GAME_ACTION")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"type": "SEND_CHAT", "text": b"hi"}, "#/text"),
        ({"type": "SEND_CHAT", "text": "a\0b"}, "#/text"),
        ({"type": "SEND_CHAT", "text": ""}, "#/text"),
        ({"type": "SEND_CHAT"}, "#/text"),
        ({"type": "SEND_CHAT", "text": "hi", "zzz": 1}, "#/zzz"),
        ({"type": "SET_READY", "ready": 1}, "#/ready"),
        ({"type": "JOIN_GAME_ROOM_GROUP", "resume": {"epoch": 1.0, "seq": 2}}, "#/resume/epoch"),
        ({"type": "PING", 1: 2}, "#"),
    ],
)
def test_a_wrong_field_is_pointed_at(fields: dict[object, object], pointer: str) -> None:
    error = refused(packb(fields)).error
    assert type(error) is ValidationFailed
    assert [fault.pointer for fault in error.errors] == [pointer]


def test_nil_is_called_null() -> None:
    (fault,) = refused(packb({"type": "SET_READY", "ready": None})).error.errors
    assert fault.detail == "expected true or false, got null"


@pytest.mark.parametrize("word", [b"i", 5, "", "\0", "x" * 65])
def test_a_refusal_repeats_no_bad_word(word: object) -> None:
    problem = refused(packb({"type": "SET_READY", "id": word, "room_id": word}))
    assert (problem.id, problem.command, problem.room_id) == (None, "SET_READY", None)


# --- out ------------------------------------------------------------------------------------------------------


def test_a_frame_is_packed_once_and_only_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[bytes] = []
    monkeypatch.setattr("gameroom.protocol.frames.pack", lambda frame: packed.append(frame) or b"packed")
    frame = Frame(b"{}")
    assert packed == []
    assert (frame.packed, frame.packed, frame.json) == (b"packed", b"packed", b"{}")
    assert packed == [b"{}"]


def test_the_extremes_of_free_json_can_be_packed() -> None:
    extremes = {"": [MIN_INT, MAX_INT, -0.0, 5e-324, 1.7976931348623157e308, "", "\x7f\u2028😀", {}, []]}
    unpacked = unpackb(pack(json.dumps(extremes).encode()))
    assert json.dumps(unpacked) == json.dumps(extremes)


def test_numbers_keep_their_kind() -> None:
    unpacked = unpackb(pack(b'{"a":1,"b":1.0,"c":true}'))
    assert [type(value) for value in unpacked.values()] == [int, float, bool]


# --- sizes ----------------------------------------------------------------------------------------------------

SHORT_FLOATS = json.dumps([0.5] * 1000, separators=(",", ":")).encode()


def test_what_is_too_long_in_either_encoding_does_not_fit() -> None:
    assert len(SHORT_FLOATS) == 4001 and len(pack(SHORT_FLOATS)) == 9003
    assert fits(SHORT_FLOATS, 9003) and not fits(SHORT_FLOATS, 9002)
    text = json.dumps("é" * 1000).encode()
    assert len(text) == 6002 and len(pack(text)) == 2003
    assert fits(text, 6002) and not fits(text, 6001)


def test_what_is_far_below_the_limit_is_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameroom.protocol.frames.pack", lambda _: pytest.fail("it need not be packed"))
    assert fits(SHORT_FLOATS, 10_003)


@pytest.mark.parametrize("length", [0, 15, 16, 65_535, 65_536])
def test_packing_makes_at_most_five_bytes_of_two_where_heads_are_longest(length: int) -> None:
    frame = json.dumps({"": [0.5] * length}, separators=(",", ":")).encode()
    assert len(pack(frame)) * 2 <= len(frame) * 5
