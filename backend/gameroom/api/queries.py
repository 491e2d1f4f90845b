"""What a call's URL says, as Structs, held to their bounds like bodies."""

from typing import TypeVar

from msgspec import Struct
from starlette.requests import Request

from gameroom.protocol.queries import read_query

T = TypeVar("T", bound=Struct)


def query_of(request: Request, shape: type[T]) -> T:
    """The query as `shape`. Raises `ValidationFailed` for everything that is not as it says."""
    return read_query(request.query_params.multi_items(), shape)
