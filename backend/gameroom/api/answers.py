"""Structs as HTTP answers."""

import msgspec
from msgspec import Struct
from starlette.responses import Response

NO_STORE = {"Cache-Control": "no-store"}
"""Goes with tokens and with what belongs to one user."""


def answer(body: Struct, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")
