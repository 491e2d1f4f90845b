"""The seam between the gateway and the server that speaks RFC 6455: one accepted WebSocket.

Two implementations: `fast_path.FastSocket`, offered by our uvicorn protocol class as an ASGI scope extension
(callbacks in, bytes out, no task per message), and `asgi_socket.AsgiSocket`, which needs plain ASGI only. Above
this line there is one code path.
"""

from typing import Protocol

from gameroom.protocol.frames import Frame


class Receiver(Protocol):
    """What the gateway does when something arrives. All methods are called on the loop; none may wait or raise."""

    def text(self, frame: str) -> None:
        """A whole text message."""

    def binary(self, frame: bytes) -> None:
        """A whole binary message."""

    def pong(self) -> None:
        """A control frame: the peer is there, it answered a ping, or sent one itself and got its answer."""

    def oversized(self) -> None:
        """The peer sent more than the limit; nothing more of it is read. The receiver says why and closes 1009."""

    def closed(self, code: int) -> None:
        """Nothing more will be heard, whoever closed it; called exactly once, last. 1006: without a close frame.

        The closing handshake may go on without the receiver.
        """


class Socket(Protocol):
    """An accepted WebSocket. Frames, pings and the close leave in the order of the calls."""

    def send_text(self, frame: Frame) -> None:
        """Queue one text message, the frame's JSON. Never waits; after `close` it does nothing.

        The queue is bounded in bytes: where the peer does not read, the socket is closed 4002 `too_slow`.
        """

    def send_binary(self, frame: Frame) -> None:
        """Queue one binary message, the frame's MessagePack, likewise."""

    def ping(self) -> None:
        """Send a ping where the server can; where it cannot (plain ASGI), does nothing."""

    def close(self, code: int, reason: str) -> None:
        """Close once all that was queued is sent, or after a deadline of a few seconds. Twice is once."""

    @property
    def hears_pongs(self) -> bool:
        """Whether `ping` and `Receiver.pong` work here. If not, the server itself looks after dead peers."""
