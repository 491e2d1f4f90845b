"""One connection's line to one room: what it asks there, in order, and what it hears, without gap or overlap.

Commands start in the order in which they were asked. What is asked decides the rest:

| command          | it starts                     | events meanwhile | its REPLY                         |
|------------------|-------------------------------|------------------|-----------------------------------|
| JOIN, CREATE     | alone, once the room is heard | are held         | before them; those that its view  |
|                  |                               |                  | shows, or the missed, are dropped |
| CREATE, repeated | likewise                      | likewise         | none; the room it made is joined  |
| GET, joined      | alone                         | are held         | after those that its view shows   |
| GET, not joined  | beside others                 | there are none   | when it comes                     |
| any other        | beside others                 | are sent         | when it comes                     |

*Alone*, which makes it a *splice*: all that was started is answered before, and nothing else starts before its own
answer. When a splice is refused, what is held is sent if the room is joined (already), and then the ERROR.
"""

import logging
from collections import deque
from typing import NamedTuple, Protocol

from gameroom.bus.bus import Delivery
from gameroom.errors import GameroomError, Unavailable
from gameroom.gateway import closing
from gameroom.gateway.asked import Asked, Failure, refusal, reply
from gameroom.gateway.environment import Environment
from gameroom.gateway.peer import Peer
from gameroom.gateway.splice import Heard, Position, Splice, position_of
from gameroom.protocol.answers import Detached, DetachReason
from gameroom.protocol.codec import frame_of
from gameroom.protocol.frames import Frame
from gameroom.rooms.rooms import Answer, Outcome, Request

logger = logging.getLogger(__name__)

MAX_WAITING = 256
"""Commands that wait here for a splice to end; further ones are `unavailable`."""


class Owner(Protocol):
    """Who keeps the attachments of a connection. Nothing here waits or raises."""

    def detached(self, room_id: str, reason: DetachReason) -> None:
        """DETACHED was sent."""

    def created_before(self, create: Asked, room_id: str) -> None:
        """A CREATE was a repeat: it is to be answered with the present view of the room that it once made."""

    def forget(self, attachment: "Attachment") -> None:
        """Nothing is joined, under way or waiting there."""


class PendingDetach(NamedTuple):
    """The room is over for this connection once the command that did it is answered."""

    reason: DetachReason
    at: Position


