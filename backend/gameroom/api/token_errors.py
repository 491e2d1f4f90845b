"""The refusals of `/auth/token`: problems that OAuth2 clients understand too (RFC 6749, 5.2)."""

import re

from msgspec.json import encode
from msgspec.structs import asdict
from starlette.responses import Response

from gameroom.api.answers import NO_STORE
from gameroom.api.problems import headers_of
from gameroom.api.shapes import TokenProblem
from gameroom.errors import (
    AccountSuspended,
    GameroomError,
    MessageTooBig,
    RateLimited,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
)
from gameroom.protocol.problem import problem_of

WORDS: dict[type[GameroomError], str] = {
    Unauthenticated: "invalid_grant",
    AccountSuspended: "invalid_grant",
    ValidationFailed: "invalid_request",
    MessageTooBig: "invalid_request",
    # RFC 6749 has no word for these at the token endpoint; this one is of the authorization endpoint.
    RateLimited: "temporarily_unavailable",
    Unavailable: "temporarily_unavailable",
}


def token_problem(error: GameroomError) -> Response:
    body = TokenProblem(
        **asdict(problem_of(error)),
        error=word_of(error),
        error_description=re.sub(r"[^ !#-\[\]-~]", "'", error.message),
    )
    return Response(encode(body), error.status, {**headers_of(error), **NO_STORE})


def word_of(error: GameroomError) -> str:
    if isinstance(error, ValidationFailed) and is_of_grant_type(error):
        return "unsupported_grant_type"
    return next((word for kind, word in WORDS.items() if isinstance(error, kind)), "server_error")


def is_of_grant_type(error: ValidationFailed) -> bool:
    """Whether a grant type was named that there is not; a missing one is another matter."""
    return [(each.pointer, "missing" in each.detail) for each in error.errors] == [("#/grant_type", False)]
