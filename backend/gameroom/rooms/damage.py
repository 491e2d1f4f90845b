"""Rooms whose journal is damaged: they stay closed until it is repaired and the server started again.

Nothing more is written for them, their rows included: whoever repairs a room finds all as it was last stored.
"""

import logging

from gameroom.errors import RoomClosed
from gameroom.rooms.discretion import Discretion
from gameroom.rooms.entries import Ask
from gameroom.rooms.records import Damaged

log = logging.getLogger(__name__)


def damaged() -> RoomClosed:
    """What everybody is told who may know of the room."""
    return RoomClosed("This room is damaged: its journal cannot be read, so it stays closed")


class DamagedRooms:
    def __init__(self, discretion: Discretion) -> None:
        self._discretion = discretion
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
        self._discretion.refuse(ask, damaged(), private=self._private[ask.request.room_id])
