"""Sockets as the gateway sees them, over real connections: the fast path, and plain ASGI under uvicorn's own classes.

Each scenario is one story told on every server; where ASGI cannot do as much, the story says so.
"""

import asyncio
import socket as tcp
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest
import uvicorn
import uvloop
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close, Opcode

from gameroom.gateway.asgi_socket import AsgiSocket, SocketLimits, serve_socket
from gameroom.gateway.fast_path import FastPathProtocol, FrontProtocol
from gameroom.gateway.fast_path.socket import MESSAGES_AT_ONCE, FastSocket
from gameroom.gateway.socket import Socket
from gameroom.protocol.frames import Frame
from tests.kit.raw_socket import RawSocket, raw_socket

pytestmark = [
    # uvicorn's class `websockets` is on its way out, and stands on what websockets is about to drop.
    pytest.mark.filterwarnings("ignore:The `websockets` implementation is deprecated"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets.legacy"),
    pytest.mark.filterwarnings("ignore:websockets.legacy is deprecated"),
]

DEADLINE = 10
LIMITS = SocketLimits(message_bytes=1000, queue_bytes=100_000, close_seconds=0.5)
FAST = ("fast path on uvloop", "fast path on asyncio")
STOCK = ("websockets-sansio", "websockets")
POURED = 2_000
"""Messages of 10 KB: far more than the limit and the kernel's buffers hold."""

Heard = tuple[str, str | bytes | int | None]
React = Callable[[Socket, Heard], None]
Loop = Callable[[], asyncio.AbstractEventLoop]


def packed(message: bytes) -> Frame:
    """A frame that is these bytes in MessagePack, whatever they are."""
    frame = Frame(b"null")
    frame._packed = message
    return frame


def echo(socket: Socket, heard: Heard) -> None:
    match heard:
        case ("text", str(text)):
            socket.send_text(Frame(text.encode()))
        case ("binary", bytes(data)):
            socket.send_binary(packed(data))


class Witness:
    """A receiver that writes down what it hears, then reacts."""

    def __init__(self, socket: Socket, react: React) -> None:
        self.socket = socket
        self._heard: asyncio.Queue[Heard] = asyncio.Queue()
        self._react = react
        self._closed = False

    async def next(self) -> Heard:
        async with asyncio.timeout(DEADLINE):
            return await self._heard.get()

    async def until_closed(self) -> tuple[list[Heard], int]:
        """Everything up to the end, and the code of the close."""
        before: list[Heard] = []
        while True:
            what, value = await self.next()
            if what == "closed":
                assert isinstance(value, int)
                return before, value
            before.append((what, value))

    def nothing_more(self) -> bool:
        return self._heard.empty()

    def text(self, frame: str) -> None:
        self._hear("text", frame)

    def binary(self, frame: bytes) -> None:
        self._hear("binary", frame)

    def pong(self) -> None:
        self._hear("pong", None)

    def oversized(self) -> None:
        self._hear("oversized", None)

    def closed(self, code: int) -> None:
        self._hear("closed", code)
        self._closed = True

    def _hear(self, what: str, value: str | bytes | int | None) -> None:
        assert not self._closed, f"{what} after closed"
        self._heard.put_nowait((what, value))
        self._react(self.socket, (what, value))


@dataclass
class Site:
    """A server that runs, and who has connected. `go_on` can hold endpoints back between accept and take-over."""

    kind: str
    server: uvicorn.Server
    react: React = echo
    limits: SocketLimits = LIMITS
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    _witnesses: asyncio.Queue[Witness] = field(default_factory=asyncio.Queue)

    @property
    def is_fast(self) -> bool:
        return self.kind in FAST

    @property
    def url(self) -> str:
        host, port = self.server.servers[0].sockets[0].getsockname()
        return f"ws://{host}:{port}/"

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        await websocket.accept()
        await self.go_on.wait()
        await serve_socket(websocket, self.admit, self.limits)

    def admit(self, socket: Socket) -> Witness:
        witness = Witness(socket, self.react)
        self._witnesses.put_nowait(witness)
        return witness

    async def witness(self) -> Witness:
        """The witness of the next connection."""
        async with asyncio.timeout(DEADLINE):
            return await self._witnesses.get()

    def client(self, **options: object) -> connect:
        return connect(self.url, **{"compression": None, "ping_interval": None, **options})  # type: ignore[arg-type]


def configured(kind: str, app: ASGIApp, **options: object) -> uvicorn.Server:
    settings: dict[str, object] = {
        "host": "127.0.0.1",
        "port": 0,
        "http": FrontProtocol if kind in FAST else "httptools",
        "ws": FastPathProtocol if kind in FAST else kind,
        "ws_max_size": LIMITS.message_bytes,
        "ws_ping_interval": None,
        "ws_per_message_deflate": False,
        "lifespan": "off",
        "log_config": None,
        "timeout_graceful_shutdown": 1,
        **options,
    }
    config = uvicorn.Config(app, **settings)  # type: ignore[arg-type]
    config.load()
    server = uvicorn.Server(config)
    server.server_state.connections = Connections()  # type: ignore[assignment]
    server.lifespan = config.lifespan_class(config)
    return server


@asynccontextmanager
async def running(server: uvicorn.Server) -> AsyncIterator[None]:
    await server.startup()
    try:
        yield
    finally:
        async with asyncio.timeout(DEADLINE):
            await server.shutdown()


@asynccontextmanager
async def site_of(kind: str, react: React = echo, **options: object) -> AsyncIterator[Site]:
    site: Site

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await site.app(scope, receive, send)

    site = Site(kind, configured(kind, app, **options), react)
    site.go_on.set()
    async with running(site.server):
        yield site


class Connections(set[object]):
    """A server's connections, and an event for when there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.none_left = asyncio.Event()

    def add(self, connection: object) -> None:
        super().add(connection)
        self.none_left.clear()

    def discard(self, connection: object) -> None:
        super().discard(connection)
        if not self:
            self.none_left.set()

    remove = discard


Scenario = Callable[[str], Awaitable[None]]


def told_on(*kinds: str) -> Callable[[Scenario], Callable[[str], None]]:
    """Makes a test of a scenario, run on each kind of server, each on the event loop that its name says."""

    def decorate(scenario: Scenario) -> Callable[[str], None]:
        def test(kind: str) -> None:
            factory: Loop = uvloop.new_event_loop if "uvloop" in kind else asyncio.new_event_loop
            with asyncio.Runner(loop_factory=factory) as runner:
                runner.run(scenario(kind))  # type: ignore[arg-type]

        test.__doc__ = scenario.__doc__
        return pytest.mark.parametrize("kind", kinds)(test)

    return decorate


async def close_of(client: ClientConnection) -> tuple[list[str | bytes], int, str]:
    """What the client still gets, and the close that it sees."""
    got: list[str | bytes] = []
    async with asyncio.timeout(DEADLINE):
        try:
            while True:
                got.append(await client.recv())
        except ConnectionClosed:
            assert client.close_code is not None
            return got, client.close_code, client.close_reason or ""


# --- messages -------------------------------------------------------------------------------------------------


@told_on(*FAST, *STOCK)
async def test_text_and_binary(kind: str) -> None:
    async with site_of(kind) as site, site.client() as client:
        for message in ("hé", b"\x00\xff", "", b"", "x" * 125, "x" * 126, "x" * 1000):
            await client.send(message)
            assert await client.recv() == message


@told_on(*FAST, *STOCK)
async def test_a_thousand_messages_at_once_keep_their_order(kind: str) -> None:
    async with site_of(kind) as site, raw_socket(site.url, {}) as peer:
        payloads = [str(n).encode() for n in range(1000)]
        await peer.send_bytes(b"".join(_masked(Opcode.TEXT, payload) for payload in payloads))
        assert [await _data(peer) for _ in payloads] == payloads


@told_on(*FAST, *STOCK)
async def test_long_messages_to_the_peer(kind: str) -> None:
    def answer(socket: Socket, heard: Heard) -> None:
        if heard[0] == "text":
            socket.send_text(Frame(b"y" * 65_535))
            socket.send_text(Frame(b"z" * 65_536))

    async with site_of(kind, answer) as site, site.client() as client:
        await client.send("go")
        assert await client.recv() == "y" * 65_535
        assert await client.recv() == "z" * 65_536


@told_on(*FAST, *STOCK)
async def test_fragments_become_one_message(kind: str) -> None:
    async with site_of(kind) as site, raw_socket(site.url, {}) as peer:
        await peer.send_frame(Opcode.TEXT, "é".encode()[:1], fin=False)
        await peer.send_frame(Opcode.CONT, b"", fin=False)
        await peer.send_frame(Opcode.PING, b"between")
        await peer.send_frame(Opcode.CONT, "é".encode()[1:], fin=False)
        await peer.send_frame(Opcode.CONT, b"!")
        assert await _payload(peer, Opcode.PONG) == b"between"
        assert await _payload(peer, Opcode.TEXT) == "é!".encode()


@told_on(*FAST)
async def test_ten_thousand_empty_fragments_take_no_memory(kind: str) -> None:
    async with site_of(kind) as site, raw_socket(site.url, {}) as peer:
        await peer.send_frame(Opcode.BINARY, b"a", fin=False)
        witness = await site.witness()
        await peer.send_bytes(_masked(Opcode.CONT, b"", fin=False) * 10_000)
        await peer.send_frame(Opcode.PING, b"")
        assert await witness.next() == ("pong", None)
        assert len(witness.socket._parser._message._data) == 1  # type: ignore[attr-defined]


class Counted:
    """A transport, and how often it was written to."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.writes = 0

    def write(self, data: bytes) -> None:
        self.writes += 1
        self._transport.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)


