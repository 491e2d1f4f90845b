"""One connection as uvicorn hands it over, from its upgrade request until its WebSocket is open or refused."""

import asyncio
import logging
from typing import Any, cast
from urllib.parse import unquote

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent, WebSocketScope
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected, get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from gameroom.gateway.asgi_socket import EXTENSION, Connect, SocketLimits
from gameroom.gateway.fast_path.asgi_session import AsgiSession, asgi_limits
from gameroom.gateway.fast_path.framing import unframe as unframe_in_python
from gameroom.gateway.fast_path.parser import Parser
from gameroom.gateway.fast_path.socket import FastSocket
from gameroom.gateway.fast_path.upgrade import BadUpgrade, Request, accept_key, accepted, denied, read_request
from gameroom.protocol.codes import CloseCode

try:
    from gameroom.gateway.fast_path._framing import unframe
except ImportError:  # it was not compiled here: everything is the same, and each message costs 0.7 µs more
    unframe = unframe_in_python

MOST_EARLY_BYTES = 65_536
"""What a peer may send while its handshake is being decided; more waits in TCP."""

logger = logging.getLogger("uvicorn.error")


class FastPathProtocol(asyncio.Protocol):
    """For uvicorn's `ws=` setting, and for `FrontProtocol`. Serves ASGI, and offers `asgi_socket.TakeOver` beside it.

    Agrees on no extension (no compression) and sends no pings of its own: whoever takes a socket over has its own.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._connections = cast(set[asyncio.Protocol], server_state.connections)
        self._transport: asyncio.Transport
        self._request: Request | None = None
        self._key = b""
        self._early: list[bytes] = []
        self._connected = False
        self._lost = asyncio.Event()
        self._denial: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self._denial_body = b""
        self._answered = False
        self._session = AsgiSession()
        self._socket: FastSocket | None = None
        self._taken = False

    # --- asyncio.Protocol, until the WebSocket is open ------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._request is None:
            self.begin(read_request(data))
        else:
            self._early.append(data)
            if sum(map(len, self._early)) > MOST_EARLY_BYTES:
                self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._lost.set()

    def shutdown(self) -> None:
        """The server stops (uvicorn calls this)."""
        self._fail()
        self._transport.close()

    # --- the handshake --------------------------------------------------------------------------------------------

    def begin(self, request: Request) -> None:
        """Decide over this request; called once, by whoever has read it."""
        self._request = request
        try:
            self._key = accept_key(request)
        except BadUpgrade as bad:
            self._deny(bad.status, bad.headers, bad.reason.encode())
        else:
            task = self._loop.create_task(self._run(self._scope(request)))
            self._state.tasks.add(task)
            task.add_done_callback(self._state.tasks.discard)

    def _scope(self, request: Request) -> WebSocketScope:
        path, _, query = request.target.partition(b"?")
        root = self._config.root_path
        return {
            "type": "websocket",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if is_ssl(self._transport) else "ws",
            "server": get_local_addr(self._transport),
            "client": get_remote_addr(self._transport),
            "root_path": root,
            "path": root + unquote(path.decode("ascii")),
            "raw_path": root.encode("ascii") + path,
            "query_string": query,
            "headers": request.headers,
            "subprotocols": request.words(b"sec-websocket-protocol"),
            "state": self._app_state.copy(),
            "extensions": {"websocket.http.response": {}, EXTENSION: self._take_over},  # type: ignore[dict-item]
        }

    async def _run(self, scope: WebSocketScope) -> None:
        try:
            await self._config.loaded_app(scope, self._receive, self._send)
        except ClientDisconnected:
            self._finish(CloseCode.NORMAL)
        except Exception:  # whatever the app met, its peer must hear that it is over, and the log why
            logger.exception("Exception in ASGI application\n")
            self._finish(CloseCode.INTERNAL)
        else:
            self._finish(CloseCode.NORMAL)

    def _finish(self, code: CloseCode) -> None:
        """The app has returned. What it gave away lives on, unless it failed; nobody else would close that."""
        if self._socket is None:
            if not self._answered:
                self._fail()
            self._transport.close()
        elif not self._taken or code is CloseCode.INTERNAL:
            self._socket.close(code, "internal" if code is CloseCode.INTERNAL else "")

    def _fail(self) -> None:
        if not self._answered:
            self._deny(500, [], b"Internal Server Error")

    # --- ASGI -----------------------------------------------------------------------------------------------------

    async def _receive(self) -> ASGIReceiveEvent:
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        if self._socket is not None:
            return await self._session.receive()
        await self._lost.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    async def _send(self, message: ASGISendEvent) -> None:
        if self._socket is not None:
            await self._session.send(message)
        elif self._answered:
            raise RuntimeError(
                f"Unexpected ASGI message '{message['type']}', after the handshake was refused."
            )
        elif self._lost.is_set():
            raise ClientDisconnected()
        else:
            self._answer(message)

    def _answer(self, message: ASGISendEvent) -> None:
        if message["type"] == "websocket.http.response.body" and self._denial is not None:
            self._denial_body += message["body"]
            if not message.get("more_body", False):
                self._deny(*self._denial, self._denial_body)
        elif self._denial is not None:
            raise RuntimeError(
                f"Expected ASGI message 'websocket.http.response.body' but got '{message['type']}'."
            )
        elif message["type"] == "websocket.accept":
            headers = [*self._state.default_headers, *message.get("headers", ())]
            self._open(accepted(self._key, headers, message.get("subprotocol")))
        elif message["type"] == "websocket.close":
            self._deny(403, [], b"")
        elif message["type"] == "websocket.http.response.start":
            self._denial = message["status"], list(message["headers"])
        else:
            raise RuntimeError(
                "Expected ASGI message 'websocket.accept', 'websocket.close' "
                f"or 'websocket.http.response.start' but got '{message['type']}'."
            )

    def _deny(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._answered = True
        self._lost.set()
        if not self._transport.is_closing():
            self._transport.write(denied(status, headers, body))
            self._transport.close()

    def _open(self, answer: bytes) -> None:
        """The handshake is over: a socket takes this object's place on the transport."""
        self._answered = True
        if self._transport.is_closing():
            raise ClientDisconnected()
        limits = asgi_limits(self._config.ws_max_size)
        self._socket = FastSocket(
            self._transport, Parser(limits.message_bytes, unframe), self._session, limits
        )
        # Through the socket, so that it leaves as one write with what the app says at once.
        self._socket.write(answer)
        self._session.open(self._socket)
        self._connections.discard(self)
        self._socket.listed_in(self._connections)
        self._transport.set_protocol(self._socket)
        self._transport.resume_reading()
        for data in self._early:
            self._socket.data_received(data)
        self._early.clear()

    def _take_over(self, connect: Connect, limits: SocketLimits) -> None:
        """Implements `TakeOver`."""
        if self._socket is None:
            raise RuntimeError("a WebSocket can be taken over once it is accepted")
        self._taken = True
        self._socket.pass_to(connect(self._socket), limits, self._session.end())
