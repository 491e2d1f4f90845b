"""The ASGI application behind both WebSocket routes: a handshake in, a connection or a refusal out.

What the server offers for sockets is behind `asgi_socket.serve_socket`; here nothing depends on it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from gameroom.errors import GameroomError, InternalError, NotFound, Unavailable
from gameroom.gateway import closing
from gameroom.gateway.anonymous import AnonymousConnection
from gameroom.gateway.asgi_socket import ABNORMAL, SocketLimits, serve_socket
from gameroom.gateway.asked import Failure
from gameroom.gateway.closing import Closing
from gameroom.gateway.connection import Connection
from gameroom.gateway.connections import Connections
from gameroom.gateway.environment import Environment
from gameroom.gateway.handshake import (
    check_origin,
    check_query,
    check_subprotocols,
    choose_subprotocol,
    find_credential,
    join_of,
    wants_errors_as_frames,
)
from gameroom.gateway.socket import Receiver, Socket
from gameroom.gateway.wire import Wire, new_wire
from gameroom.protocol.commands import JoinRoom
from gameroom.protocol.problem import problem_body, problem_headers
from gameroom.protocol.request_ids import HEADER, request_id_of
from gameroom.rooms.asking import Undecided, told_within

logger = logging.getLogger(__name__)

DENIAL = "websocket.http.response"
"""The ASGI extension by which a refused handshake gets a body."""


@dataclass(frozen=True)
class Admitted:
    """Who is let in: who will hear the wire, and what is to be called when it is open."""

    wire: Wire
    receiver: Receiver
    opened: Callable[[], None]

    def connect(self, socket: Socket) -> Receiver:
        self.wire.opened(socket)
        self.opened()
        return self.receiver


class SocketEndpoint:
    """Decides over each handshake; where the path names a room, its JOIN is decided first."""

    def __init__(self, environment: Environment, connections: Connections) -> None:
        policy = environment.policy
        self._environment = environment
        self._connections = connections
        self._limits = SocketLimits(
            message_bytes=policy.max_message_bytes, queue_bytes=policy.max_outgoing_bytes
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        await websocket.receive()
        subprotocol = choose_subprotocol(websocket)
        try:
            admitted = await self._let_in(websocket, new_wire(subprotocol))
        except GameroomError as error:
            await _refuse(websocket, error, subprotocol)
        except Undecided:
            await _give_up(websocket, subprotocol)
        except Exception:  # a bug met here must reach the client as one of our answers, and the log
            logger.exception("a handshake failed")
            await _refuse(websocket, InternalError("Something is wrong with the server"), subprotocol)
        else:
            await _serve(websocket, admitted, self._limits)

    async def _let_in(self, websocket: WebSocket, wire: Wire) -> Admitted:
        """Everything is checked that costs nothing before a ticket is spent or a room is asked."""
        if self._connections.draining:
            raise Unavailable("This server is going down; reconnect")
        check_origin(websocket, self._environment.policy.allowed_origins)
        check_subprotocols(websocket)
        join = _join(websocket)
        credential = find_credential(websocket)
        if credential is None:
            anonymous = AnonymousConnection(wire, self._environment, self._connections, join)
            return Admitted(wire, anonymous, anonymous.opened)
        principal = await self._environment.identify(credential)
        connection = self._connections.admit(principal, wire, join)
        connection.welcome()
        if join is not None:
            await self._enter(connection, join)
        return Admitted(wire, connection, lambda: self._connections.open(connection))

    async def _enter(self, connection: Connection, join: JoinRoom) -> None:
        """The automatic JOIN, before the handshake is answered, so that a failure is an HTTP status.

        Raises why not, and `Undecided` where that is not known.
        """
        deadline_s = self._environment.policy.join_timeout_s
        try:
            failure: Failure | None = await told_within(deadline_s, partial(connection.enter, join))
            if failure:
                raise failure
        except BaseException:
            connection.closed(ABNORMAL)
            raise


def _join(websocket: WebSocket) -> JoinRoom | None:
    """The automatic JOIN; None where the path names no room. Raises `RoomNotFound`, `ValidationFailed`."""
    room_id = websocket.path_params.get("room_id")
    if room_id is not None:
        return join_of(room_id, websocket.query_params)
    check_query(websocket.query_params)
    return None


class Nowhere:
    """Answers a handshake for a path where there is no socket."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        await websocket.receive()
        error = NotFound(f"There is no WebSocket at {websocket.url.path}; it is at /ws")
        await _refuse(websocket, error, choose_subprotocol(websocket))


class Nobody:
    """Implements `Receiver`, for a socket that is closed as soon as it is open."""

    def text(self, frame: str) -> None: ...

    def binary(self, frame: bytes) -> None: ...

    def pong(self) -> None: ...

    def oversized(self) -> None: ...

    def closed(self, code: int) -> None: ...


async def _serve(websocket: WebSocket, admitted: Admitted, limits: SocketLimits) -> None:
    try:
        await websocket.accept(admitted.wire.subprotocol)
    except OSError:  # the client has gone while we decided
        admitted.receiver.closed(ABNORMAL)
    else:
        await serve_socket(websocket, admitted.connect, limits)


async def _refuse(websocket: WebSocket, error: GameroomError, subprotocol: str | None) -> None:
    if wants_errors_as_frames(websocket):
        await _close_at_once(websocket, closing.closing_for(error), subprotocol)
    else:
        await _deny(
            websocket, Response(problem_body(error), error.status, problem_headers(error)), error.code
        )


async def _give_up(websocket: WebSocket, subprotocol: str | None) -> None:
    """Whether the room was joined is not known: there is no word for that, only that no answer came in time."""
    if wants_errors_as_frames(websocket):
        await _close_at_once(websocket, closing.INTERNAL, subprotocol)
    else:
        await _deny(websocket, Response(status_code=HTTPStatus.GATEWAY_TIMEOUT), "undecided")


async def _deny(websocket: WebSocket, response: Response, why: str) -> None:
    request_id = request_id_of(websocket.scope["headers"])
    logger.info("handshake refused", extra={"code": why, "request_id": request_id})
    response.headers[HEADER] = request_id
    if DENIAL in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(response)
    else:
        await websocket.close()


async def _close_at_once(websocket: WebSocket, why: Closing, subprotocol: str | None) -> None:
    """For clients that cannot read the HTTP answer to a handshake."""
    wire = new_wire(subprotocol)
    wire.end(why)
    await _serve(websocket, Admitted(wire, Nobody(), lambda: None), SocketLimits())
