"""Bodies that no client of today's calls can send through, and clients that do not behave."""

import asyncio
import logging
from typing import Any

import pytest
from msgspec import Struct
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from gameroom.api import bodies
from gameroom.api.requests import LastResort, RequestIds
from gameroom.errors import ValidationFailed


class Free(Struct):
    """A shape with a field that holds any JSON."""

    metadata: Any = None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"metadata":' + b"[" * 60_000, "#"),
        (b'{"metadata":{"a":["\\u0000"]}}', "#/metadata/a/0"),
        (b'{"metadata":{"a":["\\ud800"]}}', "#/metadata/a/0"),
    ],
    ids=["deep", "nul", "surrogate"],
)
def test_free_json_is_held_to_what_can_be_carried(body: bytes, pointer: str) -> None:
    with pytest.raises(ValidationFailed) as told:
        bodies.json_decoder(Free)(body)
    assert [error.pointer for error in told.value.errors] == [pointer]


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert bodies.json_decoder(Free)(rb'{"metadata":"\\u0000"}').metadata == r"\u0000"


def request(receive: Receive) -> Request:
    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


async def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silence() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    monkeypatch.setattr(bodies, "DEADLINE_S", 0.01)
    with pytest.raises(bodies.BodyTooSlow) as told:
        await bodies.read_bounded(request(silence))
    assert [error.pointer for error in told.value.errors] == ["#"]


async def test_a_client_that_leaves_early_is_no_failure_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def reading(scope: Scope, receive: Receive, _: Send) -> None:
        await bodies.read_bounded(Request(scope, receive))

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    with caplog.at_level(logging.INFO, "gameroom.api"):
        await RequestIds(LastResort(reading))({"type": "http", "headers": []}, gone, send)
    assert sent == []
    assert [record.levelname for record in caplog.records] == ["INFO"]
