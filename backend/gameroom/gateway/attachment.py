"""One connection's line to one room: what it asks there, in order, and what it hears, without gap or overlap.

A command that is answered with a view (JOIN, CREATE, and GET where the room is joined) is *spliced*: it is under
way alone, the events that arrive meanwhile are held back, and its REPLY is put exactly at its position among them.
"""

from collections import deque
from typing import Protocol

from msgspec import Struct

from gameroom.bus.bus import Delivery
from gameroom.errors import GameroomError, Unavailable
from gameroom.gateway.asked import Asked, refusal, reply
from gameroom.gateway.hub import Hub
from gameroom.protocol.answers import Detached, DetachReason
from gameroom.protocol.codec import encode
from gameroom.rooms.rooms import Answer, Outcome, Request, Rooms, Sender

MAX_WAITING = 256
"""Commands that wait here for a splice to end; further ones are `unavailable`."""

MAX_HELD = 1_024
"""Events held back during a splice; with one more the connection is closed, and resumes."""

Position = tuple[int, int]
"""`(epoch, seq)`."""

Heard = tuple[Delivery, bytes | None]
"""An event, and its frame for the user, if it has one for that user."""


class Owner(Protocol):
    """The connection, as its attachments see it. Nothing here waits or raises."""

    @property
    def connection_id(self) -> str: ...

    @property
    def sender(self) -> Sender:
        """Who asks. The user never changes, the card may."""

    def send(self, frame: bytes) -> None:
        """Send a frame to the client, in the order of the calls."""

    def detached(self, room_id: str, reason: DetachReason) -> None:
        """DETACHED was sent."""

    def lost_events(self, room_id: str) -> None:
        """Events of the room are missing: the connection must end, so that the client resumes."""

    def created_before(self, create: Asked, room_id: str) -> None:
        """A CREATE was a repeat: it is to be answered with the present view of the room that it once made."""

    def forget(self, attachment: "Attachment") -> None:
        """Nothing is joined, under way or waiting there."""


class Ending(Struct, frozen=True):
    """The room is over for this connection once the command that did it is answered."""

    reason: DetachReason
    at: Position


