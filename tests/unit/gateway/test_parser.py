"""Bytes into messages, by RFC 6455: whatever the pieces in which they arrive."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Opcode

from gameroom.gateway.fast_path.framing import BINARY, CLOSE, PING, PONG, TEXT, BrokenFraming, unframe
from gameroom.gateway.fast_path.parser import NO_CODE, Parser, Said, close_code
from tests.unit.gateway.test_framing import masked

MOST = 1000

Piece = tuple[Opcode, bytes, bool]


def heard(pieces: Iterable[bytes], most: int = MOST) -> list[Said]:
    """All that is said, and at last, as ("broken", code), why there is no more."""
    parser = Parser(most, unframe)
    said: list[Said] = []
    try:
        for piece in pieces:
            parser.feed(piece)
            while (one := parser.next()) is not None:
                said.append(one)
    except BrokenFraming as broken:
        said.append((broken.code, "broken"))
    return said


def sent(*frames: Piece) -> bytes:
    return b"".join(masked(opcode, payload, fin=fin) for opcode, payload, fin in frames)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(at)]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[Piece], list[Said]]:
    """Frames, and what they say: messages in fragments, with control frames between these."""
    frames: list[Piece] = []
    said: list[Said] = []
    for _ in range(draw(st.integers(0, 6))):
        text = draw(st.text("aé€😀", max_size=20))
        is_text = draw(st.booleans())
        parts = cut(text.encode(), draw(st.lists(st.integers(0, 100), max_size=3))) or [b""]
        for number, part in enumerate(parts):
            opcode = (Opcode.TEXT if is_text else Opcode.BINARY) if number == 0 else Opcode.CONT
            frames.append((opcode, part, number == len(parts) - 1))
            if number < len(parts) - 1 and draw(st.booleans()):
                frames.append((Opcode.PING, b"?", True))
                said.append((PING, b"?"))
        said.append((TEXT, text) if is_text else (BINARY, text.encode()))
    return frames, said


@given(conversation=conversations(), places=st.lists(st.integers(0, 10_000), max_size=8))
def test_what_is_said_does_not_depend_on_how_it_arrives(
    conversation: tuple[list[Piece], list[Said]], places: list[int]
) -> None:
    frames, said = conversation
    assert heard(cut(sent(*frames), places)) == said


@given(data=st.binary(max_size=300), places=st.lists(st.integers(0, 300), max_size=5))
def test_junk_is_broken_framing_and_nothing_else(data: bytes, places: list[int]) -> None:
    assert heard(cut(data, places)) == heard([data])


BROKEN = {
    "reserved bit": (b"\xc1" + masked(Opcode.TEXT, b"x")[1:], 1002),
    "reserved opcode": (b"\x83" + masked(Opcode.TEXT, b"x")[1:], 1002),
    "reserved control opcode": (b"\x8b" + masked(Opcode.TEXT, b"x")[1:], 1002),
    "fragmented ping": (b"\x09" + masked(Opcode.TEXT, b"x")[1:], 1002),
    "long ping": (b"\x89" + masked(Opcode.TEXT, b"x" * 126)[1:], 1002),
    "nothing to continue": (sent((Opcode.CONT, b"x", True)), 1002),
    "nothing to continue any more": (sent((Opcode.TEXT, b"x", True), (Opcode.CONT, b"x", True)), 1002),
    "a message within a message": (sent((Opcode.TEXT, b"x", False), (Opcode.TEXT, b"y", True)), 1002),
    "text that is no UTF-8": (sent((Opcode.TEXT, b"\xff", True)), 1007),
    "text that ends in the middle": (sent((Opcode.TEXT, b"\xc3", False), (Opcode.CONT, b"", True)), 1007),
    "a bad fragment": (sent((Opcode.TEXT, b"ok \xff", False)), 1007),
    "a surrogate": (sent((Opcode.TEXT, b"\xed\xa0\x80", True)), 1007),
    "a long message": (sent((Opcode.TEXT, b"x" * (MOST + 1), True)), 1009),
    "a long sum": (sent((Opcode.TEXT, b"x" * MOST, False), (Opcode.CONT, b"x", True)), 1009),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_the_rfc_forbids_is_told_at_once(case: str) -> None:
    data, code = BROKEN[case]
    before = sent((Opcode.TEXT, b"sound", True))
    *sound, last = heard([before + data])
    assert last == (code, "broken") and sound[0] == (TEXT, "sound")
    *_, last = heard([bytes((byte,)) for byte in data])
    assert last == (code, "broken")


def test_a_letter_may_lie_in_two_fragments() -> None:
    assert heard([sent((Opcode.TEXT, b"\xc3", False), (Opcode.CONT, b"\xa9", True))]) == [(TEXT, "é")]


def test_control_frames_are_heard_between_fragments() -> None:
    frames = sent((Opcode.TEXT, b"a", False), (Opcode.PONG, b"!", True), (Opcode.CONT, b"b", True))
    assert heard([frames]) == [(PONG, b"!"), (TEXT, "ab")]


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1011, 1014, 3000, 4999])
def test_a_close_frame_has_a_code_and_a_reason(code: int) -> None:
    payload = Close(code, "bye").serialize()
    assert heard([masked(Opcode.CLOSE, payload)]) == [(CLOSE, payload)]
    assert close_code(payload) == code


def test_a_close_frame_may_be_empty() -> None:
    assert close_code(b"") == NO_CODE


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_codes_that_no_frame_may_bear(code: int) -> None:
    with pytest.raises(BrokenFraming) as broken:
        close_code(code.to_bytes(2, "big"))
    assert broken.value.code == 1002


def test_the_rest_of_a_close_frame() -> None:
    for payload, code in ((b"\x03", 1002), (b"\x03\xe8\xff", 1007)):
        with pytest.raises(BrokenFraming) as broken:
            close_code(payload)
        assert broken.value.code == code


def test_a_parser_that_has_heard_all_keeps_nothing() -> None:
    parser = Parser(MOST, unframe)
    parser.feed(sent((Opcode.TEXT, b"x" * 500, True)))
    assert parser.next() == (TEXT, "x" * 500) and parser.next() is None
    assert parser._buffer == b""
