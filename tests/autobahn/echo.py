"""`python -m tests.autobahn.echo NAME FD`: a server that echoes, on a socket that listens already."""

import socket
import sys
from typing import cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from gameroom.gateway.asgi_socket import SocketLimits, serve_socket
from gameroom.gateway.fast_path import FastPathProtocol, framing, protocol
from gameroom.gateway.fast_path.framing import BINARY, FIN
from gameroom.gateway.fast_path.socket import FastSocket
from gameroom.gateway.socket import Socket
from gameroom.protocol.frames import Frame, unmasked
from tests.autobahn.subjects import IN_PYTHON, OURS, TAKEN_OVER

MESSAGE_BYTES = 16 * 2**20
"""Of the longest message that the suite sends (9.1.6)."""


class Echo:
    """A `Receiver` of a socket that left ASGI."""

    def __init__(self, socket: Socket) -> None:
        self._socket = cast(FastSocket, socket)

    def text(self, frame: str) -> None:
        self._socket.send_text(Frame(frame.encode()))

    def binary(self, frame: bytes) -> None:
        """Written as it came: a `Frame` is JSON, and makes its binary form by itself."""
        self._socket.write(unmasked(FIN | BINARY, frame))

    def pong(self) -> None:
        """The socket has answered."""

    def oversized(self) -> None:
        """Never: see `MESSAGE_BYTES`."""

    def closed(self, code: int) -> None:
        """The socket closes by itself."""


async def taken_over(scope: Scope, receive: Receive, send: Send) -> None:
    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    await serve_socket(websocket, Echo, SocketLimits(message_bytes=MESSAGE_BYTES))


async def plain_asgi(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


def config_of(subject: str) -> uvicorn.Config:
    app: ASGIApp = taken_over if subject in (TAKEN_OVER, IN_PYTHON) else plain_asgi
    return uvicorn.Config(
        app,
        loop="uvloop",
        ws=FastPathProtocol if subject in OURS else subject,
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_level="warning",
    )


def main(subject: str, listening: int) -> None:
    if subject == IN_PYTHON:
        protocol.unframe = framing.unframe  # as where its compiled twin cannot be imported
    uvicorn.Server(config_of(subject)).run(sockets=[socket.socket(fileno=listening)])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
