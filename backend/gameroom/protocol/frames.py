"""One message to clients, in each encoding that they may have agreed on.

Rooms, the journal and the bus know JSON only: one truth. MessagePack is made from it, for those who want it.
"""

from msgspec import json, msgpack

_read_json = json.Decoder().decode
_write_msgpack = msgpack.Encoder().encode


class Frame:
    """A message that is on its way to sockets. All who get the same share it, so it is packed at most once."""

    __slots__ = ("_packed", "json")

    def __init__(self, json: bytes) -> None:
        self.json = json
        self._packed: bytes | None = None

    @property
    def packed(self) -> bytes:
        """The same in MessagePack, made when it is first asked for."""
        if self._packed is None:
            self._packed = pack(self.json)
        return self._packed


def pack(frame: bytes) -> bytes:
    """JSON as MessagePack: equal values, keys in the same order. All that is free JSON can be packed."""
    return _write_msgpack(_read_json(frame))


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
