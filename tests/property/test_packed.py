"""Both encodings say the same: whatever arrives in one is taken or refused as in the other, and so is what leaves."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgpack import ExtType, packb, unpackb
from msgspec import Struct, inspect

from gameroom.errors import MalformedFrame, UnknownCommand, ValidationFailed
from gameroom.protocol import answers
from gameroom.protocol.codec import CommandRefused, decode_command, decode_packed, frame_of, input_of
from gameroom.protocol.commands import COMMANDS, AnyCommand, GameAction
from gameroom.protocol.events import EVENTS, HiddenRun
from gameroom.protocol.frames import pack
from gameroom.protocol.free_json import NotFreeJson, check_free_json
from gameroom.testkit.messages import fields_of, messages
from tests.property.test_codec import field_names, good_json, text

Document = dict[str, object]

commands = st.sampled_from(sorted(COMMANDS)).flatmap(
    lambda name: fields_of(COMMANDS[name]).map(lambda fields: {**fields, "type": name})
)
nearly_commands = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(COMMANDS)) | text},
    optional=dict.fromkeys(field_names, good_json) | {"x": good_json},
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.builds(ExtType, st.integers(0, 127), st.binary(max_size=8))
    | st.just(datetime(2026, 1, 1, tzinfo=UTC)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4) | st.integers(-9, 9) | st.binary(max_size=4), inner, max_size=4)
    ),
)


def outcome(frame: str | bytes) -> AnyCommand | tuple[object, ...]:
    """The command; or how the frame is refused, but for the words, which name the encoding."""
    try:
        return decode_command(frame) if isinstance(frame, str) else decode_packed(frame)
    except CommandRefused as refusal:
        error = refusal.error
        assert type(error) in (MalformedFrame, UnknownCommand, ValidationFailed)
        return (error.code, error.errors, error.params, refusal.id, refusal.command, refusal.room_id)


@given(commands)
def test_a_command_is_the_same_in_both_encodings(fields: Document) -> None:
    packed = decode_packed(packb(fields))
    assert packed == decode_command(json.dumps(fields))
    assert input_of(packed) == input_of(decode_command(json.dumps(fields)))


@given(nearly_commands)
def test_what_looks_like_a_command_is_taken_or_refused_alike(fields: Document) -> None:
    assert outcome(packb(fields)) == outcome(json.dumps(fields))


@given(st.binary() | anything.map(lambda value: packb(value, datetime=True)))
def test_junk_is_refused(frame: bytes) -> None:
    assert isinstance(outcome(frame), tuple)


@given(nearly_commands, st.data())
def test_spoilt_commands_are_refused(fields: Document, data: st.DataObject) -> None:
    frame = bytearray(packb(fields))
    frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    outcome(bytes(frame))
    outcome(bytes(frame[: data.draw(st.integers(0, len(frame)))]))


@given(st.dictionaries(st.text(max_size=4), anything, max_size=4))
def test_decoding_takes_exactly_what_the_walker_takes(action: Document) -> None:
    try:
        check_free_json(action)
        fine = True
    except NotFreeJson:
        fine = False
    found = outcome(packb({"type": "GAME_ACTION", "id": "i", "action": action}, datetime=True))
    assert isinstance(found, GameAction) == fine


# --- out ------------------------------------------------------------------------------------------------------


@given(good_json)
def test_all_free_json_can_be_packed_and_comes_out_as_it_was(value: object) -> None:
    for ascii_only in (True, False):
        unpacked = unpackb(pack(json.dumps(value, ensure_ascii=ascii_only).encode()))
        assert json.dumps(unpacked) == json.dumps(value)


short_floats = st.sampled_from([0.5, 1.0, 1e16, -1.0])
growing = st.recursive(
    short_floats | st.lists(short_floats, min_size=15, max_size=17),
    lambda inner: st.lists(inner, max_size=17) | st.dictionaries(text, inner, max_size=17),
    max_leaves=40,
)


@given(st.dictionaries(text, growing | good_json, max_size=4))
def test_packing_makes_at_most_five_bytes_of_two(document: Document) -> None:
    """What `fits` relies on."""
    frame = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    assert len(pack(frame)) * 2 <= len(frame) * 5


FRAMES: list[type[Struct]] = [
    answers.Error,
    answers.Welcome,
    answers.TokenExpiring,
    answers.ServerDraining,
    answers.Detached,
    HiddenRun,
    *EVENTS.values(),
]


@pytest.mark.parametrize("kind", FRAMES, ids=lambda kind: kind.__name__)
@settings(max_examples=20)
@given(data=st.data())
def test_every_frame_and_event_is_read_back_from_both_encodings(
    kind: type[Struct], data: st.DataObject
) -> None:
    frame = msgspec.convert(data.draw(messages(inspect.type_info(kind))), kind)
    encoded = frame_of(frame)
    assert msgspec.msgpack.decode(encoded.packed, type=kind) == frame
    assert msgspec.json.decode(encoded.json, type=kind) == frame
