"""Whatever arrives: a command or a refusal that can be answered, never anything else."""

import json
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gameroom.errors import MalformedFrame, UnknownCommand, ValidationFailed
from gameroom.protocol.codec import CommandRefused, decode_command, encode, error_frame, input_of
from gameroom.protocol.commands import COMMANDS, AnyCommand, GameAction
from gameroom.protocol.free_json import NotFreeJson, check_free_json
from gameroom.protocol.limits import MAX_INT, MIN_INT

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
good_scalars = (
    st.none()
    | st.booleans()
    | st.integers(MIN_INT, MAX_INT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
good_json = st.recursive(
    good_scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4)
)
# Low surrogates only: JSON makes a character of a high and a low one in a row.
any_text = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\0\udfff"), max_size=8)
any_json = st.recursive(
    good_scalars | any_text | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
)
field_names = sorted({name for command in COMMANDS.values() for name in command.__struct_fields__})
nearly_commands = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(COMMANDS)) | any_text},
    optional=dict.fromkeys(field_names, any_json) | {"x": any_json},
)


def outcome(frame: str | bytes) -> AnyCommand | CommandRefused:
    """Decodes, and checks of a refusal what every refusal must be."""
    try:
        return decode_command(frame)
    except CommandRefused as refusal:
        error = refusal.error
        assert type(error) in (MalformedFrame, UnknownCommand, ValidationFailed)
        answer = error_frame(error, id=refusal.id, command=refusal.command, room_id=refusal.room_id)
        assert json.loads(answer.json)["code"] == error.code
        return refusal


@given(st.binary() | any_text | any_json.map(json.dumps))
def test_junk_is_refused(frame: str | bytes) -> None:
    outcome(frame)


@given(nearly_commands)
def test_what_looks_like_a_command_is_one_or_is_refused(fields: dict[str, object]) -> None:
    found = outcome(json.dumps(fields))
    if not isinstance(found, CommandRefused):
        check_free_json(json.loads(encode(found)), levels=1000)


@given(nearly_commands, st.randoms(use_true_random=False))
def test_spoilt_commands_are_refused(fields: dict[str, object], random: Random) -> None:
    frame = bytearray(json.dumps(fields).encode())
    place = random.randrange(len(frame))
    frame[place] = random.randrange(256)
    outcome(bytes(frame))


@given(st.dictionaries(text, good_json, max_size=4))
def test_good_free_json_arrives_as_it_was_sent(action: dict[str, object]) -> None:
    for ascii_only in (True, False):
        frame = json.dumps({"type": "GAME_ACTION", "action": action}, ensure_ascii=ascii_only)
        assert decode_command(frame) == GameAction(action=action)


@given(st.dictionaries(any_text, any_json, max_size=4))
def test_decoding_takes_exactly_what_the_walker_takes(action: dict[str, object]) -> None:
    try:
        check_free_json(action)
        fine = True
    except NotFreeJson:
        fine = False
    found = outcome(json.dumps({"type": "GAME_ACTION", "id": "i", "action": action}))
    assert isinstance(found, GameAction) == fine


def shuffled(value: object, random: Random) -> object:
    if isinstance(value, list):
        return [shuffled(item, random) for item in value]
    if not isinstance(value, dict):
        return value
    items = [(key, shuffled(item, random)) for key, item in value.items()]
    random.shuffle(items)
    return dict(items)


@given(st.dictionaries(text, good_json, max_size=4), st.randoms(use_true_random=False))
def test_input_does_not_depend_on_the_order_of_keys(action: dict[str, object], random: Random) -> None:
    command = {"type": "GAME_ACTION", "id": "i", "room_id": "r", "action": action}
    one = decode_command(json.dumps(command))
    two = decode_command(json.dumps(shuffled({**command, "id": "j", "ack": False}, random)))
    assert input_of(one) == input_of(two)


@given(good_json, good_json)
def test_input_tells_contents_apart(one: object, two: object) -> None:
    same_content = json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
    assert (
        input_of(GameAction(action={"a": one})) == input_of(GameAction(action={"a": two}))
    ) == same_content
