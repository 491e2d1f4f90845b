"""What the query of a URL says, as Structs: strings that are read as what each field declares."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

from gameroom.errors import ValidationFailed
from gameroom.protocol.sentences import wrong_field

T = TypeVar("T", bound=Struct)


def read_query(query: Mapping[str, str], shape: type[T]) -> T:
    """The query as `shape`. Raises `ValidationFailed` for everything that is not as it says."""
    for name, value in query.items():
        # In a URL that is a word like others; the conversion would take it for a field that was left out.
        if value.lower() == "null":
            raise ValidationFailed.at(f"#/{name}", "null is no value here; leave the parameter out")
    try:
        return msgspec.convert(query, shape, strict=False)
    except msgspec.ValidationError as fault:
        raise wrong_field(shape, fault) from None
