"""RFC 6455, section 5, one frame at a time: the words of it, and the reading of one frame in pure Python.

`unframe` has a compiled twin, which is used where it could be built; one suite of tests runs over both.
"""

from typing import Protocol

from gameroom.protocol.codes import CloseCode

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
"""Opcodes."""

FIN = 0x80
"""Set in the first byte of a frame that ends its message."""

MASKED = 0x80
"""Set in the second byte."""

LONGEST_CONTROL = 125
"""Bytes that a control frame may hold."""

_16_BITS, _64_BITS = 126, 127
"""Lengths that say: the length follows, in so many bits."""

Unframed = tuple[int, bytes, int]
"""The first byte of a frame, its payload unmasked, and where the next frame begins."""


class Unframe(Protocol):
    """Reads one frame of a client: `unframe` below, or its compiled twin."""

    def __call__(self, data: bytes | bytearray, start: int, most: int, /) -> Unframed | None: ...


class BrokenFraming(Exception):
    """The peer's bytes cannot be read on: the socket is to be closed with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def unframe(data: bytes | bytearray, start: int, most: int) -> Unframed | None:
    """The client's frame that begins at `start`; None where it is not whole yet.

    Raises `BrokenFraming`, as soon as its head is there: not masked (1002), a length that is none (1002), or a payload
    of more than `most` bytes (1009).
    """
    if len(data) < start + 2:
        return None
    first, second = data[start], data[start + 1]
    if not second & MASKED:
        raise BrokenFraming(CloseCode.PROTOCOL_ERROR, "frames of clients must be masked")
    length = second & ~MASKED
    at = start + 2
    if length >= _16_BITS:
        size = 2 if length == _16_BITS else 8
        if len(data) < at + size:
            return None
        length = int.from_bytes(data[at : at + size], "big")
        at += size
        if length >> 63:
            raise BrokenFraming(CloseCode.PROTOCOL_ERROR, "a length has 63 bits at most")
    if length > most:
        raise BrokenFraming(CloseCode.MESSAGE_TOO_BIG, "message_too_big")
    end = at + 4 + length
    if len(data) < end:
        return None
    return first, _unmasked(data[at + 4 : end], data[at : at + 4]), end


def _unmasked(payload: bytes | bytearray, mask: bytes | bytearray) -> bytes:
    """XOR of two long integers: the fastest that Python has."""
    length = len(payload)
    key = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big")
