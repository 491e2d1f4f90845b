"""What game code asked for in one call."""

from msgspec import Struct

from gameroom.clock import Millis
from gameroom.protocol.commands import FreeJson
from gameroom.protocol.events import GameEnd


class Announcement(Struct, frozen=True):
    """Something said to everybody in the room (`to` None), or to the players on some seats only."""

    to: tuple[int, ...] | None
    data: FreeJson


class Ending(Struct, frozen=True):
    """How a round ended."""

    reason: GameEnd
    result: FreeJson


class Effects(Struct):
    """What game code asked for in one call. `timers`: by name when each is due, or None: cancelled."""

    announcements: list[Announcement] = []
    ending: Ending | None = None
    timers: dict[str, Millis | None] = {}
