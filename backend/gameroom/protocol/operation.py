"""One step of a JSON Patch (RFC 6902)."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from gameroom.protocol.commands import FreeJson


class Operation(Struct, frozen=True):
    """One step of a patch. `path` is a JSON pointer (RFC 6901); `value` is left out for `remove`, and may be null."""

    op: Literal["add", "remove", "replace"]
    path: str
    value: FreeJson | UnsetType = UNSET