def counted(witness: Witness) -> Counted:
    """The transport under a witness's socket, counted from now on."""
    socket = witness.socket
    assert isinstance(socket, FastSocket)
    transport = socket._transport = Counted(socket._transport)  # type: ignore[assignment]
    return cast(Counted, transport)


@told_on(*FAST)
async def test_what_is_sent_in_one_turn_is_one_write(kind: str) -> None:
    async with site_of(kind) as site, site.client() as client:
        witness = await site.witness()
        transport = counted(witness)
        for number in range(50):
            witness.socket.send_text(Frame(b"%d" % number))
        assert [await client.recv() for _ in range(50)] == [str(number) for number in range(50)]
        assert transport.writes == 1


@told_on(*FAST)
async def test_what_may_wait_is_sent_together(kind: str) -> None:
    async with site_of(kind) as site, site.client() as client:
        witness = await site.witness()
        transport = counted(witness)
        for number in range(5):
            witness.socket.send_text(Frame(b"%d" % number, flush_ms=16))
            await asyncio.sleep(0)
        assert transport.writes == 0
        assert [await client.recv() for _ in range(5)] == ["0", "1", "2", "3", "4"]
        assert transport.writes == 1


@told_on(*FAST)
async def test_what_may_not_wait_takes_what_waits_along(kind: str) -> None:
    async with site_of(kind) as site, site.client() as client:
        witness = await site.witness()
        never = 3_600_000
        witness.socket.send_text(Frame(b"first", flush_ms=never))
        witness.socket.send_text(Frame(b"second"))
        assert [await client.recv() for _ in range(2)] == ["first", "second"]
        witness.socket.send_text(Frame(b"third", flush_ms=never))
        witness.socket.close(4001, "token_expired")
        assert await close_of(client) == (["third"], 4001, "token_expired")


