"""The line to one client: its socket, and the encoding that both ends have agreed on.

The gateway above has frames and commands; only here is decided how they travel.
"""

from abc import ABC, abstractmethod

from gameroom.errors import MalformedFrame
from gameroom.gateway.closing import Closing
from gameroom.gateway.heartbeat import BARE_PONG
from gameroom.gateway.socket import Socket
from gameroom.gateway.unopened import UnopenedSocket
from gameroom.protocol.codec import CommandRefused, decode_command, decode_packed
from gameroom.protocol.commands import AnyCommand
from gameroom.protocol.frames import Frame


class Wire(ABC):
    """Exists before its socket: the encoding is chosen first, and what is sent meanwhile is kept.

    `subprotocol`: the word that agrees on the encoding, as the handshake's answer repeats it; None: nothing was said.
    """

    __slots__ = ("socket", "subprotocol")

    def __init__(self, subprotocol: str | None) -> None:
        self.subprotocol = subprotocol
        self.socket: Socket = UnopenedSocket()

    def opened(self, socket: Socket) -> None:
        """The handshake is answered: what was sent so far goes out."""
        if isinstance(self.socket, UnopenedSocket):
            self.socket.pour_into(socket)
        self.socket = socket

    @property
    def is_open(self) -> bool:
        """Whether its handshake is answered."""
        return not isinstance(self.socket, UnopenedSocket)

    @abstractmethod
    def send(self, frame: Frame) -> None:
        """Send a frame, in the order of the calls. Never waits."""

    @abstractmethod
    def read(self, message: str | bytes) -> AnyCommand:
        """The command in a text or a binary message. Raises `CommandRefused`, and nothing else."""

    def send_pong(self) -> None:
        """Answer a bare `ping`: in text, whatever was agreed."""
        self.socket.send_text(BARE_PONG)

    def end(self, why: Closing) -> None:
        """Explain and close."""
        if why.frame is not None:
            self.send(why.frame)
        self.socket.close(why.code, why.reason)


class JsonWire(Wire):
    """JSON in text messages."""

    __slots__ = ()

    def send(self, frame: Frame) -> None:
        self.socket.send_text(frame)

    def read(self, message: str | bytes) -> AnyCommand:
        if isinstance(message, bytes):
            raise _not_agreed("Binary messages were not agreed on; send JSON in text messages")
        return decode_command(message)


class PackedWire(Wire):
    """MessagePack in binary messages."""

    __slots__ = ()

    def send(self, frame: Frame) -> None:
        self.socket.send_binary(frame)

    def read(self, message: str | bytes) -> AnyCommand:
        if isinstance(message, str):
            raise _not_agreed("Text messages were not agreed on; send MessagePack in binary messages")
        return decode_packed(message)


WIRES: dict[str, type[Wire]] = {"gameroom.v1.json": JsonWire, "gameroom.v1.msgpack": PackedWire}
"""By the subprotocol that agrees on it."""


def new_wire(subprotocol: str | None) -> Wire:
    """The line that a handshake has agreed on; where nothing was said, JSON."""
    return JsonWire(None) if subprotocol is None else WIRES[subprotocol](subprotocol)


def _not_agreed(message: str) -> CommandRefused:
    return CommandRefused(MalformedFrame(message), {})
