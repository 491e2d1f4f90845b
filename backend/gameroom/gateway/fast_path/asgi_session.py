"""The messages of ASGI for an accepted WebSocket, made of the callbacks of its socket and back."""

import asyncio
from sys import maxsize

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected

from gameroom.gateway.asgi_socket import SocketLimits
from gameroom.gateway.fast_path.framing import BINARY, FIN, TEXT
from gameroom.gateway.fast_path.parser import Said
from gameroom.gateway.fast_path.socket import FastSocket
from gameroom.protocol.codes import CloseCode
from gameroom.protocol.frames import unmasked

MOST_WAITING = 16
"""Messages that wait for the app; then the peer is not heard, its pings included, and waits in TCP."""


class AsgiSession:
    """Implements `Receiver`. The peer is heard as far as the app receives; the app sends as far as the peer reads."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[ASGIReceiveEvent] = asyncio.Queue()
        self._socket: FastSocket
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed = False
        self._app_closed = False

    def open(self, socket: FastSocket) -> None:
        self._socket = socket
        socket.on_flow = self._flow

    def end(self) -> list[Said]:
        """The app goes another way: what it has not received. Nothing is to be called here after."""
        self._socket.on_flow = None
        unheard: list[Said] = []
        while not self._queue.empty():
            event = self._queue.get_nowait()
            if event["type"] == "websocket.receive":
                unheard.append(_said(event.get("text"), event.get("bytes")))
        return unheard

    # --- for the app ------------------------------------------------------------------------------------------

    async def receive(self) -> ASGIReceiveEvent:
        event = await self._queue.get()
        if self._queue.qsize() == MOST_WAITING - 1:
            self._socket.hold(False)
        return event

    async def send(self, message: ASGISendEvent) -> None:
        """Raises `ClientDisconnected` once the peer has gone, `RuntimeError` for what may not be sent."""
        await self._writable.wait()
        if self._app_closed:
            raise RuntimeError(
                f"Unexpected ASGI message '{message['type']}', after sending 'websocket.close'."
            )
        if self._closed:
            raise ClientDisconnected()
        if message["type"] == "websocket.send":
            text, data = message.get("text"), message.get("bytes")
            self._socket.write(
                unmasked(FIN | TEXT, text.encode())
                if text is not None
                else unmasked(FIN | BINARY, data or b"")
            )
        elif message["type"] == "websocket.close":
            self._app_closed = True
            self._socket.close(message.get("code", CloseCode.NORMAL), message.get("reason") or "")
        else:
            raise RuntimeError(
                f"Expected ASGI message 'websocket.send' or 'websocket.close', but got '{message['type']}'."
            )

    def _flow(self, has_room: bool) -> None:
        if has_room:
            self._writable.set()
        else:
            self._writable.clear()

    # --- Receiver ---------------------------------------------------------------------------------------------

    def text(self, frame: str) -> None:
        self._put({"type": "websocket.receive", "text": frame})

    def binary(self, frame: bytes) -> None:
        self._put({"type": "websocket.receive", "bytes": frame})

    def pong(self) -> None:
        """ASGI does not know pongs."""

    def oversized(self) -> None:
        """The socket closes by itself, and ASGI has no word for it."""

    def closed(self, code: int) -> None:
        self._closed = True
        self._queue.put_nowait({"type": "websocket.disconnect", "code": code})

    def _put(self, event: ASGIReceiveEvent) -> None:
        self._queue.put_nowait(event)
        if self._queue.qsize() == MOST_WAITING:
            self._socket.hold(True)


def asgi_limits(message_bytes: int) -> SocketLimits:
    """An app that sends through ASGI waits for its peer by itself, so nothing piles up here."""
    return SocketLimits(message_bytes=message_bytes, queue_bytes=maxsize, close_seconds=10)


def _said(text: str | None, data: bytes | None) -> Said:
    return (BINARY, data or b"") if text is None else (TEXT, text)