@told_on(*FAST)
async def test_a_burst_lets_others_be_heard(kind: str) -> None:
    """Both have sent before the server looks; the one with a thousand messages does not have its way first."""
    heard: list[Heard] = []
    all_heard = asyncio.Event()

    def note(_: Socket, what: Heard) -> None:
        heard.append(what)
        if len(heard) == 1_001:
            all_heard.set()

    async with (
        site_of(kind, note) as site,
        raw_socket(site.url, {}) as loud,
        raw_socket(site.url, {}) as quiet,
    ):
        await site.witness()
        await site.witness()
        await loud.send_bytes(_masked(Opcode.TEXT, b"loud") * 1_000)
        await quiet.send_bytes(_masked(Opcode.TEXT, b"quiet"))
        async with asyncio.timeout(DEADLINE):
            await all_heard.wait()
    assert heard.index(("text", "quiet")) <= 2 * MESSAGES_AT_ONCE


@told_on(*FAST, *STOCK)
async def test_what_came_before_the_take_over_is_heard_first(kind: str) -> None:
    async with site_of(kind) as site:
        site.go_on.clear()
        async with raw_socket(site.url, {}) as peer:
            begun = _masked(Opcode.TEXT, b"3", fin=False)
            await peer.send_bytes(
                _masked(Opcode.TEXT, b"1") + _masked(Opcode.BINARY, b"2") + begun + _masked(Opcode.PING, b"")
            )
            assert await _payload(peer, Opcode.PONG) == b""  # so the server has read all of it
            site.go_on.set()
            await peer.send_frame(Opcode.CONT, b"+")
            await peer.send_frame(Opcode.TEXT, b"4")
            assert [await _data(peer) for _ in range(4)] == [b"1", b"2", b"3+", b"4"]


