"""Why a room cannot be reached is told to who may know of it; to outsiders of a private one there is none."""

from collections.abc import Callable, Coroutine

from gameroom.errors import GameroomError, RoomNotFound, Unavailable
from gameroom.rooms.entries import Ask
from gameroom.rooms.mailbox import tell_one
from gameroom.rooms.placement import Placement
from gameroom.rooms.rooms import Outcome


class Discretion:
    """`spawn` owns the tasks of those who are refused; they read once from the database."""

    def __init__(self, placement: Placement, spawn: Callable[[Coroutine[None, None, None]], None]) -> None:
        self._placement = placement
        self._spawn = spawn

    def refuse(self, ask: Ask, why: GameroomError, *, private: bool) -> None:
        """Tell why the command is not done. `private`: outsiders may not learn that the room is there."""
        if private and not ask.request.sender.admin:
            self._spawn(self._refuse_privately(ask, why))
        else:
            tell_one(ask.tell, why)

    async def _refuse_privately(self, ask: Ask, why: GameroomError) -> None:
        tell_one(ask.tell, await self._as_known(ask.request.room_id, ask.request.sender.user_id, why))

    async def _as_known(self, room_id: str, user_id: str, why: GameroomError) -> Outcome:
        """Who is in the room stands beside its journal."""
        try:
            return why if room_id in await self._placement.rooms_of(user_id) else RoomNotFound()
        except Unavailable as error:
            return error
