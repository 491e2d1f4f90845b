"""Every failure of a call, whoever raised it, as one `application/problem+json`."""

from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gameroom.api.bodies import BodyTooSlow
from gameroom.errors import FieldError, GameroomError, InternalError, NotFound, ValidationFailed
from gameroom.protocol.patch import escape
from gameroom.protocol.problem import problem_body, problem_headers
from gameroom.rooms.asking import Undecided


def install_problems(app: FastAPI) -> None:
    """Teach the application our errors and Starlette's and FastAPI's own; `RequestIds` sees to all others."""
    app.add_exception_handler(GameroomError, of_gameroom)
    app.add_exception_handler(Undecided, of_undecided)
    app.add_exception_handler(HTTPException, of_starlette)
    app.add_exception_handler(RequestValidationError, of_fastapi)


def problem(error: GameroomError) -> Response:
    return Response(problem_body(error), error.status, headers_of(error))


def headers_of(error: GameroomError) -> dict[str, str]:
    closing = {"Connection": "close"} if isinstance(error, BodyTooSlow) else {}
    return problem_headers(error) | closing


async def of_gameroom(_: Request, error: Exception) -> Response:
    assert isinstance(error, GameroomError)  # noqa: S101 - registered for this class only
    return problem(error)


async def of_undecided(_: Request, _error: Exception) -> Response:
    """No problem with a code: each of them would say that nothing was changed."""
    return Response(status_code=HTTPStatus.GATEWAY_TIMEOUT)


async def of_starlette(request: Request, error: Exception) -> Response:
    """Unknown paths, and methods that a path does not have: no such call is found. Nothing else is raised so."""
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code not in (404, 405):
        return problem(InternalError(error.detail))
    return problem(NotFound(f"There is no call {request.method} {request.url.path}"))


async def of_fastapi(_: Request, error: Exception) -> Response:
    """Parameters of the path, the query or the header that FastAPI refused."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults = tuple(FieldError(f"#/{escape(str(each['loc'][-1]))}", each["msg"]) for each in error.errors())
    sentence = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults)
    return problem(ValidationFailed(sentence, errors=faults))