@told_on(*FAST, *STOCK)
async def test_what_came_before_the_take_over_is_not_heard_after_a_close(kind: str) -> None:
    def close(socket: Socket, heard: Heard) -> None:
        socket.close(4503, "protocol_abuse")

    async with site_of(kind, close) as site:
        site.go_on.clear()
        async with raw_socket(site.url, {}) as peer:
            await peer.send_bytes(
                _masked(Opcode.TEXT, b"1") + _masked(Opcode.TEXT, b"2") + _masked(Opcode.PING, b"")
            )
            assert await _payload(peer, Opcode.PONG) == b""
            site.go_on.set()
            assert await (await site.witness()).until_closed() == ([("text", "1")], 4503)


@told_on(*FAST)
async def test_compression_is_never_agreed_on(kind: str) -> None:
    async with (
        site_of(kind, ws_per_message_deflate=True) as site,
        site.client(compression="deflate") as client,
    ):
        assert client.protocol.extensions == []
        await client.send("x" * 500)
        assert await client.recv() == "x" * 500


@told_on(*FAST)
async def test_no_task_stays_with_an_idle_socket(kind: str) -> None:
    async with site_of(kind) as site, site.client() as client:
        await client.send("hello")
        assert await client.recv() == "hello"
        assert site.server.server_state.tasks == set()
        await client.send("still there")
        assert await client.recv() == "still there"


