"""One message to clients, in each form in which it may leave.

Rooms, the journal and the bus know JSON only: one truth. MessagePack is made from it, for those who want it.
"""

import struct

from msgspec import json, msgpack

from gameroom.clock import Millis

_read_json = json.Decoder().decode
_write_msgpack = msgpack.Encoder().encode

_WHOLE_TEXT, _WHOLE_BINARY = 0x81, 0x82
"""First bytes of WebSocket frames that are whole messages (RFC 6455, 5.2)."""


class Frame:
    """A message that is on its way to sockets. All who get the same share it: it takes each form at most once.

    `flush_ms`: how long it may wait, so as to leave together with others.
    """

    __slots__ = ("_binary", "_packed", "_text", "flush_ms", "json")

    def __init__(self, json: bytes, flush_ms: Millis = 0) -> None:
        self.json = json
        self.flush_ms = flush_ms
        self._packed: bytes | None = None
        self._text: bytes | None = None
        self._binary: bytes | None = None

    @property
    def packed(self) -> bytes:
        """The same in MessagePack."""
        if self._packed is None:
            self._packed = pack(self.json)
        return self._packed

    @property
    def text(self) -> bytes:
        """The JSON as a WebSocket text message, its head included: the same bytes for every socket."""
        if self._text is None:
            self._text = unmasked(_WHOLE_TEXT, self.json)
        return self._text

    @property
    def binary(self) -> bytes:
        """The MessagePack as a WebSocket binary message, likewise."""
        if self._binary is None:
            self._binary = unmasked(_WHOLE_BINARY, self.packed)
        return self._binary


def pack(frame: bytes) -> bytes:
    """JSON as MessagePack: equal values, keys in the same order. All that is free JSON can be packed."""
    return _write_msgpack(_read_json(frame))


def unmasked(first: int, payload: bytes) -> bytes:
    """A whole WebSocket frame as servers send it (RFC 6455, 5.2); `first` is its first byte."""
    length = len(payload)
    if length < 126:
        return bytes((first, length)) + payload
    if length < 65536:
        return struct.pack("!BBH", first, 126, length) + payload
    return struct.pack("!BBQ", first, 127, length) + payload


def fits(frame: bytes, max_bytes: int) -> bool:
    """Whether a frame, or an object in one, given as JSON, is no longer than that in any encoding.

    Asked while a room decides, for after that nothing may fail, and nobody knows there who listens in which encoding.

    MessagePack may be the longer one: `0.5` and its comma grow from 4 bytes to 9, and the heads of long arrays add a
    little; 5/2 is never reached. So only frames near the limit have to be packed to know.
    """
    length = len(frame)
    if length * 5 <= max_bytes * 2:
        return True
    return length <= max_bytes and len(pack(frame)) <= max_bytes
