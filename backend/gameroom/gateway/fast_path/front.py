"""A connection until its first bytes say who serves it: the fast path, or uvicorn."""

import asyncio
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gameroom.gateway.fast_path.protocol import FastPathProtocol
from gameroom.gateway.fast_path.upgrade import Request, read_upgrade


class FrontProtocol(asyncio.Protocol):
    """For uvicorn's `http=` setting: a handshake that comes in one piece goes to `FastPathProtocol` at once.

    Everything else is uvicorn's, a handshake in several pieces too: it finds the fast path by the setting `ws=`, but
    after it has made a protocol for HTTP, parsed the request and written it down again.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._server = config, server_state, app_state, _loop
        self._connections = cast(set[asyncio.Protocol], server_state.connections)
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        upgrade = read_upgrade(data)
        if upgrade is None:
            self._give_to(HttpToolsProtocol(*self._server)).data_received(data)
        else:
            self._open(*upgrade)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)

    def shutdown(self) -> None:
        """The server stops (uvicorn calls this)."""
        self._transport.close()

    def _open(self, request: Request, early: bytes) -> None:
        protocol = FastPathProtocol(*self._server)
        self._give_to(protocol)
        protocol.begin(request)
        if early:
            protocol.data_received(early)

    def _give_to(self, protocol: asyncio.Protocol) -> asyncio.Protocol:
        """From now on the connection is this one's."""
        self._connections.discard(self)
        protocol.connection_made(self._transport)
        self._transport.set_protocol(protocol)
        return protocol
