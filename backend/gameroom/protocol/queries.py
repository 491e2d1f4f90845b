"""What the query of a URL says, as Structs: strings that are read as what each field declares."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec
from msgspec import Struct

from gameroom.errors import ValidationFailed
from gameroom.protocol.sentences import step_to, wrong_field

T = TypeVar("T", bound=Struct)


def read_query(parameters: Iterable[tuple[str, str]], shape: type[T]) -> T:
    """The query as `shape`. Raises `ValidationFailed` for everything that is not as it says."""
    fields: dict[str, str] = {}
    for name, value in parameters:
        if name in fields:
            raise ValidationFailed.at(f"#{step_to(name)}", "this may be given once only")
        # In a URL that is a word like others; the conversion would take it for a field that was left out.
        if value.lower() == "null":
            raise ValidationFailed.at(f"#{step_to(name)}", "null is no value here; leave the parameter out")
        fields[name] = value
    try:
        return msgspec.convert(fields, shape, strict=False)
    except msgspec.ValidationError as fault:
        raise wrong_field(shape, fault) from None
