"""Looking after rooms unasked: those that somebody must run, and those that nothing has reached for a while."""

import asyncio
import logging
from typing import Protocol

from gameroom.clock import Clock
from gameroom.errors import Unavailable
from gameroom.rooms.actor import Actor
from gameroom.rooms.opening import Opening
from gameroom.rooms.policy import RoomPolicy
from gameroom.tasks import pause

log = logging.getLogger(__name__)

SWEEP_S = 1.0
SWEEP_ROOMS = 20
"""Neglected rooms opened in one sweep, so that a restart does not open thousands at once."""

HURRIED_SWEEP_S = 0.2
"""Until the next sweep while there are more of them: their timers are overdue."""

SWEEP_RESTS = 200
"""Rooms that begin to rest in one sweep: each costs the loop some tens of microseconds."""


class Kept(Protocol):
    """The rooms of this node. Nothing here waits or raises."""

    @property
    def is_stopping(self) -> bool:
        """Whether all of them are being handed over."""

    def look_after(self, room_id: str) -> None:
        """Have the room open, if that may lead anywhere."""

    def actors(self) -> tuple[Actor, ...]:
        """Of all rooms that are in memory."""

    def put_away(self, actor: Actor) -> None:
        """Begin to give its room up, cleanly."""


class Sweep:
    def __init__(self, opening: Opening, clock: Clock, policy: RoomPolicy, *, kept: Kept) -> None:
        self._opening = opening
        self._clock = clock
        self._policy = policy
        self._kept = kept

    async def until(self, stop: asyncio.Event) -> None:
        """Once a second, whatever fails; more often while many are neglected."""
        while not stop.is_set():
            wait_s = SWEEP_S
            try:
                if await self._sweep():
                    wait_s = HURRIED_SWEEP_S
            except Unavailable as error:
                log.warning("rooms were not swept: %s", error.message)
            except Exception:  # whatever it met, the next sweep looks after all rooms again
                log.exception("rooms were not swept")
            await pause(wait_s, unless=stop)

    async def _sweep(self) -> bool:
        """Whether more rooms may be neglected than were opened now."""
        neglected = await self._opening.neglected(self._clock.now(), SWEEP_ROOMS)
        if self._kept.is_stopping:
            return False
        for room_id in (*self._opening.take_unread(), *neglected):
            self._kept.look_after(room_id)
        self._calm()
        return len(neglected) >= SWEEP_ROOMS

    def _calm(self) -> None:
        """What nothing has reached for a while: put it away where nobody is connected, let it rest elsewhere."""
        now = self._clock.monotonic()
        tired, sleepy = now - self._policy.evict_after_s, now - self._policy.rest_after_s
        resting = 0
        for actor in self._kept.actors():
            if actor.room is not None and actor.room.is_quiet and actor.idle_since < tired:
                self._kept.put_away(actor)
            elif actor.idle_since < sleepy and resting < SWEEP_RESTS:
                resting += actor.rest()
