"""The socket of a connection whose handshake is not answered yet."""

from collections.abc import Callable

from gameroom.gateway.socket import Socket
from gameroom.protocol.frames import Frame


class UnopenedSocket:
    """Implements `Socket`: keeps what is sent until there is somewhere to send it.

    A connection exists before its socket, because the automatic JOIN of a room-bound one is decided first. What can
    gather here is bounded by that: WELCOME, one answer, at most `MAX_RESUME` missed events, and those of the moment
    until the handshake is answered.
    """

    hears_pongs = False

    def __init__(self) -> None:
        self._sent: list[Callable[[Socket], None]] = []

    def send_text(self, frame: Frame) -> None:
        self._sent.append(lambda socket: socket.send_text(frame))

    def send_binary(self, frame: Frame) -> None:
        self._sent.append(lambda socket: socket.send_binary(frame))

    def ping(self) -> None:
        """There is nobody to ping yet."""

    def close(self, code: int, reason: str) -> None:
        self._sent.append(lambda socket: socket.close(code, reason))

    def pour_into(self, socket: Socket) -> None:
        """Send through the opened socket what was sent here."""
        for send in self._sent:
            send(socket)
