"""Rooms whose journal is damaged: they stay closed until it is repaired and the server started again.

Nothing more is written for them, their rows included: whoever repairs a room finds all as it was last stored.
"""

import logging
from collections.abc import Callable, Coroutine

from gameroom.errors import RoomClosed, RoomNotFound, Unavailable
from gameroom.rooms.mailbox import Ask, tell_one
from gameroom.rooms.placement import Placement
from gameroom.rooms.records import Damaged
from gameroom.rooms.rooms import Outcome

log = logging.getLogger(__name__)


def damaged() -> RoomClosed:
    """What everybody is told who may know of the room."""
    return RoomClosed("This room is damaged: its journal cannot be read, so it stays closed")


class DamagedRooms:
    """`spawn` owns the tasks of those who are refused; they read once from the database."""

    def __init__(self, placement: Placement, spawn: Callable[[Coroutine[None, None, None]], None]) -> None:
        self._placement = placement
        self._spawn = spawn
        self._private: dict[str, bool] = {}

    def __contains__(self, room_id: str) -> bool:
        return room_id in self._private

    def add(self, room_id: str, damage: Damaged, *, private: bool) -> None:
        """From now on the room is closed. `private`: outsiders may not learn that it is there."""
        log.error(
            "room %s: its journal is damaged at seq %d: %s. It stays closed until it is repaired and the server is "
            "started again; to see all of the damage: gameroom journal verify %s",
            room_id,
            damage.seq,
            damage,
            room_id,
        )
        self._private[room_id] = private

    def refuse(self, ask: Ask) -> None:
        """Tell why the command is not done."""
        if self._private[ask.request.room_id] and not ask.request.sender.admin:
            self._spawn(self._refuse_privately(ask))
        else:
            tell_one(ask.tell, damaged())

    async def _refuse_privately(self, ask: Ask) -> None:
        tell_one(ask.tell, await self._as_known(ask.request.room_id, ask.request.sender.user_id))

    async def _as_known(self, room_id: str, user_id: str) -> Outcome:
        """An outsider does not learn that there is a private room; who is in it stands beside the journal."""
        try:
            return damaged() if room_id in await self._placement.rooms_of(user_id) else RoomNotFound()
        except Unavailable as error:
            return error
