"""The kit's encodings: both read what they write, and what the wire does not have is a broken rule."""

import json
import math

import msgpack
import pytest

from tests.kit.encoding import Encoding, Message, agreed
from tests.kit.wire import RuleBroken

FRAME = {"type": "X", "n": -(2**63), "f": 1.5, "list": [None, True, {"": "ü"}]}


@pytest.mark.parametrize("encoding", Encoding)
def test_what_is_packed_is_read_again(encoding: Encoding) -> None:
    assert encoding.read(encoding.pack(FRAME)) == FRAME
    assert encoding.glance(encoding.pack(FRAME)) == FRAME


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        (Encoding.JSON, b'{"type": "X"}'),
        (Encoding.JSON, '{"type": NaN}'),
        (Encoding.JSON, '{"type": "X", "type": "X"}'),
        (Encoding.JSON, '{"type": "X"'),
        (Encoding.JSON, "[]"),
        (Encoding.MSGPACK, json.dumps(FRAME)),
        (Encoding.MSGPACK, msgpack.packb({"type": b"X"})),
        (Encoding.MSGPACK, msgpack.packb({"type": msgpack.ExtType(1, b"")})),
        (Encoding.MSGPACK, msgpack.packb({"at": msgpack.Timestamp(1)})),
        (Encoding.MSGPACK, msgpack.packb({"list": [{1: 2}]})),
        (Encoding.MSGPACK, msgpack.packb({b"type": "X"})),
        (Encoding.MSGPACK, msgpack.packb({"f": math.nan})),
        (Encoding.MSGPACK, msgpack.packb({"f": math.inf})),
        (Encoding.MSGPACK, b"\x82\xa1a\x01\xa1a\x01"),
        (Encoding.MSGPACK, msgpack.packb(FRAME)[:-1]),
        (Encoding.MSGPACK, msgpack.packb(FRAME) + b"\x00"),
        (Encoding.MSGPACK, msgpack.packb([])),
        (Encoding.MSGPACK, b""),
    ],
)
def test_what_the_wire_does_not_have_is_a_broken_rule(encoding: Encoding, message: Message) -> None:
    with pytest.raises(RuleBroken):
        encoding.read(message)


def test_json_is_spoken_where_nothing_was_agreed() -> None:
    assert agreed(None) is Encoding.JSON
    assert [agreed(encoding.value) for encoding in Encoding] == list(Encoding)
