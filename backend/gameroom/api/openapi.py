"""The OpenAPI document: FastAPI's walk over the routes, with the schemas that msgspec makes of our shapes.

Version 3.0, because the Swagger UI that can be installed from the package index knows no 3.1.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypedDict

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from msgspec import Struct

from gameroom.api.shapes import SHAPES
from gameroom.errors import GameroomError, MessageTooBig, TokenExpired, Unauthenticated, ValidationFailed
from gameroom.protocol.problem import CONTENT_TYPE, Problem

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
TOKEN_PATH = "/api/v1/auth/token"  # noqa: S105 - a path

Schema = dict[str, Any]
Body = type[Struct] | tuple[type[Struct], ...] | None
"""The shape of an answer, or its alternatives; None: it has no body."""

NULL: Schema = {"type": "null"}

SECURITY_SCHEMES: Schema = {
    "password": {"type": "oauth2", "flows": {"password": {"tokenUrl": TOKEN_PATH, "scopes": {}}}},
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}


class CallDoc(TypedDict):
    """What a route is told about its call, in the words of `add_api_route`."""

    status_code: int
    responses: dict[int | str, Schema]
    openapi_extra: Schema


def call(
    *,
    gives: Mapping[int, Body],
    path: Mapping[str, object] = MappingProxyType({}),
    query: type[Struct] | None = None,
    takes: type[Struct] | None = None,
    form: type[Struct] | None = None,
    refuses: Iterable[type[GameroomError]] = (),
    problem: type[Problem] = Problem,
    bearer: bool = False,
) -> CallDoc:
    """Describe a call: the body it takes, what it gives by status (None: no content), and how it refuses.

    `path`: the types of its parameters there, by name; `query`: the shape of what it is asked with.
    """
    body = takes or form
    reasons = [*refuses]
    parameters = [*path_parameters(path), *query_parameters(query)]
    extra: Schema = {"parameters": parameters} if parameters else {}
    if bearer:
        reasons += [Unauthenticated, TokenExpired]
        extra["security"] = [{"bearer": []}, {"password": []}]
    if body is not None:
        reasons += [ValidationFailed, MessageTooBig]
        extra["requestBody"] = {"required": True, "content": content(JSON if takes else FORM, body)}
    given: dict[int | str, Schema] = {status: answered(shape) for status, shape in gives.items()}
    return CallDoc(
        status_code=next(iter(gives)),
        responses=given | refusals(reasons, problem),
        openapi_extra=extra,
    )


def path_parameters(types: Mapping[str, object]) -> Iterator[Schema]:
    for name, kind in types.items():
        yield {"name": name, "in": "path", "required": True, "schema": msgspec.json.schema(kind)}


def query_parameters(shape: type[Struct] | None) -> Iterator[Schema]:
    """One for each field. What may be null in a Struct may be left out of a query."""
    for info in () if shape is None else msgspec.structs.fields(shape):
        schema = msgspec.json.schema(info.type)
        [schema] = [option for option in schema.get("anyOf", [schema]) if option != NULL]
        default = {} if info.default is None else {"default": info.default}
        yield {"name": info.name, "in": "query", "required": info.required, "schema": schema | default}


def answered(body: Body) -> Schema:
    if body is None:
        return {"description": "Done"}
    if isinstance(body, tuple):
        return {"description": "Done", "content": {JSON: {"schema": {"anyOf": [*map(reference, body)]}}}}
    return {"description": "Done", "content": content(JSON, body)}


def refusals(reasons: Iterable[type[GameroomError]], problem: type[Problem]) -> dict[int | str, Schema]:
    """One response per status, naming its codes."""
    codes: dict[int, list[str]] = {}
    for reason in reasons:
        codes.setdefault(reason.status, []).append(f"`{reason.code}`")
    return {
        status: {"description": " · ".join(names), "content": content(CONTENT_TYPE, problem)}
        for status, names in sorted(codes.items())
    }


def content(media_type: str, shape: type[Struct]) -> Schema:
    return {media_type: {"schema": reference(shape)}}


def reference(shape: type[Struct]) -> Schema:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def openapi_document(app: FastAPI) -> Schema:
    """The whole document, made anew."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=None,
        description=app.description,
        openapi_version="3.0.3",
        routes=app.routes,
    )
    _, schemas = msgspec.json.schema_components(SHAPES, ref_template="#/components/schemas/{name}")
    document["components"] = {"schemas": schemas, "securitySchemes": SECURITY_SCHEMES}
    return as_version_3_0(document)


def as_version_3_0(schema: Schema) -> Schema:
    """The same in OpenAPI 3.0's dialect of JSON Schema, which has `nullable` where 3.1 has a type `null`."""
    plain = {key: converted(value) for key, value in schema.items()}
    if not plain.get("required", True) and "properties" in plain:
        del plain["required"]  # 3.0 allows no empty list
    options = plain.get("anyOf", [])
    if NULL not in options:
        return plain
    del plain["anyOf"]
    return plain | nullable([option for option in options if option != NULL])


def converted(value: Any) -> Any:
    if isinstance(value, list):
        return [converted(item) for item in value]
    return as_version_3_0(value) if isinstance(value, dict) else value


def nullable(options: list[Schema]) -> Schema:
    if len(options) == 1 and "$ref" not in options[0]:
        return {**options[0], "nullable": True}
    return {"anyOf": options, "nullable": True}
