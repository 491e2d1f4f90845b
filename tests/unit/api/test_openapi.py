"""The OpenAPI document says of every call how it may end, with headers and examples that hold."""

from collections.abc import Iterator

import pytest
from jsonschema_rs import validator_for
from msgspec import Struct

from gameroom.api.openapi import query_parameters
from tests.kit.documents import document
from tests.kit.wire import Json

DOCUMENT = document("openapi")
CALLS = {
    f"{method.upper()} {path}": call
    for path, methods in DOCUMENT["paths"].items()
    for method, call in methods.items()
}

each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def bodies_of(call: Json) -> Iterator[tuple[Json, object]]:
    """Every schema of a body of the call, with each example of it."""
    for holder in (call.get("requestBody", {}), *call["responses"].values()):
        for media in holder.get("content", {}).values():
            examples = media["examples"].values() if "examples" in media else [{"value": media["example"]}]
            yield from ((media["schema"], example["value"]) for example in examples)


@each_call
def test_every_answer_bears_its_id(call: Json) -> None:
    for answer in call["responses"].values():
        assert "X-Request-Id" in answer["headers"]


@each_call
def test_what_may_always_happen_is_said(call: Json) -> None:
    expected = {"500"}
    expected |= {"413", "422"} if "requestBody" in call else set()
    expected |= {"401", "503"} if "security" in call else set()
    assert expected <= call["responses"].keys()


@each_call
def test_a_refusal_says_what_to_do(call: Json) -> None:
    for status, header in (("401", "WWW-Authenticate"), ("429", "Retry-After"), ("503", "Retry-After")):
        if status in call["responses"]:
            assert header in call["responses"][status]["headers"]


@each_call
def test_every_example_is_valid(call: Json) -> None:
    for schema, example in bodies_of(call):
        validator_for({**schema, "components": DOCUMENT["components"]}).validate(example)


@each_call
def test_answers_with_tokens_are_not_stored(call: Json) -> None:
    for answer in call["responses"].values():
        if "#/components/schemas/Tokens" in str(answer) or "#/components/schemas/SignedIn" in str(answer):
            assert "Cache-Control" in answer["headers"]


class Query(Struct):
    needed: str
    free: int = 3


def test_a_field_that_is_needed_has_no_default() -> None:
    needed, free = query_parameters(Query)
    assert needed == {"name": "needed", "in": "query", "required": True, "schema": {"type": "string"}}
    assert free["schema"] == {"type": "integer", "default": 3}
