"""What of a game's values may leave the server: plain JSON, without the hidden fields.

Views, announcements, answers, results and the details of refusals all pass through `visible`. So a hidden field
gets out only where the author names it, and nothing that a client could not read is ever stored.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from math import isfinite
from typing import Annotated, Any, TypeVar, cast
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct
from msgspec.inspect import Metadata, StructType, Type, UnionType, type_info

from gameroom.protocol.commands import FreeJson
from gameroom.protocol.free_json import NestedTooDeep, NotFreeJson, check_free_json, check_text
from gameroom.protocol.limits import MAX_DEPTH, MAX_INT, MIN_INT

Shown = TypeVar("Shown")

HIDDEN = "gameroom.hidden"

Hidden = Annotated[Shown, Meta(extra={HIDDEN: True})]
"""`hand: Hidden[list[Card]]`: a field of a `GameState` (or of a Struct in it) that no view shows by itself."""

SPELLED = (date, time, timedelta, Decimal, UUID, bytes)
"""Scalars that JSON writes as strings."""

PLAIN: tuple[type, ...] = (dict, list, tuple, str, int, float)
"""What JSON has, and Python may have subclasses of."""


def visible(value: object, depth: int = 0) -> FreeJson:
    """The value as clients may see it: dicts with string keys, lists, strings, numbers, booleans, None.

    Structs become objects without their hidden fields, sets sorted lists, keys strings. The value itself is not
    counted as a level of nesting: it is the envelope, and what it carries may have `MAX_DEPTH` levels.
    Raises `NotFreeJson`.
    """
    show = _SHOW.get(type(value), _other)
    return value if show is None else show(value, depth)


def is_hidden(type_: Type) -> bool:
    """Whether a field of this type is hidden: `Hidden[X]`, also as a member of a union."""
    if isinstance(type_, Metadata):
        return HIDDEN in (type_.extra or {}) or is_hidden(type_.type)
    return isinstance(type_, UnionType) and any(is_hidden(member) for member in type_.types)


@cache
def shown_fields(kind: type[Struct]) -> tuple[tuple[str, str], ...]:
    """(name on the wire, attribute) of every field that is not hidden."""
    info = cast("StructType", type_info(kind))
    return tuple((field.encode_name, field.name) for field in info.fields if not is_hidden(field.type))


def _integer(value: int, depth: int) -> int:
    if not MIN_INT <= value <= MAX_INT:
        check_free_json(value)
    return value


def _float(value: float, depth: int) -> float:
    if not isfinite(value):
        check_free_json(value)
    return value


def _text(value: str, depth: int) -> str:
    if "\0" in value or not value.isascii():
        check_text(value)
    return value


def _object(items: Collection[tuple[object, object]], depth: int) -> dict[str, FreeJson]:
    _check_depth(depth)
    shown: dict[str, FreeJson] = {}
    name: str | None = None
    try:
        for key, item in items:
            name = None
            name = key if type(key) is str and key.isprintable() else _key(key)
            show = _SHOW.get(type(item), _other)
            shown[name] = item if show is None else show(item, depth + 1)
    except NotFreeJson as fault:
        raise (fault if name is None else fault.below(name)) from None
    if len(shown) != len(items):
        raise NotFreeJson("two keys are written alike")
    return shown


def _dict(value: dict[object, object], depth: int) -> dict[str, FreeJson]:
    return _object(value.items(), depth)


def _array(values: Iterable[object], depth: int) -> list[FreeJson]:
    _check_depth(depth)
    shown: list[FreeJson] = []
    try:
        for item in values:
            show = _SHOW.get(type(item), _other)
            shown.append(item if show is None else show(item, depth + 1))
    except NotFreeJson as fault:
        raise fault.below(str(len(shown))) from None
    return shown


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise NestedTooDeep


def _other(value: object, depth: int) -> FreeJson:
    """Whatever is no plain JSON value yet, subclasses of such included."""
    if isinstance(value, Struct):
        return _object(_struct_items(value), depth)
    if isinstance(value, set | frozenset):
        return sorted(_array(value, depth), key=_order)
    if isinstance(value, Enum):
        return visible(value.value, depth)
    if isinstance(value, SPELLED):
        return msgspec.to_builtins(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _object(
            [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)], depth
        )
    for kind in PLAIN:
        if isinstance(value, kind):
            return visible(kind(value), depth)
    raise NotFreeJson(
        f"a {type(value).__name__} cannot be sent: use a Struct, dict, list, str, number, bool or None"
    )


def _struct_items(value: Struct) -> list[tuple[str, object]]:
    """Chosen by the value's own class, so that a subclass cannot carry more out than its declaration shows."""
    kind = type(value)
    items = [(name, getattr(value, attribute)) for name, attribute in shown_fields(kind)]
    config = kind.__struct_config__
    if config.tag_field is not None:
        items.insert(0, (config.tag_field, config.tag))
    return [item for item in items if item[1] is not UNSET]


def _key(key: object) -> str:
    if type(key) is str:
        return _text(key, 0)
    try:
        (written,) = msgspec.to_builtins({key: None}, str_keys=True)
    except (TypeError, ValueError):
        raise NotFreeJson(f"a {type(key).__name__} cannot be the key of an object") from None
    return _text(str(written), 0)


def _order(item: FreeJson) -> tuple[str, FreeJson]:
    """Sets have no order of their own, and clients must see the same one after a recovery."""
    comparable = item if isinstance(item, str | int | float) else msgspec.json.encode(item)
    return type(item).__name__, comparable


_SHOW: dict[type, Callable[[Any, int], FreeJson] | None] = {
    type(None): None,
    bool: None,
    int: _integer,
    float: _float,
    str: _text,
    list: _array,
    tuple: _array,
    dict: _dict,
}
"""How a value of exactly this class is shown; None: as it is. A table, since every value of every view comes here."""
