"""What game code may use of the world, and what it says shall happen."""

from collections.abc import Callable, Iterable, Mapping
from typing import Generic

from msgspec import Struct
from typing_extensions import TypeVar

from gameroom.clock import Millis
from gameroom.games.effects import Announcement, Effects, Ending
from gameroom.games.failures import GameMisuse
from gameroom.games.random import GameRandom
from gameroom.games.visible import visible
from gameroom.protocol.commands import FreeJson
from gameroom.protocol.events import GameEnd
from gameroom.protocol.free_json import NotFreeJson

SettingsT_co = TypeVar("SettingsT_co", bound=Struct, default=Struct, covariant=True)
State = TypeVar("State")
TimerContext = TypeVar("TimerContext")

TIMER = "__gameroom_timer__"
"""The attribute by which `@timer` marks a method; its value is the timer's name."""

LONGEST_TIMER_S = 366 * 24 * 3600.0


class Context(Generic[SettingsT_co]):
    """Handed to every action, timer and hook: the only way to time, chance, and the others in the room.

    `round` counts the room's rounds from 1. `players` are the seats of this round, rising; who has left the round
    is still among them. `settings` are the room's. `now` is the time in milliseconds since the Unix epoch, UTC.
    `random` is the room's generator.
    """

    __slots__ = ("_seat", "effects", "now", "players", "random", "round", "settings")

    def __init__(
        self,
        *,
        seat: int | None,
        round: int,  # noqa: A002  # the word that authors and the wire use
        players: tuple[int, ...],
        settings: SettingsT_co,
        now: Millis,
        random: GameRandom,
    ) -> None:
        self._seat = seat
        self.round = round
        self.players = players
        self.settings = settings
        self.now = now
        self.random = random
        self.effects = Effects()

    @property
    def seat(self) -> int:
        """Who acts, or whom the hook is about. `setup` and timers are about nobody: there it raises `GameMisuse`."""
        if self._seat is None:
            raise GameMisuse("ctx.seat: setup and timers are about no seat")
        return self._seat

    def announce(self, data: Mapping[str, object] | Struct, to: Iterable[int] | None = None) -> None:
        """Tell everybody in the room something, or only the players on the seats `to`. It is sent once, in order.

        `data` is copied now; hidden fields of Structs in it are left out. Raises `GameMisuse`.
        """
        seats = None if to is None else _seats(to)
        self.effects.announcements.append(Announcement(seats, _object("announce", data)))

    def end(self, **result: object) -> None:
        """The round is over, with this result. The state stays to be seen. Raises `GameMisuse` if it was over."""
        self._end("finished", result)

    def abandon(self, **result: object) -> None:
        """The round is over without having been played to its end. Raises `GameMisuse` if it was over."""
        self._end("abandoned", result)

    def after(self, seconds: float, timer: Callable[[State, TimerContext], None]) -> None:
        """Have a timer of this game called in so many seconds, even if the server restarts meanwhile.

        Each timer runs once at most: setting it anew replaces it, and the end of the round cancels it.
        Raises `GameMisuse` if the method is no `@timer`, or the time is negative or more than a year.
        """
        if not 0 <= seconds <= LONGEST_TIMER_S:
            raise GameMisuse("ctx.after: the seconds must be from 0 to a year")
        self.effects.timers[_timer_name(timer)] = self.now + round(seconds * 1000)

    def cancel(self, timer: Callable[[State, TimerContext], None]) -> None:
        """Stop the timer, if it runs. Raises `GameMisuse` if the method is no `@timer`."""
        self.effects.timers[_timer_name(timer)] = None

    def _end(self, reason: GameEnd, result: dict[str, object]) -> None:
        if self.effects.ending is not None:
            raise GameMisuse("The round was ended twice in one call")
        self.effects.ending = Ending(reason, _object("end", result))


def _timer_name(timer: Callable[[State, TimerContext], None]) -> str:
    name = getattr(timer, TIMER, None)
    if not isinstance(name, str):
        raise GameMisuse(
            "ctx.after and ctx.cancel take a method of the game marked @timer, such as self.turn_over"
        )
    return name


def _seats(to: object) -> tuple[int, ...]:
    seats = tuple(to) if isinstance(to, Iterable) else (None,)
    if any(type(seat) is not int for seat in seats):
        raise GameMisuse("ctx.announce: `to` is a list of seats, such as to=[ctx.seat]")
    return seats


def _object(method: str, data: object) -> FreeJson:
    if not isinstance(data, Mapping | Struct):
        raise GameMisuse(f"ctx.{method} takes an object (a dict or a Struct), not a {type(data).__name__}")
    try:
        return visible(dict(data) if isinstance(data, Mapping) else data)
    except NotFreeJson as fault:
        raise GameMisuse(f"ctx.{method}: {fault.pointer}: {fault.detail}") from fault
