"""The contract of the bus: it only wakes and carries.

Guarantees: what is published by one room arrives at each subscriber in the order published, or not at all.
Lossy by definition: a message may be lost, never invented; subscribers see a loss by `prev_seq` and ask the
room. Implementations stand beside this file: `local` (one process); Redis comes with the cluster.
"""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from gameroom.clock import Millis
from gameroom.protocol.answers import DetachReason


class Share(Struct, frozen=True):
    """One frame, encoded already, and who gets these very bytes. `users` None: everybody not named elsewhere."""

    users: frozenset[str] | None
    frame: bytes


class Delivery(Struct, frozen=True, kw_only=True):
    """One event of one room, with all its views: one message per (room, seq).

    A subscriber whose last position is not `(epoch, prev_seq)` has missed something, unless the event `begins` its
    epoch and so may follow anything. `ends` says for whom no event of this room follows (None as key: for everybody);
    `cause` is the connection whose command made it.
    `flush_ms`: how long it may wait on its way out, so as to leave together with others.
    """

    room_id: str
    term: int
    epoch: int
    seq: int
    prev_seq: int
    shares: tuple[Share, ...]
    ends: dict[str | None, DetachReason] = {}
    cause: str | None = None
    flush_ms: Millis = 0
    begins: bool = False


class RoomOver(Struct, frozen=True):
    """No event of the room follows for anybody, and none tells why: it is not in its history."""

    room_id: str
    reason: DetachReason


Message = Delivery | RoomOver

Receive = Callable[[Message], None]
"""Called on the loop; must neither wait nor raise. One that raises all the same harms no other, nor the room."""


class Subscription(Protocol):
    """Held by the subscriber; after `close` its `receive` is not called again, not even by a delivery under way."""

    def close(self) -> None: ...


class Bus(Protocol):
    def publish(self, message: Message) -> None:
        """Hand a message to all subscribers of its room. Never waits and never raises."""

    async def subscribe(self, room_id: str, receive: Receive) -> Subscription:
        """Returns once the subscription is confirmed: what is published from then on may arrive.

        Raises `Unavailable` when the bus cannot confirm in time.
        """
