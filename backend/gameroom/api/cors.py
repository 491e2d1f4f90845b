"""Which pages of other origins a browser lets call REST, and read its answers."""

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from gameroom.api.problems import problem
from gameroom.errors import Forbidden
from gameroom.protocol.request_ids import HEADER as REQUEST_ID

METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
READ_BY_US = ("Authorization", "Content-Type", "Idempotency-Key", REQUEST_ID)
READ_BY_PAGES = (REQUEST_ID, "Retry-After")


class Cors(CORSMiddleware):
    """Starlette's, with our own refusals. Without credentials: no cookie is set or read, tokens are in a header."""

    def __init__(self, app: ASGIApp, allowed_origins: Iterable[str]) -> None:
        super().__init__(
            app,
            allow_origins=tuple(allowed_origins),
            allow_methods=METHODS,
            allow_headers=READ_BY_US,
            expose_headers=READ_BY_PAGES,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            return response
        why = bytes(response.body).decode().removeprefix("Disallowed CORS ")
        refusal = problem(Forbidden(f"A page may not make this call from elsewhere: {why}", reason="origin"))
        refusal.headers["Vary"] = response.headers["Vary"]
        return refusal
