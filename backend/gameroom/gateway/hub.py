"""Who on this node hears which room. Knows subscriptions only: no socket and no command.

One subscription of the bus per room, however many listen; it is confirmed before any of them joins.
"""

import asyncio
import logging
from typing import Protocol

from gameroom.bus.bus import Bus, Delivery, Message, RoomOver, Subscription
from gameroom.errors import Unavailable
from gameroom.gateway.traffic import Traffic
from gameroom.protocol.answers import DetachReason
from gameroom.protocol.frames import Frame
from gameroom.tasks import Tasks

logger = logging.getLogger(__name__)


class Listener(Protocol):
    """One connection's ear in one room. Nothing here may wait or raise."""

    @property
    def user_id(self) -> str: ...

    @property
    def joined(self) -> bool:
        """Whether its JOIN was answered, and nothing has ended it since."""

    def subscribed(self) -> None:
        """From now on everything that the room publishes is heard. Called once per `listen`."""

    def not_subscribed(self, error: Unavailable) -> None:
        """The bus could not confirm in time; this listener hears nothing. Called instead of `subscribed`."""

    def event(self, delivery: Delivery, frame: Frame | None) -> None:
        """An event of the room, and how this listener's user sees it; None: nothing of it is for that user."""

    def over(self, reason: DetachReason) -> None:
        """The room is over for this one, and no event tells it: a newer connection of the same user is there, or the
        room is damaged. Of no concern to one that has not joined."""


class Hub:
    """The rooms that somebody on this node listens to."""

    def __init__(self, bus: Bus, tasks: Tasks, traffic: Traffic, subscribe_timeout_s: float) -> None:
        self._bus = bus
        self._tasks = tasks
        self._traffic = traffic
        self._timeout = subscribe_timeout_s
        self._channels: dict[str, Channel] = {}

    def listen(self, room_id: str, listener: Listener) -> None:
        """Add a listener; it is told, at once or later, when the subscription stands."""
        channel = self._channels.get(room_id)
        if channel is None:
            channel = self._channels[room_id] = Channel(room_id, self._traffic)
            self._tasks.spawn(self._subscribe(channel))
        channel.add(listener)

    def leave(self, room_id: str, listener: Listener) -> None:
        """Remove a listener, if it is there; the last one takes the subscription along."""
        channel = self._channels.get(room_id)
        if channel is None:
            return
        channel.remove(listener)
        self._close_if_deserted(channel)

    def entering(self, room_id: str, listener: Listener) -> None:
        """Its JOIN is submitted now: that makes it its user's newest, even if a later one is answered first."""
        self._channels[room_id].move_to_end(listener)

    def entered(self, room_id: str, listener: Listener) -> bool:
        """Its JOIN was done: a user's newer connection in a room replaces the older ones.

        Returns whether it is itself replaced by now, because a newer one was answered before it.
        """
        mine = self._channels[room_id].of_user(listener.user_id)
        place = mine.index(listener)
        for older in mine[:place]:
            older.over("replaced")
        return any(newer.joined for newer in mine[place + 1 :])

    async def _subscribe(self, channel: "Channel") -> None:
        subscription = await self._subscription(channel)
        if subscription is None:
            del self._channels[channel.room_id]
            channel.fail(Unavailable("The room's events cannot be subscribed to right now"))
        else:
            channel.confirm(subscription)
            self._close_if_deserted(channel)

    async def _subscription(self, channel: "Channel") -> Subscription | None:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._bus.subscribe(channel.room_id, channel.take)
        except (TimeoutError, Unavailable):
            return None
        except Exception:  # whatever a bus may raise, those who wait for the room must be told
            logger.exception("a room cannot be subscribed to", extra={"room_id": channel.room_id})
            return None

    def _close_if_deserted(self, channel: "Channel") -> None:
        """A channel may have been closed already, and another one of the room have taken its place."""
        if channel.deserted and self._channels.get(channel.room_id) is channel:
            del self._channels[channel.room_id]
            channel.close()


class Channel:
    """One room as this node hears it."""

    def __init__(self, room_id: str, traffic: Traffic) -> None:
        self.room_id = room_id
        self._traffic = traffic
        self._subscription: Subscription | None = None
        self._listeners: dict[str, tuple[Listener, ...]] = {}
        """By user; the tuples are replaced, never changed, so that a delivery may end some of them meanwhile."""

    @property
    def deserted(self) -> bool:
        """Whether it is confirmed and nobody listens. (Until it is confirmed, the subscribing task has it.)"""
        return self._subscription is not None and not self._listeners

    def of_user(self, user_id: str) -> tuple[Listener, ...]:
        return self._listeners.get(user_id, ())

    def add(self, listener: Listener) -> None:
        self._listeners[listener.user_id] = (*self.of_user(listener.user_id), listener)
        if self._subscription is not None:
            listener.subscribed()

    def move_to_end(self, listener: Listener) -> None:
        others = (other for other in self.of_user(listener.user_id) if other is not listener)
        self._listeners[listener.user_id] = (*others, listener)

    def remove(self, listener: Listener) -> None:
        left = tuple(other for other in self.of_user(listener.user_id) if other is not listener)
        if left:
            self._listeners[listener.user_id] = left
        else:
            self._listeners.pop(listener.user_id, None)

    def confirm(self, subscription: Subscription) -> None:
        self._subscription = subscription
        for listener in self._all():
            listener.subscribed()

    def fail(self, error: Unavailable) -> None:
        for listener in self._all():
            listener.not_subscribed(error)

    def close(self) -> None:
        if self._subscription is not None:
            self._subscription.close()

    def take(self, message: Message) -> None:
        """What the bus brings. Never waits."""
        if isinstance(message, RoomOver):
            self.end(message)
        else:
            self.deliver(message)

    def end(self, over: RoomOver) -> None:
        for listener in self._all():
            try:
                listener.over(over.reason)
            except Exception:  # as of an event: a bug met by one must cost the others nothing
                logger.exception("the end of a room was not told", extra={"room_id": self.room_id})

    def deliver(self, delivery: Delivery) -> None:
        """Hand each listener its user's share: the same frame to all who share a view. Never waits."""
        named, rest = _by_user(delivery)
        for user_id, listeners in tuple(self._listeners.items()):
            frame = named.get(user_id, rest)
            self._traffic.delivered += len(listeners)
            for listener in listeners:
                _hand_over(listener, delivery, frame)

    def _all(self) -> list[Listener]:
        return [listener for listeners in self._listeners.values() for listener in listeners]


def _by_user(delivery: Delivery) -> tuple[dict[str, Frame], Frame | None]:
    """The frames of the users that are named, and everybody else's."""
    named: dict[str, Frame] = {}
    rest: Frame | None = None
    for share in delivery.shares:
        frame = Frame(share.frame, delivery.flush_ms)
        if share.users is None:
            rest = frame
        else:
            named.update(dict.fromkeys(share.users, frame))
    return named, rest


def _hand_over(listener: Listener, delivery: Delivery, frame: Frame | None) -> None:
    try:
        listener.event(delivery, frame)
    except Exception:
        # A bug met by one listener must cost neither the others their event nor the room its turn.
        logger.exception("an event was not delivered", extra={"room_id": delivery.room_id})
