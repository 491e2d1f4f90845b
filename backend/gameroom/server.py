"""uvicorn as this server needs it: it drains before it closes, and what fails at the start is raised, not logged.

Stock uvicorn closes every socket (1012) before the application hears of the shutdown, and turns an exception of
the lifespan into a traceback and an exit; so here the server itself enters the lifespan and asks for the drain.
"""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

import uvicorn
from starlette.types import ASGIApp

from gameroom.gateway.fast_path import FastPathProtocol, FrontProtocol

logger = logging.getLogger(__name__)

BACKLOG = 2048
"""Connections that may wait to be accepted, so that a crowd that reconnects at once is not refused."""

CLOSING_S = 5
"""Seconds for sockets and answers under way to end after the drain; then they are cut off."""


class CannotListen(Exception):
    """The address or port cannot be had; the message says why."""


class ServerSettings(Protocol):
    """What of the settings concerns the server."""

    @property
    def max_message_bytes(self) -> int: ...

    @property
    def trusted_proxies(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Life:
    """What surrounds the serving: `span` from before the first request until after the last socket is closed,
    `ready` once requests are served, `drain` before sockets are closed, at most `drain_timeout_s`. `hurry` is called
    when the operator will not wait: the drain is cut short then, and the end of `span` should be.
    """

    span: Callable[[], AbstractAsyncContextManager[object]]
    ready: Callable[[], None]
    drain: Callable[[], Awaitable[None]]
    drain_timeout_s: float
    hurry: Callable[[], None]


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens already; clients that come before the server is ready wait in its backlog.

    Raises `CannotListen`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotListen(f"cannot listen on {host}, port {port}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program listens there; choose another port with --port"
    # A failed look-up of the name has a number of its own, which os.strerror does not know.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else f"{error.strerror}"


def server_config(app: ASGIApp, settings: ServerSettings) -> uvicorn.Config:
    """How we run uvicorn. Logs are configured elsewhere; the access log is off, it would hold query strings."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=FrontProtocol,
        ws=FastPathProtocol,
        ws_max_size=settings.max_message_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # the gateway pings
        lifespan="off",  # `Server` enters it
        interface="asgi3",
        workers=1,  # a second process would be a second node on the same rooms
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=list(settings.trusted_proxies),
        backlog=BACKLOG,
        timeout_graceful_shutdown=CLOSING_S,
    )


class Server(uvicorn.Server):
    """Serves until a signal comes: the first one drains and closes, a second one ends all patience.

    An exception of the lifespan's start is raised by `run`. After a signal `run` returns: the exit is a clean one.
    """

    def __init__(self, config: uvicorn.Config, life: Life) -> None:
        super().__init__(config)
        self._life = life
        self._hurry = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        with self.capture_signals():
            async with self._life.span():
                await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._life.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        logger.info("draining")
        await self._drain()
        logger.info("closing")
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        drain = asyncio.ensure_future(self._life.drain())
        hurry = asyncio.create_task(self._hurry.wait())
        timeout = self._life.drain_timeout_s
        await asyncio.wait((drain, hurry), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        drain.cancel()
        hurry.cancel()
        failure, _ = await asyncio.gather(drain, hurry, return_exceptions=True)
        _report(failure)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Runs in the signal handler. uvicorn's own would raise the signal again after the shutdown."""
        if self.should_exit and self._loop is not None:
            self.force_exit = True
            self._loop.call_soon_threadsafe(self._hurry_up)
        self.should_exit = True

    def _hurry_up(self) -> None:
        self._hurry.set()
        self._life.hurry()


def _report(failure: BaseException | None) -> None:
    """Log how the drain failed, if it did: the sockets must be closed all the same."""
    if isinstance(failure, asyncio.CancelledError):
        logger.warning("the drain was cut short")
    elif failure is not None:
        logger.error("the drain failed", exc_info=failure)
