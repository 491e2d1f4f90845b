"""A connection, as the parts that work for it see it. Nothing here waits or raises."""

from typing import Protocol

from gameroom.gateway.closing import Closing
from gameroom.identity.access import Principal
from gameroom.protocol.frames import Frame
from gameroom.rooms.rooms import Sender


class Peer(Protocol):
    @property
    def connection_id(self) -> str: ...

    @property
    def sender(self) -> Sender:
        """Who asks. The user never changes, the card may."""

    def send(self, frame: Frame) -> None:
        """Send a frame to the client, in the order of the calls."""

    def end(self, why: Closing) -> None:
        """Close the connection, and with it its dispatcher and its attachments."""


class Renewable(Peer, Protocol):
    def renew(self, principal: Principal) -> None:
        """The same user has shown another token."""
