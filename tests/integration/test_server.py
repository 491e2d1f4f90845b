"""The life of the server around a tiny application: start, drain, close."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gameroom.server import CannotListen, Life, Server, listen, server_config

DEADLINE_S = 10


@dataclass(frozen=True)
class Chosen:
    max_message_bytes: int = 1_000
    trusted_proxies: tuple[str, ...] = ("127.0.0.1",)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """A WebSocket echo; HTTP is answered with nothing."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


@dataclass
class Story:
    """What happened, in order, and the events that a test waits for or sets."""

    told: list[str] = field(default_factory=list)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    drained: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def span(self) -> AsyncIterator[None]:
        self.told.append("start")
        yield
        self.told.append("stop")

    def on_ready(self) -> None:
        self.told.append("ready")
        self.ready.set()

    async def drain(self) -> None:
        self.told.append("drain")
        self.draining.set()
        await self.drained.wait()
        self.told.append("drained")

    def hurry(self) -> None:
        self.told.append("hurry")

    def life(self) -> Life:
        return Life(self.span, self.on_ready, self.drain, DEADLINE_S, self.hurry)


@asynccontextmanager
async def serving(life: Life, story: Story) -> AsyncIterator[tuple[asyncio.Task[None], int]]:
    """A server that is ready, as a task that the test must bring to its end."""
    listening = listen("127.0.0.1", 0)
    server = Server(server_config(echo, Chosen()), life)
    async with asyncio.timeout(DEADLINE_S):
        task = asyncio.create_task(server.serve(sockets=[listening]))
        await story.ready.wait()
        yield task, listening.getsockname()[1]
        await task


async def close_code(client: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed):
        await client.recv()
    return client.close_code


async def test_a_signal_drains_before_sockets_are_closed() -> None:
    story = Story()
    async with serving(story.life(), story) as (_, port), connect(f"ws://127.0.0.1:{port}/") as client:
        signal.raise_signal(signal.SIGTERM)
        await story.draining.wait()
        await client.send("still there?")
        assert await client.recv() == "still there?"
        story.drained.set()
        assert await close_code(client) == 1012
    assert story.told == ["start", "ready", "drain", "drained", "stop"]


async def test_a_second_signal_skips_the_drain_and_still_stops_cleanly() -> None:
    story = Story()
    async with serving(story.life(), story) as (_, port), connect(f"ws://127.0.0.1:{port}/") as client:
        signal.raise_signal(signal.SIGTERM)
        await story.draining.wait()
        signal.raise_signal(signal.SIGTERM)
        assert await close_code(client) == 1012
    assert story.told == ["start", "ready", "drain", "hurry", "stop"]


async def test_a_second_signal_hurries_the_end_too() -> None:
    hurried, stopping = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def span() -> AsyncIterator[None]:
        yield
        stopping.set()
        await hurried.wait()

    story = Story()
    story.drained.set()
    async with serving(replace(story.life(), span=span, hurry=hurried.set), story):
        signal.raise_signal(signal.SIGTERM)
        await stopping.wait()
        signal.raise_signal(signal.SIGTERM)


async def test_a_drain_has_a_deadline(caplog: pytest.LogCaptureFixture) -> None:
    story = Story()
    async with serving(replace(story.life(), drain_timeout_s=0.01), story):
        signal.raise_signal(signal.SIGINT)
    assert story.told == ["start", "ready", "drain", "stop"]
    assert "the drain was cut short" in caplog.text


async def test_a_drain_that_fails_is_logged_and_sockets_are_closed(caplog: pytest.LogCaptureFixture) -> None:
    async def drain() -> None:
        raise RuntimeError("no hands")

    story = Story()
    life = replace(story.life(), drain=drain)
    async with serving(life, story) as (_, port), connect(f"ws://127.0.0.1:{port}/") as client:
        signal.raise_signal(signal.SIGTERM)
        assert await close_code(client) == 1012
    assert story.told == ["start", "ready", "stop"]
    assert "no hands" in caplog.text


async def test_what_fails_at_the_start_is_raised_as_it_is() -> None:
    @asynccontextmanager
    async def span() -> AsyncIterator[None]:
        raise LookupError("no database")
        yield

    with listen("127.0.0.1", 0) as listening, pytest.raises(LookupError, match="no database"):
        server = Server(server_config(echo, Chosen()), replace(Story().life(), span=span))
        await server.serve(sockets=[listening])


async def test_who_comes_before_the_server_is_ready_waits() -> None:
    story, opened = Story(), asyncio.Event()

    @asynccontextmanager
    async def slow() -> AsyncIterator[None]:
        await opened.wait()
        yield

    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        life = replace(story.life(), span=slow)
        server = asyncio.create_task(Server(server_config(echo, Chosen()), life).serve(sockets=[listening]))
        async with asyncio.timeout(DEADLINE_S):
            early = asyncio.ensure_future(_say_hello(port))
            opened.set()
            assert await early == "hello"
            story.drained.set()
            signal.raise_signal(signal.SIGTERM)
            await server


async def _say_hello(port: int) -> str | bytes:
    async with connect(f"ws://127.0.0.1:{port}/") as client:
        await client.send("hello")
        return await client.recv()


def test_a_port_in_use_is_named() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=f"cannot listen on 127.0.0.1, port {port}: another program"):
            listen("127.0.0.1", port)


def test_a_host_that_is_not_ours_is_named() -> None:
    with pytest.raises(CannotListen, match=r"cannot listen on 203\.0\.113\.1, port 0: Cannot assign"):
        listen("203.0.113.1", 0)
    with pytest.raises(CannotListen, match="cannot listen on not:an:address, port 0: "):
        listen("not:an:address", 0)


async def test_answers_do_not_name_the_server_and_large_frames_are_refused() -> None:
    story = Story()
    story.drained.set()
    async with serving(story.life(), story) as (_, port):
        async with connect(f"ws://127.0.0.1:{port}/") as client:
            assert client.response is not None
            assert "uvicorn" not in client.response.headers.get("Server", "")
            assert "Sec-WebSocket-Extensions" not in client.response.headers
            await client.send("x" * 1_001)
            assert await close_code(client) == 1009
        signal.raise_signal(signal.SIGTERM)
