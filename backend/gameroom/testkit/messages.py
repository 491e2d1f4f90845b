"""Hypothesis strategies: what clients may send to a game, as its actions declare it, and what they may not."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import Struct, inspect, to_builtins

from gameroom.protocol.commands import FreeJson
from gameroom.protocol.limits import MAX_INT, MIN_INT

Messages = SearchStrategy[FreeJson]

MOST_ITEMS = 6
"""Of a list, set or object, where its type does not ask for more."""

LONGEST_TEXT = 12
"""Characters of a string, where its type does not ask for more."""

SMALL = 12
"""Numbers without bounds are mostly this small: so are seats, cards and squares."""

characters = st.characters(codec="utf-8", exclude_characters="\0")
texts = st.text(characters, max_size=LONGEST_TEXT)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(MIN_INT, MAX_INT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
junk: Messages = scalars | st.lists(scalars, max_size=2) | st.dictionaries(texts, scalars, max_size=2)
free_json: Messages = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


def fields_of(kind: type[Struct]) -> SearchStrategy[dict[str, FreeJson]]:
    """The fields of an action, each as its type says; those with a default are left out at times."""
    info = inspect.type_info(kind)
    return _fields(info.fields) if isinstance(info, inspect.StructType) else st.just({})


def spoilt_fields_of(kind: type[Struct]) -> SearchStrategy[dict[str, FreeJson]]:
    """Fields of an action, with what does not belong there."""
    names = st.sampled_from(kind.__struct_encode_fields__) | texts if kind.__struct_fields__ else texts
    spoilt = st.dictionaries(names.filter(lambda name: name != "type"), junk, min_size=1, max_size=3)
    return st.tuples(fields_of(kind), spoilt).map(lambda parts: parts[0] | parts[1])


def _fields(fields: tuple[inspect.Field, ...]) -> SearchStrategy[dict[str, FreeJson]]:
    drawn = {field.encode_name: messages(field.type) for field in fields}
    optional = {field.encode_name for field in fields if not field.required}
    return st.fixed_dictionaries(
        {name: drawn[name] for name in drawn if name not in optional},
        optional={name: drawn[name] for name in drawn if name in optional},
    )


def messages(kind: inspect.Type) -> Messages:
    """JSON that is read as a `kind`."""
    match kind:
        case inspect.Metadata(type=inner):
            return messages(inner)
        case inspect.UnionType(types=types):
            return st.one_of(*map(messages, types))
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.EnumType(cls=cls):
            return st.sampled_from([member.value for member in cls])
        case inspect.StructType():
            return st.deferred(lambda: _struct(kind))
        case inspect.DictType() | inspect.CollectionType() | inspect.TupleType():
            return _container(kind)
        case _:
            return _scalar(kind)


def _struct(kind: inspect.StructType) -> Messages:
    tag = {} if kind.tag_field is None else {kind.tag_field: kind.tag}
    return _fields(kind.fields).map(lambda fields: tag | fields)


def _container(kind: inspect.DictType | inspect.CollectionType | inspect.TupleType) -> Messages:
    if isinstance(kind, inspect.TupleType):
        return st.tuples(*map(messages, kind.item_types)).map(list)
    least, most = _size(kind.min_length, kind.max_length)
    if isinstance(kind, inspect.DictType):
        keys = messages(kind.key_type).map(str)
        return st.dictionaries(keys, messages(kind.value_type), min_size=least, max_size=most)
    return st.lists(messages(kind.item_type), min_size=least, max_size=most)


def _size(least: int | None, most: int | None) -> tuple[int, int]:
    start = least or 0
    return start, max(start, MOST_ITEMS) if most is None else min(most, start + MOST_ITEMS)


def _scalar(kind: inspect.Type) -> Messages:
    match kind:
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return _integers(kind)
        case inspect.FloatType():
            return _floats(kind)
        case inspect.StrType():
            return _texts(kind)
        case inspect.AnyType():
            return free_json
        case _:
            return _spelled(kind)


def _integers(kind: inspect.IntType) -> Messages:
    step = kind.multiple_of or 1
    least = MIN_INT if kind.ge is None and kind.gt is None else _next(kind.ge, kind.gt, 1)
    most = MAX_INT if kind.le is None and kind.lt is None else _next(kind.le, kind.lt, -1)
    first, last = -(-least // step), most // step
    start = min(max(first, 0), last)
    small = st.integers(start, min(start + SMALL, last))
    return (small | st.integers(first, last)).map(lambda number: number * step)


def _next(inclusive: int | None, exclusive: int | None, by: int) -> int:
    bounds = [] if inclusive is None else [inclusive]
    if exclusive is not None:
        bounds.append(exclusive + by)
    return max(bounds) if by > 0 else min(bounds)


def _floats(kind: inspect.FloatType) -> Messages:
    least = kind.ge if kind.gt is None else kind.gt
    most = kind.le if kind.lt is None else kind.lt
    return st.floats(
        least,
        most,
        exclude_min=kind.gt is not None,
        exclude_max=kind.lt is not None,
        allow_nan=False,
        allow_infinity=False,
    )


def _texts(kind: inspect.StrType) -> Messages:
    least, most = kind.min_length or 0, kind.max_length
    if kind.pattern is None:
        longest = least + LONGEST_TEXT
        return st.text(characters, min_size=least, max_size=longest if most is None else min(most, longest))
    fits = st.from_regex(kind.pattern, alphabet=characters)
    return fits.filter(lambda text: least <= len(text) and (most is None or len(text) <= most))


_SPELLED: dict[type[inspect.Type], SearchStrategy[Any]] = {
    inspect.DateTimeType: st.datetimes(),
    inspect.DateType: st.dates(),
    inspect.TimeType: st.times(),
    inspect.TimeDeltaType: st.timedeltas(timedelta(0), timedelta(days=1)),
    inspect.UUIDType: st.uuids(),
    inspect.DecimalType: st.decimals(allow_nan=False, allow_infinity=False),
    inspect.BytesType: st.binary(max_size=12),
    inspect.ByteArrayType: st.binary(max_size=12),
}
"""What JSON writes as a string."""


def _spelled(kind: inspect.Type) -> Messages:
    """Anything else is sent as any JSON, which the game refuses."""
    return _SPELLED.get(type(kind), free_json).map(to_builtins)
