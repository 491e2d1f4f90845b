"""`Socket` over plain ASGI, and the one function by which an endpoint gets the best socket that its server has."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct
from starlette.types import Message, Receive, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from gameroom.gateway.socket import Receiver, Socket
from gameroom.protocol.codes import CloseCode
from gameroom.protocol.frames import Frame

EXTENSION = "gameroom.socket"
"""The key in an ASGI scope's `extensions` under which a server offers a `TakeOver`."""

NO_CODE, ABNORMAL = 1005, 1006
"""What a socket was closed with when its close frame had no code, and when there was none (RFC 6455, 7.4.1)."""


class SocketLimits(Struct, frozen=True, kw_only=True):
    """What one socket may cost."""

    message_bytes: int = 64 * 1024
    """The longest message from the peer; a longer one is `Receiver.oversized`."""

    queue_bytes: int = 2 * 1024 * 1024
    """How much may wait for a peer that does not read, before the socket is closed 4002; the message that is sent
    then is not counted, so one message always passes."""

    close_seconds: float = 5.0
    """How long a closing socket may take to send the rest of its queue and to hear the peer's answer."""


Connect = Callable[[Socket], Receiver]
"""Gets the open socket, returns who hears it; may send at once. Called once, before anything is heard."""


class TakeOver(Protocol):
    """What a server offers under `EXTENSION`: the connection leaves ASGI."""

    def __call__(self, connect: Connect, limits: SocketLimits) -> None:
        """After accept: all that the peer sends, also before this call, goes to the receiver, in order.

        The ASGI app may then return, which closes nothing; `receive` and `send` must not be called any more.
        """


async def serve_socket(websocket: WebSocket, connect: Connect, limits: SocketLimits) -> None:
    """Serve an accepted WebSocket by the server's own fast path if it offers one, else by plain ASGI.

    The endpoint has nothing more to do when this returns: then either the socket lives on by itself, without a task,
    or it is closed. From `connect` on, the receiver alone hears what happens.
    """
    extensions: dict[str, TakeOver] = websocket.scope.get("extensions") or {}
    if EXTENSION in extensions:
        extensions[EXTENSION](connect, limits)
        return
    socket = AsgiSocket(websocket.receive, websocket.send, limits)
    await socket.run(connect(socket))


class AsgiSocket:
    """Implements `Socket` on ASGI's `receive` and `send`, which know no pings and no oversized frames.

    A server that limits messages itself closes 1009 before anything can be said; others leave it to us.
    """

    hears_pongs = False

    def __init__(self, receive: Receive, send: Send, limits: SocketLimits) -> None:
        self._receive = receive
        self._send = send
        self._limits = limits
        self._queue: deque[tuple[Message, int]] = deque()
        self._queued_bytes = 0
        self._waiting = asyncio.Event()
        self._open = True
        self._code = ABNORMAL
        self._over = asyncio.Event()
        self._told = False
        self._deadline: asyncio.TimerHandle | None = None

    # --- Socket -----------------------------------------------------------------------------------------------

    def send_text(self, frame: Frame) -> None:
        self._put({"type": "websocket.send", "text": frame.json.decode()}, len(frame.json))

    def send_binary(self, frame: Frame) -> None:
        self._put({"type": "websocket.send", "bytes": frame.packed}, len(frame.packed))

    def ping(self) -> None:
        """ASGI has no ping."""

    def close(self, code: int, reason: str) -> None:
        if self._open:
            self._open = False
            self._code = code
            self._queue.append(({"type": "websocket.close", "code": code, "reason": reason}, 0))
            self._waiting.set()
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._limits.close_seconds, self._over.set)

    def _put(self, message: Message, size: int) -> None:
        if not self._open:
            return
        if self._queued_bytes > self._limits.queue_bytes:
            self.close(CloseCode.TOO_SLOW, "too_slow")
            return
        self._queue.append((message, size))
        self._queued_bytes += size
        self._waiting.set()

    # --- the work ---------------------------------------------------------------------------------------------

    async def run(self, receiver: Receiver) -> None:
        """Read and write until the socket is closed; owns all tasks that this takes.

        The receiver hears of the end at once; `run` returns when the server has let go of both tasks.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                workers = (tasks.create_task(self._read(receiver)), tasks.create_task(self._write()))
                await self._over.wait()
                for worker in workers:
                    worker.cancel()
                self._finish(receiver)
        finally:
            self._finish(receiver)

    def _finish(self, receiver: Receiver) -> None:
        self._open = False
        if self._deadline is not None:
            self._deadline.cancel()
        if not self._told:
            self._told = True
            receiver.closed(self._code)

    async def _read(self, receiver: Receiver) -> None:
        message = await self._receive()
        while message["type"] == "websocket.receive":
            if self._open:
                self._hear(message, receiver)
            message = await self._receive()
        if self._open:
            self._code = message.get("code") or NO_CODE
        self._over.set()

    def _hear(self, message: Message, receiver: Receiver) -> None:
        text: str | None = message.get("text")
        data: bytes = message["bytes"] if text is None else text.encode("utf-8", "surrogatepass")
        if len(data) > self._limits.message_bytes:
            receiver.oversized()
            self.close(CloseCode.MESSAGE_TOO_BIG, "message_too_big")
        elif text is None:
            receiver.binary(data)
        else:
            receiver.text(text)

    async def _write(self) -> None:
        try:
            while await self._waiting.wait():
                self._waiting.clear()
                await self._flush()
        except (OSError, RuntimeError, WebSocketDisconnect):
            # The peer is gone, and `receive` is about to say so. RuntimeError is what uvicorn raises where it has
            # closed by itself, because of broken framing.
            return

    async def _flush(self) -> None:
        while self._queue:
            message, size = self._queue.popleft()
            await self._send(message)
            self._queued_bytes -= size
            if message["type"] == "websocket.close":
                self._over.set()
