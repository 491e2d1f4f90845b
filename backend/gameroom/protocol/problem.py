"""A refusal over HTTP: RFC 9457 problem+json, the same for REST and for a handshake that is refused."""

from http import HTTPStatus

from msgspec import UNSET, Struct, UnsetType
from msgspec.json import encode

from gameroom.errors import FieldError, GameroomError, Params

CONTENT_TYPE = "application/problem+json"


class Problem(Struct, frozen=True, kw_only=True):
    """The body. `type` names the code as a URN, `detail` is a sentence for testers."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    params: Params | UnsetType = UNSET
    errors: tuple[FieldError, ...] | UnsetType = UNSET


def type_of(code: str) -> str:
    """The URN of a code."""
    return f"urn:gameroom:problem:{code}"


def title_of(code: str) -> str:
    """The code as words."""
    return code.replace("_", " ").capitalize()


def problem_of(error: GameroomError) -> Problem:
    """What HTTP says of `error`; its status is the code's."""
    return Problem(
        type=type_of(error.code),
        title=title_of(error.code),
        status=error.status,
        detail=error.message,
        code=error.code,
        params=UNSET if error.params is None else error.params,
        errors=error.errors or UNSET,
    )


def problem_body(error: GameroomError) -> bytes:
    """The problem as JSON."""
    return encode(problem_of(error))


def problem_headers(error: GameroomError) -> dict[str, str]:
    """The headers that go with the body: a challenge with 401 (RFC 6750), and when to come back, in whole seconds."""
    headers = {"Content-Type": CONTENT_TYPE}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    if error.retry_after_ms is not None:
        headers["Retry-After"] = str(-(-error.retry_after_ms // 1000))
    return headers
