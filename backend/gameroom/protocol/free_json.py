"""Free JSON: what the server carries without reading, held to what every client and encoding can hold.

At most `limits.MAX_DEPTH` levels of objects and arrays, integers within int64, finite numbers, string keys, and no
U+0000 or lone surrogates in any string.
"""

from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import Any

from msgspec.msgpack import Ext

from gameroom.protocol.limits import MAX_DEPTH, MAX_INT, MIN_INT
from gameroom.protocol.sentences import step_to


class NotFreeJson(ValueError):
    """A value that may not be carried. `detail` is a sentence about what stands at `pointer`."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self._steps: list[str] = []

    @property
    def pointer(self) -> str:
        """A JSON pointer with `#`, from the value that was checked to the culprit; of a bad key, to its object."""
        return "#" + "".join(step_to(step) for step in reversed(self._steps))

    def below(self, step: str) -> "NotFreeJson":
        """The same fault, seen from one level further up."""
        self._steps.append(step)
        return self


class NestedTooDeep(NotFreeJson):
    """More levels of objects and arrays than a value may have."""

    def __init__(self) -> None:
        super().__init__(f"nested deeper than {MAX_DEPTH} levels")


def check_free_json(value: object, levels: int = MAX_DEPTH) -> None:
    """Raises `NotFreeJson` unless `value` is made of JSON's plain Python types (tuples too) and within the limits.

    `levels` of objects and arrays are allowed; a scalar needs none.
    """
    _CHECKS.get(type(value), _refuse)(value, levels)


def check_text(text: str, _levels: int = 0) -> None:
    """Raises `NotFreeJson` for what the strings of other languages or of PostgreSQL cannot hold."""
    if "\0" in text:
        raise NotFreeJson("U+0000 may not stand in a string")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise NotFreeJson("a lone surrogate (half a character) may not stand in a string") from None


def _check_integer(value: int, _levels: int) -> None:
    if not MIN_INT <= value <= MAX_INT:
        raise NotFreeJson("an integer must lie from -2^63 to 2^63 - 1")


def _check_number(value: float, _levels: int) -> None:
    if not isfinite(value):
        raise NotFreeJson("a number must be finite")


def _check_object(value: dict[object, object], levels: int) -> None:
    if not levels:
        raise NestedTooDeep
    for key, item in value.items():
        if not isinstance(key, str):
            raise NotFreeJson("the keys of an object must be strings")
        check_text(key)
        # Most members are short words: they pass without a call.
        if isinstance(item, str) and "\0" not in item and item.isascii():
            continue
        try:
            _CHECKS.get(type(item), _refuse)(item, levels - 1)
        except NotFreeJson as fault:
            raise fault.below(key) from None


def _check_array(value: list[object] | tuple[object, ...], levels: int) -> None:
    if not levels:
        raise NestedTooDeep
    for index, item in enumerate(value):
        try:
            _CHECKS.get(type(item), _refuse)(item, levels - 1)
        except NotFreeJson as fault:
            raise fault.below(str(index)) from None


def _accept(_value: bool | None, _levels: int) -> None:
    pass


def _refuse(value: object, _levels: int) -> None:
    kind = type(value)
    raise NotFreeJson(f"{_ONLY_IN_MESSAGE_PACK.get(kind) or f'a {kind.__name__}'} is not JSON")


_ONLY_IN_MESSAGE_PACK: dict[type, str] = {
    bytes: "binary data",
    Ext: "an extension type",
    datetime: "a timestamp",
}
"""What MessagePack has and JSON has not, in words."""

# A table instead of isinstance(): a bool must not pass for an int, and a command of the usual size costs half.
_CHECKS: dict[type, Callable[[Any, int], None]] = {
    dict: _check_object,
    list: _check_array,
    tuple: _check_array,
    str: check_text,
    int: _check_integer,
    float: _check_number,
    bool: _accept,
    type(None): _accept,
}
