"""The OpenAPI document: FastAPI's walk over the routes, with the schemas that msgspec makes of our shapes.

`call` describes one call; what every call has in common is said here once.
"""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, TypedDict

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from msgspec import NODEFAULT, Struct

from gameroom.api.shapes import SHAPES
from gameroom.errors import (
    ERRORS,
    AccountSuspended,
    GameroomError,
    InternalError,
    MessageTooBig,
    RateLimited,
    TokenExpired,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
)
from gameroom.protocol.examples import Examples
from gameroom.protocol.problem import CONTENT_TYPE, Problem, title_of, type_of
from gameroom.protocol.schemas import ERROR_CODE, NULL, Schema, portable, ref, schemas_of, with_fields

JSON = "application/json"
TEXT = "text/plain"
FORM = "application/x-www-form-urlencoded"
TOKEN_PATH = "/api/v1/auth/token"  # noqa: S105 - a path

Body = type[Struct] | tuple[type[Struct], ...] | type[str] | None
"""The shape of an answer, or its alternatives; `str`: plain text; None: it has no body."""

SECURITY_SCHEMES: Schema = {
    "password": {"type": "oauth2", "flows": {"password": {"tokenUrl": TOKEN_PATH, "scopes": {}}}},
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}

HEADERS: Schema = {
    "X-Request-Id": {
        "description": "Under which the call is logged: the caller's own, if it sent a plain one.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "Cache-Control": {
        "description": "The answer is for its caller only.",
        "required": True,
        "schema": {"enum": ["no-store"]},
    },
    "WWW-Authenticate": {
        "description": "RFC 6750's challenge.",
        "required": True,
        "schema": {"type": "string", "pattern": "^Bearer"},
    },
    "Retry-After": {
        "description": "Seconds after which to come back.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
}
"""Headers of answers. `X-Request-Id` is in all of them."""

HEADERS_OF: dict[int, tuple[str, ...]] = {
    Unauthenticated.status: ("WWW-Authenticate",),
    RateLimited.status: ("Retry-After",),
    Unavailable.status: ("Retry-After",),
}


CROWDED = (RateLimited, Unavailable)
"""The refusals of a call that is counted, and asks the database."""


class Takes(Struct, frozen=True, kw_only=True):
    """What a call is given. `path`: the types of its parameters there, by name; else the shape of each."""

    path: dict[str, object] = {}
    query: type[Struct] | None = None
    json: type[Struct] | None = None
    form: type[Struct] | None = None


NOTHING = Takes()


class CallDoc(TypedDict):
    """What a route is told about its call, in the words of `add_api_route`."""

    status_code: int
    responses: dict[int | str, Schema]
    openapi_extra: Schema


def call(
    *,
    gives: Mapping[int, Body],
    takes: Takes = NOTHING,
    refuses: Iterable[type[GameroomError]] = (),
    problem: type[Problem] = Problem,
    bearer: bool = False,
    no_store: bool = False,
    asks_room: bool = False,
) -> CallDoc:
    """Describe a call: what it takes, what it gives by status (None: no content), and how it refuses.

    Any call may fail for a bug of ours; one with a query or a body may find it wrong; one with a bearer may find it
    bad, or be unable to look. `no_store`: what it gives bears `Cache-Control: no-store`. `asks_room`: it waits for a
    room, but not for ever.
    """
    reasons = [*refuses, InternalError]
    if bearer:
        reasons += [Unauthenticated, TokenExpired, AccountSuspended, Unavailable]
    responses: dict[int | str, Schema] = {
        status: answered(shape, no_store) for status, shape in gives.items()
    }
    responses |= refusals([*reasons, *faults_of(takes)], problem)
    if asks_room:
        responses |= UNDECIDED
    return CallDoc(
        status_code=next(iter(gives)), responses=responses, openapi_extra=asked_with(takes, bearer=bearer)
    )


def faults_of(takes: Takes) -> Iterator[type[GameroomError]]:
    """What may be wrong with it."""
    if takes.query or takes.json or takes.form:
        yield ValidationFailed
    if takes.json or takes.form:
        yield MessageTooBig


def asked_with(takes: Takes, *, bearer: bool) -> Schema:
    """What FastAPI does not find out by itself of what a call is given."""
    extra: Schema = {}
    if parameters := [*path_parameters(takes.path), *query_parameters(takes.query)]:
        extra["parameters"] = parameters
    if bearer:
        extra["security"] = [{"bearer": []}, {"password": []}]
    if body := takes.json or takes.form:
        extra["requestBody"] = {"required": True, "content": content(JSON if takes.json else FORM, body)}
    return extra


def path_parameters(types: Mapping[str, object]) -> Iterator[Schema]:
    for name, kind in types.items():
        yield {"name": name, "in": "path", "required": True, "schema": portable(msgspec.json.schema(kind))}


def query_parameters(shape: type[Struct] | None) -> Iterator[Schema]:
    """One for each field."""
    for field in () if shape is None else msgspec.structs.fields(shape):
        schema = portable(msgspec.json.schema(field.type))
        default = {} if field.default in (None, NODEFAULT) else {"default": field.default}
        yield {"name": field.name, "in": "query", "required": field.required, "schema": schema | default}


def answered(body: Body, no_store: bool) -> Schema:
    done: Schema = {"description": "Done", "headers": headers("Cache-Control") if no_store else headers()}
    if body is None:
        return done
    if isinstance(body, tuple):
        return {**done, "content": {JSON: {"schema": {"anyOf": [*map(ref, body)]}}}}
    if issubclass(body, str):
        return {**done, "content": {TEXT: {"schema": {"type": "string"}}}}
    return {**done, "content": content(JSON, body)}


def refusals(reasons: Iterable[type[GameroomError]], problem: type[Problem]) -> dict[int | str, Schema]:
    """One response per status, naming its codes."""
    codes: dict[int, list[str]] = {}
    for code, status in {reason.code: reason.status for reason in reasons}.items():
        codes.setdefault(status, []).append(code)
    return {status: refused(status, names, problem) for status, names in sorted(codes.items())}


def refused(status: int, codes: list[str], problem: type[Problem]) -> Schema:
    return {
        "description": " · ".join(f"`{code}`" for code in codes),
        "headers": headers(*HEADERS_OF.get(status, ())),
        "content": content(CONTENT_TYPE, problem, codes),
    }


def headers(*names: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *names)}


