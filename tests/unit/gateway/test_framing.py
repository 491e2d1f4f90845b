"""One frame of a client: the reading in Python and its compiled twin, held against the library `websockets`."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame as TheirFrame
from websockets.frames import Opcode

from gameroom.gateway.fast_path.framing import BrokenFraming, Unframe, unframe
from gameroom.protocol.frames import unmasked

try:
    from gameroom.gateway.fast_path._framing import unframe as compiled
except ImportError:
    compiled = None

TWINS = [
    pytest.param(unframe, id="python"),
    pytest.param(compiled, id="compiled", marks=pytest.mark.skipif(compiled is None, reason="not compiled")),
]
MOST = 100_000

both = pytest.mark.parametrize("read", TWINS)
lengths = st.one_of(st.integers(0, 300), st.sampled_from([125, 126, 127, 65_535, 65_536, MOST]))
opcodes = st.sampled_from([Opcode.CONT, Opcode.TEXT, Opcode.BINARY])


def masked(opcode: Opcode, payload: bytes, *, fin: bool = True) -> bytes:
    return TheirFrame(opcode, payload, fin).serialize(mask=True)


def test_the_twin_is_there_where_ci_runs() -> None:
    """Elsewhere it may be missing: then everything is done in Python."""
    assert compiled is not None or not os.environ.get("CI")


@both
@given(opcode=opcodes, length=lengths, before=st.binary(max_size=20), after=st.binary(max_size=20))
def test_a_whole_frame_is_read_wherever_it_stands(
    read: Unframe, opcode: Opcode, length: int, before: bytes, after: bytes
) -> None:
    payload = bytes(index * 7 % 256 for index in range(length))
    frame = masked(opcode, payload)
    for data in (before + frame + after, bytearray(before + frame + after)):
        assert read(data, len(before), MOST) == (0x80 | opcode, payload, len(before + frame))


@both
@given(length=st.integers(0, 70_000), cut=st.floats(0, 1, exclude_max=True))
def test_a_part_of_a_frame_is_not_read(read: Unframe, length: int, cut: float) -> None:
    frame = masked(Opcode.BINARY, bytes(length))
    assert read(frame[: int(len(frame) * cut)], 0, MOST) is None


@both
@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (unmasked(0x81, b"hello"), 1002),
        (unmasked(0x81, b"")[:2], 1002),
        (b"\x82\xff\x80" + bytes(7), 1002),
        (b"\x82\xff" + (MOST + 1).to_bytes(8, "big"), 1009),
        (b"\x82\xff" + (2**63 - 1).to_bytes(8, "big"), 1009),
        (b"\x82\xfe\xff\xff", None),
    ],
    ids=["not masked", "empty and not masked", "64 bits", "too long", "the longest", "long and not there"],
)
def test_what_is_no_frame_is_known_by_its_head(read: Unframe, frame: bytes, code: int | None) -> None:
    if code is None:
        assert read(frame, 0, MOST) is None
        return
    with pytest.raises(BrokenFraming) as broken:
        read(frame, 0, MOST)
    assert broken.value.code == code


@both
def test_the_limit_is_the_length_that_still_passes(read: Unframe) -> None:
    frame = masked(Opcode.TEXT, b"x" * 200)
    assert read(frame, 0, 200) is not None
    with pytest.raises(BrokenFraming, match="message_too_big"):
        read(frame, 0, 199)


@pytest.mark.skipif(compiled is None, reason="not compiled")
@given(data=st.binary(max_size=40), start=st.integers(0, 40), most=st.integers(0, 200))
def test_the_twins_agree_on_anything(data: bytes, start: int, most: int) -> None:
    def outcome(read: Unframe) -> object:
        try:
            return read(data, start, most)
        except BrokenFraming as broken:
            return broken.code, broken.reason

    assert compiled is not None
    if start <= len(data):
        assert outcome(compiled) == outcome(unframe)


@pytest.mark.skipif(compiled is None, reason="not compiled")
@pytest.mark.parametrize(
    "arguments",
    [(), (b"", 0), (b"", 1, 5), (b"", -1, 5), (b"", 0, -1), ("text", 0, 5), (b"", "0", 5), (b"", 2**70, 5)],
)
def test_the_compiled_twin_refuses_arguments_that_are_none(arguments: tuple[object, ...]) -> None:
    assert compiled is not None
    with pytest.raises((TypeError, ValueError, OverflowError)):
        compiled(*arguments)  # type: ignore[arg-type]
