"""Who serves a connection, by its first bytes: the fast path at once, by uvicorn's hand, or uvicorn itself."""

import asyncio

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gameroom.gateway.fast_path import FastPathProtocol, FrontProtocol
from gameroom.gateway.fast_path.socket import FastSocket

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PLAIN = b"GET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n"
SAID = b"\x81\x82\0\0\0\0hi"
"""A frame of text, masked with zeros."""


class Wire(asyncio.Transport):
    """A connection whose other end is the test."""

    def __init__(self, site: "Site") -> None:
        super().__init__()
        self.protocol: asyncio.BaseProtocol = FrontProtocol(site.config, site.state, {})
        self.sent = b""
        self.closed = False
        self.protocol.connection_made(self)

    def receive(self, data: bytes) -> None:
        assert isinstance(self.protocol, asyncio.Protocol)
        self.protocol.data_received(data)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Site:
    """An app that accepts a WebSocket and notes what the peer says first, and a server that runs it."""

    def __init__(self) -> None:
        self.config = uvicorn.Config(
            self.app, http=FrontProtocol, ws=FastPathProtocol, interface="asgi3", log_config=None
        )
        self.config.load()
        self.state = ServerState()
        self.heard: Message = {}

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            self.heard = await receive()

    async def served(self) -> None:
        """Until the app has returned."""
        async with asyncio.timeout(10):
            await asyncio.gather(*self.state.tasks)


@pytest.fixture
async def site() -> Site:
    return Site()


async def test_a_handshake_in_one_piece_goes_to_the_fast_path_with_what_came_along(site: Site) -> None:
    wire = Wire(site)
    wire.receive(UPGRADE + SAID)
    assert isinstance(wire.protocol, FastPathProtocol)
    await site.served()
    assert site.heard == {"type": "websocket.receive", "text": "hi"}
    assert isinstance(wire.protocol, FastSocket) and wire.sent.startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("cut", [1, len(UPGRADE) - 1])
async def test_a_handshake_in_two_pieces_gets_there_by_uvicorns_hand(site: Site, cut: int) -> None:
    wire = Wire(site)
    wire.receive(UPGRADE[:cut])
    assert isinstance(wire.protocol, HttpToolsProtocol)
    wire.receive(UPGRADE[cut:])
    assert isinstance(wire.protocol, FastPathProtocol)
    await asyncio.sleep(0)
    wire.receive(SAID)
    await site.served()
    assert site.heard == {"type": "websocket.receive", "text": "hi"}


@pytest.mark.parametrize("data", [PLAIN, b"nonsense\r\n\r\n"])
async def test_everything_else_is_uvicorns(site: Site, data: bytes) -> None:
    wire = Wire(site)
    wire.receive(data)
    assert isinstance(wire.protocol, HttpToolsProtocol)
    await site.served()
    assert wire.sent.startswith(b"HTTP/1.1 ") and not site.heard


async def test_who_says_nothing_is_known_to_the_server_until_it_stops_or_they_leave(site: Site) -> None:
    silent, gone = Wire(site), Wire(site)
    assert site.state.connections == {silent.protocol, gone.protocol}
    gone.protocol.connection_lost(None)
    assert site.state.connections == {silent.protocol}
    assert isinstance(silent.protocol, FrontProtocol)
    silent.protocol.shutdown()
    assert silent.closed


async def test_of_each_connection_the_server_knows_one_protocol(site: Site) -> None:
    for data in (UPGRADE, PLAIN):
        wire = Wire(site)
        wire.receive(data)
        await site.served() if data is PLAIN else await asyncio.sleep(0)
        assert site.state.connections == {wire.protocol}
        wire.protocol.connection_lost(None)
        assert not site.state.connections
