"""The opening handshake as bytes (RFC 6455, section 4.2)."""

from http import HTTPStatus

import pytest

from gameroom.gateway.fast_path.upgrade import (
    BadUpgrade,
    Request,
    accept_key,
    accepted,
    denied,
    read_request,
    read_upgrade,
)

GOOD = (
    b"GET /ws?ticket=a%20b HTTP/1.1\r\nhost: example.org\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: one, two\r\n"
    b"sec-websocket-protocol:three\r\nx-empty:\r\nx-colon: a:b\r\n\r\n"
)

ASKED = GOOD.replace(b"host:", b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nhost:")
PLAIN = b"GET /healthz HTTP/1.1\r\nhost: example.org\r\n\r\n"


def test_a_request_in_one_piece_is_read_as_uvicorn_would_have_it_read() -> None:
    assert read_upgrade(ASKED + b"\x81\x80") == (read_request(ASKED), b"\x81\x80")


@pytest.mark.parametrize(
    "data",
    [
        ASKED[:-2],
        PLAIN,
        PLAIN + ASKED,
        ASKED.replace(b"WebSocket", b"h2c"),
        ASKED.replace(b"Upgrade: WebSocket", b"Upgrade: h2c\r\nUpgrade: WebSocket"),
        ASKED.replace(b", Upgrade\r", b"\r"),
        ASKED.replace(b"x-empty:", b"x empty:"),
        ASKED.replace(b"HTTP/1.1", b"HTTP"),
        b"\x16\x03\x01",
    ],
)
def test_what_is_no_request_for_a_websocket_or_not_the_first_or_not_whole(data: bytes) -> None:
    assert read_upgrade(data) is None


def test_a_request_is_read() -> None:
    request = read_request(GOOD)
    assert (request.method, request.target) == (b"GET", b"/ws?ticket=a%20b")
    assert request.words(b"sec-websocket-protocol") == ["one", "two", "three"]
    assert request.values(b"x-empty") == [b""] and request.values(b"x-colon") == [b"a:b"]


def test_the_key_of_the_rfc() -> None:
    assert accept_key(read_request(GOOD)) == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("good", "bad", "status"),
    [
        (b"GET", b"POST", HTTPStatus.METHOD_NOT_ALLOWED),
        (b"version: 13", b"version: 8", HTTPStatus.UPGRADE_REQUIRED),
        (b"sec-websocket-version: 13\r\n", b"", HTTPStatus.UPGRADE_REQUIRED),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhlIHNhbXBsZQ==", HTTPStatus.BAD_REQUEST),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"?", HTTPStatus.BAD_REQUEST),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"", HTTPStatus.BAD_REQUEST),
        (b"x-empty:", b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", HTTPStatus.BAD_REQUEST),
    ],
)
def test_what_is_no_upgrade_is_said(good: bytes, bad: bytes, status: HTTPStatus) -> None:
    with pytest.raises(BadUpgrade) as refused:
        accept_key(read_request(GOOD.replace(good, bad)))
    assert refused.value.status == status
    if status is HTTPStatus.UPGRADE_REQUIRED:
        assert refused.value.headers == [(b"sec-websocket-version", b"13")]


def test_the_answer_that_opens() -> None:
    answer = accepted(b"key=", [(b"x-one", b"1")], "gameroom.v1.json")
    head, *lines = answer.split(b"\r\n")
    assert head == b"HTTP/1.1 101 Switching Protocols" and answer.endswith(b"\r\n\r\n")
    assert {b"sec-websocket-accept: key=", b"sec-websocket-protocol: gameroom.v1.json", b"x-one: 1"} < set(
        lines
    )
    assert b"sec-websocket-protocol" not in accepted(b"key=", [], None)


def test_the_answer_that_refuses() -> None:
    answer = denied(404, [(b"Content-Type", b"application/problem+json")], b"{}")
    head, body = answer.split(b"\r\n\r\n")
    assert body == b"{}" and head.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert head.count(b"content-type") == 1 and b"content-length: 2" in head and b"connection: close" in head
    assert denied(599, [], b"").startswith(b"HTTP/1.1 599 \r\n")


def test_a_request_without_headers_has_no_words() -> None:
    assert Request(b"GET", b"/", []).words(b"sec-websocket-protocol") == []