class Attachment:
    """Implements `hub.Listener`. Not joined as long as `_position` is None."""

    def __init__(self, room_id: str, peer: Peer, owner: Owner, environment: Environment) -> None:
        self.room_id = room_id
        self._peer = peer
        self._owner = owner
        self._hub = environment.hub
        self._rooms = environment.rooms
        self._waiting: deque[Asked] = deque()
        self._under_way = 0
        self._starting = False
        self._splice: Splice | None = None
        self._listening = False
        self._position: Position | None = None
        self._pending_detach: PendingDetach | None = None
        self._closed = False

    @property
    def user_id(self) -> str:
        return self._peer.sender.user_id

    @property
    def joined(self) -> bool:
        return self._position is not None

    @property
    def implied(self) -> bool:
        """Whether a command without `room_id` may mean this room: it is joined, or a JOIN was sent before."""
        return self.joined or any(asked.enters and not asked.creates for asked in self._undone())

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
        if not (self.joined or self._under_way or self._splice or self._waiting):
            self._owner.forget(self)

    def _may_start(self, asked: Asked) -> bool:
        return self._splice is None and (self._under_way == 0 or not self._is_spliced(asked))

    def _is_spliced(self, asked: Asked) -> bool:
        return asked.enters or (asked.views and self.joined)

    def _start(self, asked: Asked) -> None:
        if self._is_spliced(asked):
            self._splice = Splice(asked)
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
            room_id=self.room_id, sender=self._peer.sender, command=asked.command, rejoin=asked.rejoin
        )
        self._rooms.submit(request, lambda outcome: self._told(asked, outcome))

    def _told(self, asked: Asked, outcome: Outcome) -> None:
        self._under_way -= 1
        if self._closed:
            self._told_too_late(asked, outcome)
        else:
            self._conclude(asked, outcome)

    def _conclude(self, asked: Asked, outcome: Outcome) -> None:
        splice = self._splice
        if splice is not None and splice.asked is asked:
            self._splice = None
            self._insert(splice, outcome)
        elif isinstance(outcome, Answer):
            self._reply(asked, outcome)
        else:
            self._refuse(asked, outcome)
        if self._pending_detach is not None:
            self._detach_after(outcome, self._pending_detach)
        self._go_on()

    def _reply(self, asked: Asked, answer: Answer) -> None:
        if asked.original.ack:
            self._peer.send(reply(asked, answer))
        if asked.settled is not None:
            asked.settled(None)

    def _refuse(self, asked: Asked, error: GameroomError) -> None:
        if asked.settled is not None:
            asked.settled(error)
        else:
            self._peer.send(refusal(asked, error, self.room_id))

    def _undone(self) -> list[Asked]:
        """What is spliced, and what waits."""
        return [*([self._splice.asked] if self._splice else []), *self._waiting]

    # --- splices ----------------------------------------------------------------------------------------------

    def _insert(self, splice: Splice, outcome: Outcome) -> None:
        """Put the answer of a splice where it belongs."""
        asked = splice.asked
        if isinstance(outcome, GameroomError):
            self._pass_on_all(splice.all())
            self._not_entered(asked, outcome)
            self._refuse(asked, outcome)
        elif asked.views:
            self._view(splice, outcome)
        elif asked.creates and outcome.repeated:
            self._stop_listening()
            self._owner.created_before(asked, outcome.room_id)
        else:
            self._enter(splice, outcome)

    def _enter(self, splice: Splice, answer: Answer) -> None:
        """Joined: what is held up to the answer's position is in its view, or among the missed."""
        self._position = (answer.epoch, answer.seq)
        _, following = splice.around(self._position)
        is_replaced = self._hub.entered(self.room_id, self)
        self._reply(splice.asked, answer)
        for frame in answer.missed:
            self._peer.send(Frame(frame))
        if is_replaced:
            self.over("replaced")
        self._pass_on_all(following)

    def _not_entered(self, asked: Asked, error: GameroomError) -> None:
        """A refused JOIN may have attached the connection all the same, except where it was certainly not applied."""
        if self.joined:
            return
        self._stop_listening()
        if asked.enters and not isinstance(error, Unavailable):
            self._detach_from(self.room_id)

    def _view(self, splice: Splice, answer: Answer) -> None:
        """GET: what is held up to the answer's position goes before it."""
        at = (answer.epoch, answer.seq)
        preceding, following = splice.around(at)
        self._pass_on_all(preceding)
        if self._position is not None:
            self._position = max(self._position, at)
        self._reply(splice.asked, answer)
        self._pass_on_all(following)

    # --- events -----------------------------------------------------------------------------------------------

    def subscribed(self) -> None:
        if self._splice is not None:
            self._submit(self._splice.asked)

    def not_subscribed(self, error: Unavailable) -> None:
        self._listening = False
        if self._splice is not None:
            self._conclude(self._splice.asked, error)

    def event(self, delivery: Delivery, frame: Frame | None) -> None:
        if self._splice is None:
            self._pass_on(delivery, frame)
        elif not self._splice.hold((delivery, frame)):
            logger.warning("too many events came before an answer", extra={"room_id": self.room_id})
            self._peer.end(closing.INTERNAL)

    def over(self, reason: DetachReason) -> None:
        if self._position is None:
            return
        self._position = None
        if self._splice is None or not self._splice.asked.enters:
            self._stop_listening()
        self._detached(reason)

    def _pass_on_all(self, held: list[Heard]) -> None:
        for delivery, frame in held:
            self._pass_on(delivery, frame)

    def _pass_on(self, delivery: Delivery, frame: Frame | None) -> None:
        at = position_of(delivery)
        if self._position is None or at <= self._position:
            return  # not joined (any more), or a copy of what is told already
        if not delivery.begins and self._position != (delivery.epoch, delivery.prev_seq):
            logger.error("events of a room were lost", extra={"room_id": self.room_id})
            self._peer.end(closing.INTERNAL)
            return
        self._position = at
        if frame is not None:
            self._peer.send(frame)
        if delivery.ends:
            self._end(delivery)

    # --- the end ----------------------------------------------------------------------------------------------

    def close(self, failure: Failure) -> None:
        """The connection is gone, and with it what waited here; what is under way is decided without it."""
        undone, may_be_attached = self._undone(), self._may_be_attached
        self._closed = True
        self._position = None
        self._waiting.clear()
        self._stop_listening()
        if may_be_attached:
            self._detach_from(self.room_id)
        for asked in undone:
            if asked.settled is not None:
                asked.settled(failure)

    @property
    def _may_be_attached(self) -> bool:
        """Whether the room may hold this connection for the one that its user has there, now or soon."""
        is_entering = self._under_way > 0 and self._splice is not None and self._splice.asked.enters
        return self.joined or is_entering

    def _told_too_late(self, asked: Asked, outcome: Outcome) -> None:
        """Of a CREATE the room was not there yet, or was another one, when the connection was closed."""
        if asked.enters and isinstance(outcome, Answer):
            self._detach_from(outcome.room_id)

    def _detach_from(self, room_id: str) -> None:
        self._rooms.detach(room_id, self.user_id, self._peer.connection_id)

    def _end(self, delivery: Delivery) -> None:
        """No event follows for this user, or for anybody; who caused that gets the REPLY before DETACHED."""
        reason = delivery.ends.get(self.user_id) or delivery.ends.get(None)
        if reason is None:
            return
        self._position = None
        self._stop_listening()
        if self._under_way and delivery.cause == self._peer.connection_id:
            self._pending_detach = PendingDetach(reason, position_of(delivery))
        else:
            self._detached(reason)

    def _detach_after(self, outcome: Outcome, pending: PendingDetach) -> None:
        """Only the command that ended it, and none before it, is answered with a position at or after the end."""
        caused = isinstance(outcome, Answer) and (outcome.epoch, outcome.seq) >= pending.at
        if caused or self._under_way == 0:
            self._pending_detach = None
            self._detached(pending.reason)

    def _detached(self, reason: DetachReason) -> None:
        self._peer.send(frame_of(Detached(self.room_id, reason)))
        self._owner.detached(self.room_id, reason)

    def _stop_listening(self) -> None:
        self._listening = False
        self._hub.leave(self.room_id, self)
