"""The two encodings of the wire, each through a library that the server does not use."""

import json
from collections.abc import Iterable
from enum import Enum
from typing import Any

import msgpack

from tests.kit.wire import Json, RuleBroken, require

Message = str | bytes
"""A WebSocket message: text, or binary."""


class Encoding(Enum):
    """How frames are written, by the subprotocol that asks for it."""

    JSON = "gameroom.v1.json"
    MSGPACK = "gameroom.v1.msgpack"

    def pack(self, frame: object) -> Message:
        """Any value as a message, also one that is no command."""
        return json.dumps(frame) if self is Encoding.JSON else _packed(frame)

    def read(self, message: Message) -> Json:
        """The frame in a message of the server. Raises `RuleBroken` if it is not one of this encoding."""
        if self is Encoding.JSON:
            require(isinstance(message, str), f"a binary frame where text was agreed: {message!r}")
        else:
            require(isinstance(message, bytes), f"a text frame where binary was agreed: {message!r}")
        try:
            frame = self._read_strictly(message)
        except (ValueError, RecursionError) as error:
            raise RuleBroken(f"a frame that cannot be read ({error}): {message!r}") from error
        require(isinstance(frame, dict), f"a frame that is no object: {message!r}")
        return dict(frame)

    def _read_strictly(self, message: Message) -> object:
        """Raises `ValueError` also where the message holds what the wire does not have."""
        if self is Encoding.JSON:
            return json.loads(message, parse_constant=_no_constant, object_pairs_hook=_object)
        value = msgpack.unpackb(message, object_pairs_hook=_object, strict_map_key=False)
        _check_types(value)
        return value

    def glance(self, message: Message) -> object:
        """What a message of our own may mean, the odd ones of tests included; None if it is no frame at all."""
        try:
            return json.loads(message) if self is Encoding.JSON else msgpack.unpackb(message)
        except (ValueError, TypeError, RecursionError):
            return None


def agreed(subprotocol: str | None) -> Encoding:
    """What a handshake ended with; JSON also where no subprotocol was chosen."""
    return Encoding.JSON if subprotocol is None else Encoding(subprotocol)


def _packed(frame: object) -> bytes:
    packed = msgpack.packb(frame)
    assert packed is not None
    return packed


def _object(pairs: Iterable[tuple[Any, Any]]) -> Json:
    pairs = list(pairs)
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"an object with a key twice: {sorted(map(repr, found))}")
    return found


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _check_types(value: Any) -> None:
    """What MessagePack can say and the wire does not: bytes, extensions, keys of other kinds, NaN."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ValueError(f"a key that is no string: {key!r}")
            _check_types(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_types(inner)
    elif isinstance(value, float):
        if value - value != 0:
            raise ValueError(f"{value} is no number of JSON")
    elif value is not None and not isinstance(value, (str, int)):
        raise ValueError(f"{type(value).__name__} is not of the wire: {value!r}")