@told_on(*FAST)
async def test_our_class_serves_plain_asgi_too(kind: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        await websocket.accept(subprotocol=websocket.scope["subprotocols"][0])
        socket = AsgiSocket(websocket.receive, websocket.send, LIMITS)
        await socket.run(Witness(socket, echo))

    server = configured(kind, app)
    async with running(server):
        host, port = server.servers[0].sockets[0].getsockname()
        async with connect(f"ws://{host}:{port}/", subprotocols=["one", "two"]) as client:  # type: ignore[list-item]
            assert client.subprotocol == "one"
            await client.send("hello")
            assert await client.recv() == "hello"


# --- pings ----------------------------------------------------------------------------------------------------


@told_on(*FAST, *STOCK)
async def test_the_peer_may_ping(kind: str) -> None:
    async with site_of(kind) as site, site.client() as client:
        await client.send("before")
        async with asyncio.timeout(DEADLINE):
            await (await client.ping(b"payload"))
        assert await client.recv() == "before"


@told_on(*FAST)
async def test_pings_are_answered_and_heard(kind: str) -> None:
    async with site_of(kind) as site, raw_socket(site.url, {}) as peer:
        witness = await site.witness()
        assert witness.socket.hears_pongs
        witness.socket.ping()
        assert await _payload(peer, Opcode.PING) == b""
        await peer.send_frame(Opcode.PONG, b"")
        assert await witness.next() == ("pong", None)
        await peer.send_frame(Opcode.PING, b"x")
        assert await witness.next() == ("pong", None)


@told_on(*STOCK)
async def test_plain_asgi_has_no_pings(kind: str) -> None:
    async with site_of(kind) as site, site.client() as client:
        witness = await site.witness()
        assert not witness.socket.hears_pongs
        witness.socket.ping()
        await client.send("x")
        assert await client.recv() == "x"


# --- closing --------------------------------------------------------------------------------------------------


@told_on(*FAST, *STOCK)
async def test_the_peer_closes(kind: str) -> None:
    async with site_of(kind) as site, site.client() as client:
        await client.send("last")
        await client.close(3001, "bye")
        assert client.close_code == 3001
        assert await (await site.witness()).until_closed() == ([("text", "last")], 3001)


@told_on(*FAST, *STOCK)
async def test_the_peer_closes_without_a_code(kind: str) -> None:
    async with site_of(kind) as site, raw_socket(site.url, {}) as peer:
        await peer.send_frame(Opcode.CLOSE, b"")
        witness = await site.witness()
        assert await _payload(peer, Opcode.CLOSE) == b""
        await peer.finish()
        assert await witness.until_closed() == ([], 1005)


@told_on(*FAST, *STOCK)
async def test_we_close(kind: str) -> None:
    """All that was sent before arrives; nothing sent or heard afterwards counts; the first close wins."""

    def close(socket: Socket, heard: Heard) -> None:
        if heard[0] == "text":
            socket.send_text(Frame(b"one"))
            socket.send_text(Frame(b"two"))
            socket.close(4004, "draining")
            socket.close(4999, "again")
            socket.send_text(Frame(b"three"))
            socket.send_binary(packed(b"four"))
            socket.ping()

    async with site_of(kind, close) as site, site.client() as client:
        await client.send("go")
        await client.send("not heard")
        assert await close_of(client) == (["one", "two"], 4004, "draining")
        assert await (await site.witness()).until_closed() == ([("text", "go")], 4004)


@told_on(*FAST, *STOCK)
async def test_we_close_before_anything_was_heard(kind: str) -> None:
    async with site_of(kind) as site, site.client() as client:
        witness = await site.witness()
        witness.socket.close(4500, "unauthenticated")
        assert await close_of(client) == ([], 4500, "unauthenticated")
        assert await witness.until_closed() == ([], 4500)


@told_on(*FAST, *STOCK)
async def test_who_closes_is_not_told_in_the_middle_of_it(kind: str) -> None:
    async with site_of(kind) as site, site.client():
        witness = await site.witness()
        witness.socket.close(4001, "token_expired")
        assert witness.nothing_more()
        assert await witness.until_closed() == ([], 4001)


@told_on(*FAST)
async def test_a_peer_that_does_not_answer_our_close_is_cut_off(kind: str) -> None:
    async with site_of(kind) as site, raw_socket(site.url, {}) as peer:
        witness = await site.witness()
        witness.socket.close(4001, "token_expired")
        assert await witness.until_closed() == ([], 4001)
        assert await peer.until_close() == (Close(4001, "token_expired"), [])
        assert await peer.next() is None
        assert witness.nothing_more()


@told_on(*FAST, *STOCK)
async def test_the_peer_vanishes(kind: str) -> None:
    async with site_of(kind) as site, site.client() as client:
        witness = await site.witness()
        _reset(client)
        before, code = await witness.until_closed()
        assert before == []
        # uvicorn's sansio class calls this a close without a code.
        assert code == (1005 if kind == "websockets-sansio" else 1006)
        witness.socket.send_text(Frame(b"into the void"))
        witness.socket.close(1000, "")
        assert witness.nothing_more()


@told_on(*FAST)
async def test_the_stream_ends_without_a_close(kind: str) -> None:
    async with site_of(kind) as site, site.client() as client:
        witness = await site.witness()
        client.transport.write_eof()
        assert await witness.until_closed() == ([], 1006)


@told_on(*FAST)
async def test_a_peer_that_said_goodbye_before_the_take_over(kind: str) -> None:
    async with site_of(kind) as site:
        site.go_on.clear()
        async with raw_socket(site.url, {}) as peer:
            goodbye = Close(3333, "").serialize()
            await peer.send_bytes(_masked(Opcode.TEXT, b"last words") + _masked(Opcode.CLOSE, goodbye))
            assert await _payload(peer, Opcode.CLOSE) == goodbye
            site.go_on.set()
            assert await (await site.witness()).until_closed() == ([("text", "last words")], 3333)


@told_on(*FAST)
async def test_a_peer_that_vanished_before_the_take_over(kind: str) -> None:
    async with site_of(kind) as site:
        site.go_on.clear()
        async with site.client() as client:
            _reset(client)
            await _until_nobody_is_connected(site.server)
            site.go_on.set()
            assert await (await site.witness()).until_closed() == ([], 1006)
        assert site.server.server_state.connections == set()


@told_on(*FAST, *STOCK)
async def test_the_server_stops(kind: str) -> None:
    async with site_of(kind) as site:
        async with site.client() as client:
            witness = await site.witness()
            await site.server.shutdown()
            assert await close_of(client) == ([], 1012, "")
            assert await witness.until_closed() == ([], 1012)
        await site.server.startup()


@told_on(*FAST)
async def test_no_peer_keeps_the_server_from_stopping(kind: str) -> None:
    async with site_of(kind, _pour) as site, raw_socket(site.url, {}) as peer:
        await peer.send_frame(Opcode.TEXT, b"go")
        witness = await site.witness()
        assert (await witness.until_closed())[1] == 4002
        async with asyncio.timeout(2):
            await site.server.shutdown()
        assert site.server.server_state.connections == set()
        await site.server.startup()


@told_on(*FAST)
async def test_an_endpoint_that_fails_after_the_take_over(kind: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        await websocket.accept()
        await serve_socket(websocket, lambda socket: Witness(socket, echo), LIMITS)
        raise RuntimeError("a bug of the endpoint")

    server = configured(kind, app)
    async with running(server):
        host, port = server.servers[0].sockets[0].getsockname()
        async with connect(f"ws://{host}:{port}/") as client:
            assert await close_of(client) == ([], 1011, "internal")


# --- peers that misbehave -------------------------------------------------------------------------------------


def _explain_oversized(socket: Socket, heard: Heard) -> None:
    if heard[0] == "oversized":
        socket.send_text(Frame(b"too big"))
        socket.close(1009, "message_too_big")


@told_on(*FAST)
async def test_an_oversized_message_is_explained(kind: str) -> None:
    """Also where the peer goes on sending: nothing more is heard, and the explanation arrives all the same."""
    for size in (1001, 70_000, 3_000_000):
        async with site_of(kind, _explain_oversized) as site, site.client() as client:
            await client.send("fine")
            sending = asyncio.create_task(_send_all(client, ["x" * size, "not heard"]))
            assert await close_of(client) == (["too big"], 1009, "message_too_big")
            await sending
            heard = await (await site.witness()).until_closed()
            assert heard == ([("text", "fine"), ("oversized", None)], 1009)


@told_on(*FAST)
async def test_the_explanation_reaches_a_peer_that_goes_on_sending(kind: str) -> None:
    """Closing at once would answer what still comes with a reset, in which the explanation may be lost."""
    async with site_of(kind, _explain_oversized) as site, raw_socket(site.url, {}) as peer:
        await peer.send_frame(Opcode.TEXT, b"x" * 1001)
        await (await site.witness()).until_closed()
        for _ in range(20):
            await peer.send_frame(Opcode.TEXT, b"x" * 10_000)
            await asyncio.sleep(0.001)  # for a reset to arrive
        close, before = await peer.until_close()
        assert close == Close(1009, "message_too_big")
        assert [bytes(frame.data) for frame in before] == [b"too big"]


@told_on(*FAST)
async def test_an_oversized_sum_of_fragments_is_explained(kind: str) -> None:
    async with site_of(kind, _explain_oversized) as site, raw_socket(site.url, {}) as peer:
        await peer.send_frame(Opcode.TEXT, b"x" * 600, fin=False)
        await peer.send_frame(Opcode.CONT, b"x" * 600)
        close, before = await peer.until_close()
        assert close == Close(1009, "message_too_big")
        assert [bytes(frame.data) for frame in before] == [b"too big"]
        assert await (await site.witness()).until_closed() == ([("oversized", None)], 1009)


@told_on(*STOCK)
async def test_servers_of_plain_asgi_close_an_oversized_frame_themselves(kind: str) -> None:
    async with site_of(kind, _explain_oversized) as site, site.client() as client:
        await client.send("x" * 1001)
        got, code, _ = await close_of(client)
        assert got == [] and code in (
            1009,
            1006,
        )  # one of the classes resets the connection right after its close
        before, code = await (await site.witness()).until_closed()
        assert before == [] and code == _when_the_server_closed(kind, 1009)


@told_on(*FAST, *STOCK)
async def test_our_own_limit_holds_where_the_servers_is_higher(kind: str) -> None:
    async with site_of(kind, _explain_oversized, ws_max_size=1 << 20) as site, site.client() as client:
        await client.send("é" * 501)
        assert await close_of(client) == (["too big"], 1009, "message_too_big")
        assert await (await site.witness()).until_closed() == ([("oversized", None)], 1009)


@told_on(*FAST, *STOCK)
async def test_text_that_is_not_utf8(kind: str) -> None:
    async with site_of(kind) as site, raw_socket(site.url, {}) as peer:
        await peer.send_frame(Opcode.TEXT, b"fine")
        assert await _payload(peer, Opcode.TEXT) == b"fine"
        await peer.send_frame(Opcode.TEXT, b"\xff")
        close, _ = await peer.until_close()
        assert close is not None and close.code == 1007
        await peer.finish()
        before, code = await (await site.witness()).until_closed()
        assert before == [("text", "fine")] and code == _when_the_server_closed(kind, 1007)


@told_on(*FAST)
async def test_broken_framing(kind: str) -> None:
    """An opcode that does not exist, a frame without mask, reserved bits, a continuation of nothing."""
    for junk in (b"\x83\x80\0\0\0\0", b"\x81\x00", b"\xf1\x80\0\0\0\0", b"\x80\x80\0\0\0\0"):
        async with site_of(kind) as site, raw_socket(site.url, {}) as peer:
            await peer.send_bytes(_masked(Opcode.TEXT, b"fine") + junk + _masked(Opcode.TEXT, b"not heard"))
            close, before = await peer.until_close()
            assert close is not None and close.code == 1002
            assert [bytes(frame.data) for frame in before] == [b"fine"]
            assert await (await site.witness()).until_closed() == ([("text", "fine")], 1002)


def _when_the_server_closed(kind: str, code: int) -> int:
    """What the gateway hears: uvicorn's class `websockets` keeps the code of a close that the peer did not answer."""
    return 1006 if kind == "websockets" else code


def _pour(socket: Socket, heard: Heard) -> None:
    """Send too much, each message with its number."""
    if heard[0] == "text":
        for number in range(POURED):
            socket.send_text(Frame(b"%05d" % number + b"x" * 10_000))


@told_on(*FAST, *STOCK)
async def test_a_slow_consumer_is_closed(kind: str) -> None:
    """What was queued before arrives complete and in order, then the close says why."""
    async with site_of(kind, _pour) as site, raw_socket(site.url, {}) as peer:
        await peer.send_frame(Opcode.TEXT, b"go")
        close, before = await peer.until_close()
        assert close == Close(4002, "too_slow")
        numbers = [int(bytes(frame.data)[:5]) for frame in before]
        assert numbers == list(range(len(numbers)))
        assert 10 <= len(numbers) < POURED
        assert await (await site.witness()).until_closed() == ([("text", "go")], 4002)


@told_on(*FAST, *STOCK)
async def test_a_consumer_that_stands_still_is_given_up(kind: str) -> None:
    async with site_of(kind, _pour) as site, raw_socket(site.url, {}) as peer:
        await peer.send_frame(Opcode.TEXT, b"go")
        assert await (await site.witness()).until_closed() == ([("text", "go")], 4002)
        if site.is_fast:
            await _until_nobody_is_connected(site.server)


@told_on(*FAST)
async def test_pongs_count_as_queued_too(kind: str) -> None:
    """A peer that floods us with pings and reads no pongs."""
    async with site_of(kind) as site, raw_socket(site.url, {}) as peer:
        witness = await site.witness()
        flood = asyncio.create_task(_flood(peer))
        assert (await witness.until_closed())[1] == 4002
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)


@pytest.mark.parametrize("failure", [OSError(), RuntimeError(), WebSocketDisconnect(1006)])
async def test_where_sending_fails_the_code_of_the_disconnect_counts(failure: Exception) -> None:
    """Each is what some server raises in the moment before it tells the application that the peer is gone."""
    told: asyncio.Queue[dict[str, object]] = asyncio.Queue()

    async def send(message: object) -> None:
        told.put_nowait({"type": "websocket.disconnect", "code": 1002})
        raise failure

    socket = AsgiSocket(told.get, send, LIMITS)
    witness = Witness(socket, echo)
    socket.send_text(Frame(b"hello"))
    async with asyncio.timeout(DEADLINE):
        await socket.run(witness)
    assert await witness.until_closed() == ([], 1002)


# --- Starlette's test client ----------------------------------------------------------------------------------


def test_starlettes_test_client() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        await websocket.accept()
        await serve_socket(websocket, lambda socket: Witness(socket, both), LIMITS)

    def both(socket: Socket, heard: Heard) -> None:
        echo(socket, heard)
        _explain_oversized(socket, heard)

    with TestClient(app).websocket_connect("/") as client:
        client.send_text("hé")
        assert client.receive_text() == "hé"
        client.send_bytes(b"\xff")
        assert client.receive_bytes() == b"\xff"
        client.send_text("x" * 1001)
        assert client.receive_text() == "too big"
        with pytest.raises(WebSocketDisconnect) as closed:
            client.receive_text()
        assert (closed.value.code, closed.value.reason) == (1009, "message_too_big")


# --- how it is done -------------------------------------------------------------------------------------------


def _masked(opcode: Opcode, payload: bytes, *, fin: bool = True) -> bytes:
    """A short frame under a mask of zeros."""
    assert len(payload) < 126
    return bytes((opcode | (0x80 if fin else 0), 0x80 | len(payload), 0, 0, 0, 0)) + payload


async def _payload(peer: RawSocket, opcode: Opcode) -> bytes:
    frame = await peer.next()
    assert frame is not None and frame.opcode is opcode, f"{opcode.name} expected, got {frame}"
    return bytes(frame.data)


async def _data(peer: RawSocket) -> bytes:
    frame = await peer.next()
    assert frame is not None and frame.opcode in (Opcode.TEXT, Opcode.BINARY), f"data expected, got {frame}"
    return bytes(frame.data)


async def _send_all(client: ClientConnection, messages: list[str]) -> None:
    for message in messages:
        try:
            await client.send(message)
        except ConnectionClosed:
            return


async def _flood(peer: RawSocket) -> None:
    while True:
        await peer.send_bytes(_masked(Opcode.PING, b"x" * 125) * 100)


def _reset(client: ClientConnection) -> None:
    """Drop the connection with a TCP reset."""
    raw: tcp.socket = client.transport.get_extra_info("socket")
    raw.setsockopt(tcp.SOL_SOCKET, tcp.SO_LINGER, struct.pack("ii", 1, 0))
    client.transport.abort()


async def _until_nobody_is_connected(server: uvicorn.Server) -> None:
    connections = server.server_state.connections
    assert isinstance(connections, Connections)
    async with asyncio.timeout(DEADLINE):
        await connections.none_left.wait()
