"""From free JSON to a typed struct, with a sentence for every field that is wrong."""

from collections.abc import Iterator
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec import Struct, ValidationError
from msgspec.structs import FieldInfo

from gameroom.errors import FieldError, ValidationFailed
from gameroom.protocol.commands import FreeJson
from gameroom.protocol.sentences import MISSING, field_error, no_such_field, step_to

Kind = TypeVar("Kind", bound=Struct)
Value = TypeVar("Value")

MOST_ERRORS = 20


def validated(raw: dict[str, FreeJson], kind: type[Kind], pointer: str) -> Kind:
    """`raw` as a `kind`. Raises `ValidationFailed` that names the wrong fields below `pointer`, such as `#/action`."""
    try:
        return _read(raw, kind)
    except ValidationError as fault:
        found = tuple(islice(_wrong_fields(raw, kind, pointer), MOST_ERRORS))
        errors = found or (field_error(kind, fault, pointer),)
        sentence = "; ".join(f"{error.pointer}: {error.detail}" for error in errors)
        raise ValidationFailed(sentence, errors=errors) from None


def _read(value: FreeJson, kind: type[Value]) -> Value:
    # JSON has strings as keys only: `{"3": …}` is how a dict[int, …] is sent.
    return msgspec.convert(value, kind, str_keys=True)


def _wrong_fields(raw: dict[str, FreeJson], kind: type[Struct], pointer: str) -> Iterator[FieldError]:
    """msgspec stops at the first error; who fills in a form wants all of them."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, value in raw.items():
        if name in fields:
            yield from _wrong_value(value, fields[name], pointer + step_to(name))
        elif name != kind.__struct_config__.tag_field:
            yield FieldError(pointer + step_to(name), no_such_field(name, fields))
    for name, field in fields.items():
        if field.required and name not in raw:
            yield FieldError(pointer + step_to(name), MISSING)


def _wrong_value(value: FreeJson, field: FieldInfo, pointer: str) -> Iterator[FieldError]:
    try:
        _read(value, field.type)
    except ValidationError as fault:
        yield field_error(field.type, fault, pointer)
