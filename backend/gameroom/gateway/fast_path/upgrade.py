"""The opening handshake (RFC 6455, section 4.2) as bytes: the request, the answers that may follow. Pure.

httptools, here or in the server in front, has found the request well-formed and about to upgrade; the rest is checked.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from email.utils import formatdate
from hashlib import sha1
from http import HTTPStatus

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from msgspec import Struct

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Headers = list[tuple[bytes, bytes]]


class BadUpgrade(Exception):
    """The request asks for no WebSocket that there is. `headers` go with the answer."""

    def __init__(self, status: HTTPStatus, reason: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = list(headers)


class Request(Struct, frozen=True):
    """`target`: path and query as sent. Names of headers are in lower case."""

    method: bytes
    target: bytes
    headers: Headers

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]

    def words(self, name: bytes) -> list[str]:
        """The comma-separated words of a header, all its lines together."""
        return [word.strip() for value in self.values(name) for word in value.decode("latin-1").split(",")]

    def wants_websocket(self) -> bool:
        """Whether this, and nothing else, is what it would be upgraded to."""
        return [value.lower() for value in self.values(b"upgrade")] == [b"websocket"]


class _Heads:
    """What the parser of httptools calls back: the request lines and headers of all the requests that it meets."""

    def __init__(self) -> None:
        self.requests = 0
        self.target = b""
        self.headers: Headers = []

    def on_message_begin(self) -> None:
        self.requests += 1

    def on_url(self, part: bytes) -> None:
        self.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.strip()))


def read_upgrade(data: bytes) -> tuple[Request, bytes] | None:
    """A request for a WebSocket, and what came behind it. None: `data` is anything else, or not the whole of it."""
    heads = _Heads()
    parser = HttpRequestParser(heads)
    try:
        parser.feed_data(data)
    except HttpParserUpgrade as upgrade:
        request = Request(parser.get_method(), heads.target, heads.headers)
        # Another request may stand before it, and waits for its answer.
        if heads.requests == 1 and request.wants_websocket():
            return request, data[upgrade.args[0] :]
    except HttpParserError:
        return None  # whoever serves HTTP here has the words for it
    return None


def read_request(data: bytes) -> Request:
    """What uvicorn writes down of the request that it has parsed."""
    head, _, _ = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, _ = first.split(b" ")
    pairs = (line.split(b":", 1) for line in lines)
    return Request(method, target, [(name.lower(), value.strip()) for name, value in pairs])


def accept_key(request: Request) -> bytes:
    """The value that proves to the client that it was understood. Raises `BadUpgrade`."""
    if request.method != b"GET":
        raise BadUpgrade(HTTPStatus.METHOD_NOT_ALLOWED, "a WebSocket begins with GET", [(b"allow", b"GET")])
    if request.values(b"sec-websocket-version") != [b"13"]:
        raise BadUpgrade(
            HTTPStatus.UPGRADE_REQUIRED,
            "Sec-WebSocket-Version must be 13",
            [(b"sec-websocket-version", b"13")],
        )
    keys = request.values(b"sec-websocket-key")
    if len(keys) != 1 or not _is_key(keys[0]):
        raise BadUpgrade(HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64")
    return b64encode(sha1(keys[0] + GUID, usedforsecurity=False).digest())


def _is_key(key: bytes) -> bool:
    try:
        return len(b64decode(key, validate=True)) == 16
    except ValueError:
        return False


def accepted(key: bytes, headers: Iterable[tuple[bytes, bytes]], subprotocol: str | None) -> bytes:
    """The answer that opens the WebSocket."""
    agreed = [] if subprotocol is None else [(b"sec-websocket-protocol", subprotocol.encode("latin-1"))]
    fixed = [(b"upgrade", b"websocket"), (b"connection", b"Upgrade"), (b"sec-websocket-accept", key)]
    return _head(HTTPStatus.SWITCHING_PROTOCOLS, [*fixed, *agreed, *headers])


def denied(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bytes:
    """The answer that refuses it, after which the connection closes."""
    given = [(name.lower(), value) for name, value in headers]
    names = {name for name, _ in given}
    defaults = (
        (b"date", formatdate(usegmt=True).encode()),
        (b"connection", b"close"),
        (b"content-length", b"%d" % len(body)),
        (b"content-type", b"text/plain; charset=utf-8"),
    )
    return _head(status, [*given, *(pair for pair in defaults if pair[0] not in names)]) + body


def _head(status: int, headers: Headers) -> bytes:
    lines = [b"HTTP/1.1 %d %s" % (status, _phrase(status)), *(b"%s: %s" % pair for pair in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _phrase(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
