"""What surrounds every call: its id, and an answer even where we fail."""

import logging

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gameroom.api.problems import problem
from gameroom.errors import InternalError
from gameroom.protocol.request_ids import HEADER, request_id_of

logger = logging.getLogger(__name__)


SCOPE_KEY = "gameroom.request_id"
"""Where in the ASGI scope the id of the request stands."""


class RequestIds:
    """ASGI middleware: every HTTP answer bears `X-Request-Id`, the caller's own if it sent a plausible one.

    WebSockets pass through untouched.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(scope["headers"])

        async def identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        scope[SCOPE_KEY] = request_id
        await self._app(scope, receive, identified)


class LastResort:
    """ASGI middleware within `RequestIds`: what nobody handled is logged with the request's id and answered 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = Answer(send)
        request_id = scope[SCOPE_KEY]
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            logger.info("The client left before its request was whole", extra={"request_id": request_id})
        except Exception:
            # The floor under everything: whatever it was, it is our bug, and the caller gets a problem, not a
            # torn connection.
            logger.exception("A call failed", extra={"request_id": request_id})
            if answer.begun:
                raise
            await problem(InternalError("Something broke on our side"))(scope, receive, answer.send)


class Answer:
    """The answer to one request on its way out."""

    def __init__(self, send: Send) -> None:
        self.begun = False
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
        await self._send(message)