def content(media_type: str, shape: type[Struct], codes: Iterable[str] = ()) -> Schema:
    """`codes`: those that a problem may have here; each becomes an example when the document is made."""
    described: Schema = {"schema": ref(shape)}
    if codes:
        described["examples"] = {code: {} for code in codes}
    return {media_type: described}


UNDECIDED: dict[int | str, Schema] = {
    HTTPStatus.GATEWAY_TIMEOUT.value: {
        "description": "Whether it was done was not known in time",
        "headers": headers(),
    }
}
"""Without a body: each code would say that nothing was changed."""


# --- the document ---------------------------------------------------------------------------------------------


def openapi_document(app: FastAPI) -> Schema:
    """The whole document, made anew."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=None,
        description=app.description,
        openapi_version="3.1.0",
        license_info={"name": "MIT", "identifier": "MIT"},
        routes=app.routes,
    )
    schemas = schemas_of(SHAPES)
    schemas |= {
        shape.__name__: with_fields(schemas[shape.__name__], {"code": ERROR_CODE})
        for shape in SHAPES
        if issubclass(shape, Problem)
    }
    document["components"] = {"schemas": schemas, "headers": HEADERS, "securitySchemes": SECURITY_SCHEMES}
    illustrate(document["paths"], Examples(schemas))
    for parameter in parameters_in(document["paths"]):
        parameter["schema"] = never_null(parameter["schema"])
    return document


def illustrate(paths: Schema, examples: Examples) -> None:
    """Give every body of the calls an example, and every problem one for each of its codes."""
    for media in media_in(paths):
        example = examples.of(media["schema"])
        if "examples" in media:
            media["examples"] = {code: {"value": {**example, **told_of(code)}} for code in media["examples"]}
        else:
            media["example"] = example


def media_in(paths: Schema) -> Iterator[Schema]:
    for methods in paths.values():
        for each in methods.values():
            for holder in (each.get("requestBody", {}), *each["responses"].values()):
                yield from holder.get("content", {}).values()


def parameters_in(paths: Schema) -> Iterator[Schema]:
    for methods in paths.values():
        for each in methods.values():
            yield from each.get("parameters", ())


def never_null(schema: Schema) -> Schema:
    """A parameter may be left out, but no header or query can say null, as FastAPI has it."""
    options = [option for option in schema.get("anyOf", ()) if option != NULL]
    if len(options) != 1:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**rest, **options[0]}


def told_of(code: str) -> dict[str, Any]:
    """What a problem says in which nothing but its code is known."""
    return {
        "type": type_of(code),
        "title": title_of(code),
        "status": ERRORS[code].status,
        "detail": "A sentence for whoever debugs",
        "code": code,
    }
