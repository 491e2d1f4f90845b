"""`X-Request-Id`: in every answer over HTTP, of a call and of a handshake, the id under which it is logged."""

import re
from collections.abc import Iterable

from gameroom.ids import new_id

HEADER = "X-Request-Id"

_PLAUSIBLE = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""An id that a proxy or client may choose; any other is replaced, so that no one writes into our logs."""


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's own id if it sent a plausible one, else a new one. `headers` as ASGI has them: lower-case."""
    for name, value in headers:
        if name == b"x-request-id" and _PLAUSIBLE.fullmatch(value):
            return str(value, "ascii")
    return new_id()