class Attachment:
    """Implements `hub.Listener`. Not joined as long as `_position` is None."""

    def __init__(self, room_id: str, owner: Owner, hub: Hub, rooms: Rooms) -> None:
        self.room_id = room_id
        self._owner = owner
        self._hub = hub
        self._rooms = rooms
        self._waiting: deque[Asked] = deque()
        self._under_way = 0
        self._starting = False
        self._alone: Asked | None = None
        self._listening = False
        self._held: list[Heard] | None = None
        self._position: Position | None = None
        self._ending: Ending | None = None
        self._closed = False

    @property
    def user_id(self) -> str:
        return self._owner.sender.user_id

    @property
    def joined(self) -> bool:
        return self._position is not None

    @property
    def implied(self) -> bool:
        """Whether a command without `room_id` may mean this room: it is joined, or a JOIN was sent before."""
        return self.joined or any(map(_joins, (self._alone, *self._waiting)))

    # --- commands ---------------------------------------------------------------------------------------------

    def ask(self, asked: Asked) -> None:
        """Hand a command to the room, after all that were asked before it."""
        if len(self._waiting) >= MAX_WAITING:
            self._refuse(asked, Unavailable("Too many commands of this connection wait for the room"))
            return
        self._waiting.append(asked)
        self._go_on()

    def _go_on(self) -> None:
        """Start what may start. A command may be answered before `submit` returns, and then comes back here."""
        if self._starting:
            return
        self._starting = True
        while self._waiting and self._may_start(self._waiting[0]):
            self._start(self._waiting.popleft())
        self._starting = False
        if not (self.joined or self._under_way or self._alone or self._waiting):
            self._owner.forget(self)

    def _may_start(self, asked: Asked) -> bool:
        return self._alone is None and (self._under_way == 0 or not self._is_spliced(asked))

    def _is_spliced(self, asked: Asked) -> bool:
        return asked.enters or (asked.views and self.joined)

    def _start(self, asked: Asked) -> None:
        if self._is_spliced(asked):
            self._alone = asked
            self._held = []
        if self._listening or not asked.enters:
            self._submit(asked)
        else:
            self._listening = True
            self._hub.listen(self.room_id, self)

    def _submit(self, asked: Asked) -> None:
        self._under_way += 1
        if asked.enters:
            self._hub.entering(self.room_id, self)
        request = Request(
            room_id=self.room_id, sender=self._owner.sender, command=asked.command, rejoin=asked.rejoin
        )
        self._rooms.submit(request, lambda outcome: self._told(asked, outcome))

    def _told(self, asked: Asked, outcome: Outcome) -> None:
        self._under_way -= 1
        if self._closed:
            self._told_too_late(asked, outcome)
        else:
            self._conclude(asked, outcome)

    def _conclude(self, asked: Asked, outcome: Outcome) -> None:
        if asked is self._alone:
            self._alone = None
            self._splice(asked, outcome)
        elif isinstance(outcome, Answer):
            self._reply(asked, outcome)
        else:
            self._refuse(asked, outcome)
        if self._ending is not None:
            self._end_after(outcome, self._ending)
        self._go_on()

    def _reply(self, asked: Asked, answer: Answer) -> None:
        if asked.original.ack:
            self._owner.send(reply(asked, answer))
        if asked.settled is not None:
            asked.settled(None)

    def _refuse(self, asked: Asked, error: GameroomError) -> None:
        if asked.settled is not None:
            asked.settled(error)
        else:
            self._owner.send(refusal(asked, error, self.room_id))

    # --- splices ----------------------------------------------------------------------------------------------

    def _splice(self, asked: Asked, outcome: Outcome) -> None:
        held, self._held = self._held or [], None
        if isinstance(outcome, GameroomError):
            self._pass_on_all(held)
            self._stop_listening_unless_joined()
            self._refuse(asked, outcome)
        elif asked.views:
            self._view(asked, outcome, held)
        elif asked.creates and outcome.repeated:
            self._stop_listening()
            self._owner.created_before(asked, outcome.room_id)
        else:
            self._enter(asked, outcome, held)

    def _enter(self, asked: Asked, answer: Answer, held: list[Heard]) -> None:
        """Joined: what is held up to the answer's position is in its view, or among the missed, and is dropped."""
        self._position = (answer.epoch, answer.seq)
        is_replaced = self._hub.entered(self.room_id, self)
        self._reply(asked, answer)
        for frame in answer.missed:
            self._owner.send(frame)
        if is_replaced:
            self.replaced()
        self._pass_on_all(held)

    def _view(self, asked: Asked, answer: Answer, held: list[Heard]) -> None:
        """GET: what is held up to the answer's position goes before it."""
        at = (answer.epoch, answer.seq)
        self._pass_on_all([heard for heard in held if _position_of(heard[0]) <= at])
        if self._position is not None:
            self._position = max(self._position, at)
        self._reply(asked, answer)
        self._pass_on_all(held)

    # --- events -----------------------------------------------------------------------------------------------

    def subscribed(self) -> None:
        if self._alone is not None:
            self._submit(self._alone)

    def not_subscribed(self, error: Unavailable) -> None:
        self._listening = False
        if self._alone is not None:
            self._conclude(self._alone, error)

    def event(self, delivery: Delivery, frame: bytes | None) -> None:
        if self._held is None:
            self._pass_on(delivery, frame)
        elif len(self._held) < MAX_HELD:
            self._held.append((delivery, frame))
        else:
            self._owner.lost_events(self.room_id)

    def replaced(self) -> None:
        if self._position is None:
            return
        self._position = None
        if self._alone is None or not self._alone.enters:
            self._held = None
            self._stop_listening()
        self._detached("replaced")

    def _pass_on_all(self, heard: list[Heard]) -> None:
        for delivery, frame in heard:
            self._pass_on(delivery, frame)

    def _pass_on(self, delivery: Delivery, frame: bytes | None) -> None:
        at = _position_of(delivery)
        if self._position is None or at <= self._position:
            return  # not joined (any more), or a copy of what is told already
        epoch, seq = self._position
        if delivery.epoch == epoch and delivery.prev_seq != seq:
            self._owner.lost_events(self.room_id)
            return
        self._position = at
        if frame is not None:
            self._owner.send(frame)
        if delivery.ends:
            self._end(delivery)

    # --- the end ----------------------------------------------------------------------------------------------

    def close(self) -> None:
        """The connection is gone, and with it what waited here; what is under way is decided without it."""
        self._closed = True
        self._waiting.clear()
        self._stop_listening()
        if self._position is not None:
            self._position = None
            self._detach_from(self.room_id)

    def _told_too_late(self, asked: Asked, outcome: Outcome) -> None:
        """The room may hold the closed connection for the one that its user has there."""
        if asked.enters and isinstance(outcome, Answer):
            self._detach_from(outcome.room_id)
        if asked.settled is not None:
            asked.settled(Unavailable("The connection has ended meanwhile"))

    def _detach_from(self, room_id: str) -> None:
        self._rooms.detach(room_id, self.user_id, self._owner.connection_id)

    def _end(self, delivery: Delivery) -> None:
        """No event follows for this user, or for anybody; who caused that gets the REPLY before DETACHED."""
        reason = delivery.ends.get(self.user_id) or delivery.ends.get(None)
        if reason is None:
            return
        self._position = None
        self._stop_listening()
        if self._under_way and delivery.cause == self._owner.connection_id:
            self._ending = Ending(reason, _position_of(delivery))
        else:
            self._detached(reason)

    def _end_after(self, outcome: Outcome, ending: Ending) -> None:
        """Only the command that ended it, and none before it, is answered with a position at or after the end."""
        caused = isinstance(outcome, Answer) and (outcome.epoch, outcome.seq) >= ending.at
        if caused or self._under_way == 0:
            self._ending = None
            self._detached(ending.reason)

    def _detached(self, reason: DetachReason) -> None:
        self._owner.send(encode(Detached(self.room_id, reason)))
        self._owner.detached(self.room_id, reason)

    def _stop_listening(self) -> None:
        self._listening = False
        self._hub.leave(self.room_id, self)

    def _stop_listening_unless_joined(self) -> None:
        if self._position is None:
            self._stop_listening()


def _joins(asked: Asked | None) -> bool:
    return asked is not None and asked.enters and not asked.creates


def _position_of(delivery: Delivery) -> Position:
    return delivery.epoch, delivery.seq
