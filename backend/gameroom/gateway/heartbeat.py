"""Whether the peer of a socket is still there."""

from asyncio import TimerHandle, get_running_loop
from collections.abc import Callable

from gameroom.clock import Millis
from gameroom.gateway.socket import Socket
from gameroom.protocol.frames import Frame

BARE_PING, BARE_PONG = "ping", Frame(b"pong")
"""Text frames that are no JSON: a client asks whether the socket still lives, and is told so."""

MISSES = 2
"""Pings in a row without an answer after which a peer counts as gone."""


class Heartbeat:
    """Pings a socket every `interval_ms`; calls `lost`, once, when two pings in a row stayed without any frame."""

    def __init__(self, interval_ms: Millis, lost: Callable[[], None]) -> None:
        self._interval = interval_ms / 1000
        self._lost = lost
        self._unanswered = 0
        self._timer: TimerHandle | None = None

    def start(self, socket: Socket) -> None:
        """Begin, if this socket can hear pongs; else its server itself looks after dead peers."""
        if socket.hears_pongs:
            self._timer = get_running_loop().call_later(self._interval, self._beat, socket)

    def heard(self) -> None:
        """The peer sent something, a pong or any frame."""
        self._unanswered = 0

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self, socket: Socket) -> None:
        if self._unanswered == MISSES:
            self._lost()
            return
        self._unanswered += 1
        socket.ping()
        self._timer = get_running_loop().call_later(self._interval, self._beat, socket)
