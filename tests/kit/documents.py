"""The server's own documents, held against all that goes over the wire.

They come from `gameroom asyncapi` and `gameroom openapi`, once a test session. Every frame and answer that arrives
must be as they say, without a field more; and what a server has accepted must be what they allow.
"""

import json
import os
import re
import subprocess
import sys
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import httpx2
from jsonschema_rs import Validator, validator_for

from tests.kit.wire import Json, require

FORM = "application/x-www-form-urlencoded"
UNDOCUMENTED = re.compile(r"/docs(/.*)?|/openapi\.json|/asyncapi\.json|/broken")
"""The documents themselves, their page, and a call that tests add in order to see the server fail."""


@cache
def document(name: str) -> Json:
    """`asyncapi` or `openapi`, as the command of that name prints it."""
    command = [sys.executable, "-m", "gameroom.cli", name]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GAMEROOM_")}
    printed = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60).stdout
    read: Json = json.loads(printed)
    return read


def violation(validator: Validator, value: Any) -> str | None:
    """The first thing in the value that is not as it should be."""
    error = next(validator.iter_errors(value), None)
    return None if error is None else f"#/{'/'.join(map(str, error.instance_path))}: {error.message}"


@cache
def _schemas(name: str) -> Json:
    components = document(name)["components"]
    return {"components": {"schemas": _closed(components["schemas"])}}


def _closed(value: Any) -> Any:
    """The same schemas, but without room for fields that they do not name."""
    if isinstance(value, list):
        return [_closed(item) for item in value]
    if not isinstance(value, dict):
        return value
    closed = {key: _closed(item) for key, item in value.items()}
    return {"additionalProperties": False, **closed} if isinstance(value.get("properties"), dict) else closed


def _validator(name: str, schema: Json) -> Validator:
    return validator_for({**_schemas(name), **_closed(schema)})


# --- the socket -----------------------------------------------------------------------------------------------


@cache
def message(key: str) -> Validator | None:
    """What validates the payload of a message of the AsyncAPI document; None if there is no such message."""
    found = document("asyncapi")["components"]["messages"].get(key)
    return None if found is None else _validator("asyncapi", found["payload"])


def key_of(frame: Json) -> str:
    """The document has a message for the REPLY to each command."""
    return f"REPLY.{frame['command']}" if frame["type"] == "REPLY" else str(frame["type"])


def check_received(frame: Json) -> None:
    """A frame of the server is a message of the document. Raises `RuleBroken`."""
    _check("the server sent", key_of(frame), frame)


def check_accepted(command: Json) -> None:
    """A command that was answered with REPLY is one that the document allows. Raises `RuleBroken`."""
    _check("the server accepted", str(command.get("type")), command)


def _check(what: str, key: str, frame: Json) -> None:
    validator = message(key)
    require(validator is not None, f"{what} what the AsyncAPI document has no message for: {frame!r}")
    if validator is not None and not validator.is_valid(frame):
        require(
            False,
            f"{what} what is no {key} of the AsyncAPI document: {violation(validator, frame)}: {frame!r}",
        )


# --- REST -----------------------------------------------------------------------------------------------------


def check_exchange(response: httpx2.Response) -> None:
    """The answer is one that the OpenAPI document promises for its call, and an accepted body one that it allows."""
    method, path = response.request.method, response.request.url.path
    if method in ("HEAD", "OPTIONS") or UNDOCUMENTED.fullmatch(path):
        return
    call = operation(method, path)
    if call is None:
        require(
            response.status_code == 404, f"{method} {path} is not in the OpenAPI document, and there is one"
        )
        return
    _check_answer(call, response)
    if response.status_code < 400 and "requestBody" in call:
        _check_body(call["requestBody"]["content"], response.request)


def operation(method: str, path: str) -> Json | None:
    """The call of the document that this is. Exact paths go before templates."""
    paths = document("openapi")["paths"]
    fitting = [template for template in paths if method.lower() in paths[template] and _fits(template, path)]
    return paths[min(fitting, key=lambda template: template.count("{"))][method.lower()] if fitting else None


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\\{[^/]+\\}", "[^/]+", re.escape(template)), path) is not None


def _check_answer(call: Json, response: httpx2.Response) -> None:
    where = f"{response.request.method} {response.request.url.path}: {response.status_code}"
    promised = call["responses"].get(str(response.status_code))
    if promised is None:
        return require(False, f"{where} is not in the OpenAPI document: {response.text}")
    for name in promised["headers"]:
        _check_header(where, name, response.headers.get(name))
    if response.is_success and response.headers.get("cache-control") == "no-store":
        require(
            "Cache-Control" in promised["headers"], f"{where} has a Cache-Control that is not in the document"
        )
    if "content" not in promised:
        return require(not response.content, f"{where} has a body that is not in the OpenAPI document")
    kind = response.headers.get("content-type", "").partition(";")[0]
    require(kind in promised["content"], f"{where} is {kind!r}, not one of {[*promised['content']]}")
    wrong = violation(_body(json.dumps(promised["content"][kind]["schema"])), response.json())
    return require(wrong is None, f"{where} is not as the OpenAPI document says: {wrong}: {response.text}")


def _check_header(where: str, name: str, value: str | None) -> None:
    header = document("openapi")["components"]["headers"][name]
    require(value is not None or not header.get("required"), f"{where} has no {name}")
    wrong = None if value is None else violation(_validator("openapi", header["schema"]), value)
    require(wrong is None, f"{where} has a wrong {name}: {wrong}")


def _check_body(content: Json, request: httpx2.Request) -> None:
    [(kind, described)] = content.items()
    body = dict(parse_qsl(request.content.decode())) if kind == FORM else json.loads(request.content)
    if kind == FORM:  # anything else in a form is ignored, as RFC 6749 says
        body = {name: value for name, value in body.items() if name in FORM_FIELDS}
    wrong = violation(_body(json.dumps(described["schema"])), body)
    require(
        wrong is None, f"{request.url} accepted what the OpenAPI document does not allow: {wrong}: {body!r}"
    )


FORM_FIELDS = {"grant_type", "username", "password", "refresh_token"}


@cache
def _body(schema: str) -> Validator:
    return _validator("openapi", json.loads(schema))
