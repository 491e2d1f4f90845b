"""From free JSON to a typed struct, with a sentence for every field that is wrong."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec import Struct, ValidationError
from msgspec.inspect import EnumType, LiteralType, Type, UnionType, type_info
from msgspec.structs import FieldInfo

from gameroom.errors import FieldError, ValidationFailed
from gameroom.protocol.commands import FreeJson
from gameroom.protocol.diagnosis import nearest
from gameroom.protocol.patch import escape

Kind = TypeVar("Kind", bound=Struct)

MOST_ERRORS = 20


def validated(raw: dict[str, FreeJson], kind: type[Kind], pointer: str) -> Kind:
    """`raw` as a `kind`. Raises `ValidationFailed` that names the wrong fields below `pointer`, such as `#/action`."""
    try:
        return msgspec.convert(raw, kind)
    except ValidationError as fault:
        found = tuple(islice(_wrong_fields(raw, kind, pointer), MOST_ERRORS))
        errors = found or (FieldError(pointer, str(fault)),)
        sentence = "; ".join(f"{error.pointer}: {error.detail}" for error in errors)
        raise ValidationFailed(sentence, errors=errors) from None


def _wrong_fields(raw: dict[str, FreeJson], kind: type[Struct], pointer: str) -> Iterator[FieldError]:
    """msgspec stops at the first error; who fills in a form wants all of them."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, value in raw.items():
        if name in fields:
            yield from _wrong_value(value, fields[name], f"{pointer}/{escape(name)}")
        elif name != kind.__struct_config__.tag_field:
            yield FieldError(f"{pointer}/{escape(name)}", _unknown(name, fields))
    for name, field in fields.items():
        if field.required and name not in raw:
            yield FieldError(f"{pointer}/{escape(name)}", "this field is missing")


def _wrong_value(value: FreeJson, field: FieldInfo, pointer: str) -> Iterator[FieldError]:
    try:
        msgspec.convert(value, field.type)
    except ValidationError as fault:
        detail, _, path = str(fault).partition(" - at `$")
        allowed = list(_choices(type_info(field.type))) if not path else []
        if allowed and detail.startswith("Invalid enum value"):
            detail = f"must be one of {', '.join(allowed)}"
        yield FieldError(pointer + _pointer(path), detail)


def _choices(kind: Type) -> Iterator[str]:
    """The values that a literal or an enum has."""
    if isinstance(kind, UnionType):
        for member in kind.types:
            yield from _choices(member)
    elif isinstance(kind, LiteralType):
        yield from (str(value) for value in kind.values)
    elif isinstance(kind, EnumType):
        yield from (str(member.value) for member in kind.cls)


def _unknown(name: str, names: Iterable[str]) -> str:
    guess = nearest(name, names)
    hint = f"did you mean {guess}?" if guess else f"known are {', '.join(sorted(names))}"
    return f"there is no such field; {hint}"


def _pointer(path: str) -> str:
    """`.moves[3].to` → `/moves/3/to`, as far as msgspec knows the way: it writes `[...]` for the key of a dict."""
    steps = re.findall(r"[.\[]([^.\[\]`]+)", path.partition("[...]")[0])
    return "".join(f"/{escape(step)}" for step in steps)
