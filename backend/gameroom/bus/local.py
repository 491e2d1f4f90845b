"""The bus of one process: a function call."""

import logging

from gameroom.bus.bus import Message, Receive

log = logging.getLogger(__name__)


class LocalSubscription:
    def __init__(self, bus: "LocalBus", room_id: str, receive: Receive) -> None:
        self._bus = bus
        self._room_id = room_id
        self._receive = receive
        self._closed = False

    def take(self, message: Message) -> None:
        """Closed ones are skipped: one receiver may close another's while a delivery is under way."""
        if self._closed:
            return
        try:
            self._receive(message)
        except Exception:  # a bug of the subscriber's must cost the other ones, and the room, nothing
            log.exception("room %s: a subscriber failed", self._room_id)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._bus.drop(self._room_id, self)


class LocalBus:
    """Implements `Bus`; loses nothing, and delivers before `publish` returns."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, list[LocalSubscription]] = {}

    def publish(self, message: Message) -> None:
        for subscription in tuple(self._subscriptions.get(message.room_id, ())):
            subscription.take(message)

    async def subscribe(self, room_id: str, receive: Receive) -> LocalSubscription:
        subscription = LocalSubscription(self, room_id, receive)
        self._subscriptions.setdefault(room_id, []).append(subscription)
        return subscription

    def drop(self, room_id: str, subscription: LocalSubscription) -> None:
        """For subscriptions only, when they are closed."""
        room = self._subscriptions[room_id]
        room.remove(subscription)
        if not room:
            del self._subscriptions[room_id]
