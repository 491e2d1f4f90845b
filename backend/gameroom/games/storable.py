"""Which types a game may declare: those that are stored and read back as they were, and hide what they should."""

from collections.abc import Iterator
from typing import get_origin

from msgspec import Struct
from msgspec.inspect import (
    CustomType,
    DateTimeType,
    DateType,
    DecimalType,
    DictType,
    EnumType,
    ExtType,
    Field,
    FloatType,
    IntType,
    LiteralType,
    Metadata,
    RawType,
    StrType,
    StructType,
    Type,
    UnionType,
    UUIDType,
    type_info,
)

from gameroom.games.failures import GameDefinitionError
from gameroom.games.visible import is_hidden, shown_fields

KEYS = (StrType, IntType, FloatType, EnumType, LiteralType, UUIDType, DateType, DateTimeType, DecimalType)


def check_type(where: str, kind: object) -> None:
    """Raises `GameDefinitionError` unless values of `kind` can be stored. `where` is the start of the sentence."""
    try:
        info = type_info(kind)
    except (TypeError, NameError) as error:
        raise GameDefinitionError(f"{where}: {error}") from error
    _check(where, info, set())


def _check(where: str, info: Type, seen: set[object]) -> None:
    if is_hidden(info):
        raise GameDefinitionError(
            f"{where}: Hidden[…] stands around the whole type of a field, not inside it"
        )
    if isinstance(info, CustomType | RawType | ExtType):
        name = getattr(getattr(info, "cls", None), "__name__", "This type")
        raise GameDefinitionError(f"{where}: {name} cannot be stored; make it a GameState with typed fields")
    if isinstance(info, DictType) and not _is_key(info.key_type):
        raise GameDefinitionError(f"{where}: the keys of a dict must be strings, numbers or enums")
    if isinstance(info, StructType):
        _check_struct(info, seen)
    else:
        for child in children(info):
            _check(where, child, seen)


def _check_struct(info: StructType, seen: set[object]) -> None:
    if info.cls in seen:
        return
    seen.add(info.cls)
    kind: type[Struct] = get_origin(info.cls) or info.cls
    if not kind.__struct_config__.eq:
        raise GameDefinitionError(
            f"{kind.__name__}: eq=False would hide whether it is read back as it was stored"
        )
    _check_hiding(kind, info)
    for field in info.fields:
        for part in _without_hidden(field.type):
            _check(f"{kind.__name__}.{field.name}", part, seen)


def _check_hiding(kind: type[Struct], info: StructType) -> None:
    """`Box[Hidden[int]]` would say that it hides, but a value knows only that it is a Box."""
    hidden = {field.name for field in info.fields if is_hidden(field.type)}
    shown = {attribute for _, attribute in shown_fields(kind)}
    if hidden & shown:
        raise GameDefinitionError(
            f"{kind.__name__}: write Hidden[…] in the class itself, not in its parameters"
        )


def _without_hidden(info: Type) -> Iterator[Type]:
    """The type of a field, or the members of its union, without the `Hidden` that is in its place there."""
    if isinstance(info, Metadata):
        yield from _without_hidden(info.type)
    elif isinstance(info, UnionType):
        for member in info.types:
            yield from _without_hidden(member)
    else:
        yield info


def _is_key(info: Type) -> bool:
    return all(isinstance(part, KEYS) for part in _without_hidden(info))


def children(info: Type) -> Iterator[Type]:
    """The types that stand directly inside this one."""
    for name in info.__struct_fields__:
        value = getattr(info, name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Type):
                yield item
            elif isinstance(item, Field):
                yield item.type
