"""A table in a unit test: the players of one room, a clock that stands still, and no server."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Generic, TypeVar, cast

from msgspec import Struct

from gameroom.clock import Millis
from gameroom.errors import GameroomError, NotEnoughPlayers, NotPlayer, RoomFull, WrongStatus
from gameroom.games.context import Context
from gameroom.games.effects import Announcement, Effects, Ending
from gameroom.games.game import Game, GameState, wire_name
from gameroom.games.random import GameRandom, key_of_seed
from gameroom.games.registry import load_game
from gameroom.games.schemas import Schemas
from gameroom.games.visible import visible
from gameroom.protocol.commands import FreeJson

StateT = TypeVar("StateT", bound=GameState | None)
SettingsT = TypeVar("SettingsT", bound=Struct)
Result = TypeVar("Result")

OPENING: Millis = 1_767_225_600_000
"""When every table opens: 2026-01-01T00:00:00Z."""


class Table(Generic[StateT]):
    """`table = Table(TicTacToe)`: the players sit on seats 0, 1, …, and the first round has begun.

    It does with a game what a room does: messages are checked against the action's signature, the state is stored
    and read back after every call, every seat's view is made, and whatever a refusal or a failure changed is
    undone. The same seed deals the same game, here and on a server in development mode.

    Raises what a client would get: `NotYourTurn`, `IllegalAction`, `ValidationFailed`, …, and `GameFailed` (from
    the error itself) where the game has a bug.
    """

    def __init__(
        self,
        game: type[Game[StateT, SettingsT]],
        *,
        players: int | None = None,
        seed: str | int = 0,
        settings: Mapping[str, FreeJson] | None = None,
    ) -> None:
        """`players`: by default as few as the game needs. `settings`: as clients write them."""
        self._type = load_game(game)
        self._settings = self._type.settings(dict(settings or {}))
        seats = self._checked_players(self._type.min_players if players is None else players)
        self._seats = () if self._type.always_playing else seats
        self._random = GameRandom(key_of_seed(seed))
        self._state: GameState | None = None
        self._ending: Ending | None = None
        self._timers: dict[str, Millis] = {}
        self._gone: frozenset[int] = frozenset()
        self._away: frozenset[int] = frozenset()
        self.now = OPENING
        self.round = 0
        self.announcements: list[Announcement] = []
        self._begin()
        for seat in seats[len(self._seats) :]:
            self._seat(seat)

    # --- what players do ----------------------------------------------------------------------------------------

    def act(self, seat: int, action: str, /, **fields: object) -> FreeJson:
        """The player on `seat` does something: `table.act(0, "place", cell=4)`; the answer.

        A trailing underscore is dropped from a field's name (`from_=3`). A refusal changes nothing.
        """
        self._check_playing()
        self._check_present(seat)
        message = {"type": action} | {wire_name(name): value for name, value in fields.items()}
        sent = self._type.action(visible(message))
        return self._call(seat, lambda ctx: self._type.act(self._state, ctx, sent))

    def leave(self, seat: int) -> None:
        """The player leaves for good."""
        self._check_seated(seat)
        with self._all_or_nothing():
            self._unseat(seat)
            if not self.ended:
                self._call(seat, lambda ctx: self._type.member_left(self._state, ctx))

    def join(self) -> int:
        """Somebody joins while the round is played, if the game has `late_joining`; the seat, the lowest free one."""
        self._check_playing()
        if not self._type.late_joining:
            raise WrongStatus("This game allows no late joining", status="playing", expected="waiting")
        taken = set(self._seats) - self._gone
        seat = next(seat for seat in range(len(taken) + 1) if seat not in taken)
        self._checked_players(len(taken) + 1)
        self._seat(seat)
        return seat

    def disconnect(self, seat: int) -> None:
        """The player's connection is gone, the seat is kept."""
        self._check_present(seat)
        with self._all_or_nothing():
            self._away |= {seat}
            if not self.ended:
                self._tell_of_absence(seat)

    def reconnect(self, seat: int) -> None:
        """The player is back."""
        self._check_seated(seat)
        if seat not in self._away:
            raise NotPlayer(f"The player on seat {seat} is not away")
        with self._all_or_nothing():
            self._away -= {seat}
            if not self.ended:
                self._call(seat, lambda ctx: self._type.member_returned(self._state, ctx))

    def next_round(self) -> None:
        """Those who are still there play again, on seats without gaps."""
        if not self.ended:
            raise WrongStatus("The round is not over", status="playing", expected="waiting")
        with self._all_or_nothing():
            still_there = [seat for seat in self._seats if seat not in self._gone]
            self._seats = self._checked_players(len(still_there))
            self._gone = frozenset()
            self._away = frozenset(new for new, old in enumerate(still_there) if old in self._away)
            self._begin()

    # --- time ---------------------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> list[str]:
        """Let time pass, and the timers that become due be called, each at its own moment; their names, in order."""
        until = self.now + round(seconds * 1000)
        called: list[str] = []
        while due := min(((at, name) for name, at in self._timers.items() if at <= until), default=None):
            self._fire(*due)
            called.append(due[1])
        self.now = until
        return called

    @property
    def deadlines(self) -> dict[str, float]:
        """The timers that run: in how many seconds each is due."""
        return {name: (at - self.now) / 1000 for name, at in self._timers.items()}

    @property
    def schemas(self) -> Schemas:
        """The game in JSON Schema, as clients are told of it."""
        return self._type.schemas()

    def copy(self) -> "Table[StateT]":
        """Another table in the same position, its state read back as after a restart of the server."""
        other = copy(self)
        other._state = None if self._state is None else self._type.decode(self._type.encode(self._state))
        other._random = self._random.copy()
        other._timers = dict(self._timers)
        other.announcements = self.announcements[:]
        return other

    # --- what can be seen ---------------------------------------------------------------------------------------

    @property
    def state(self) -> StateT:
        """The state itself, hidden fields and all; a test may change it to set up a position."""
        return cast(StateT, self._state)

    def view(self, seat: int | None) -> FreeJson:
        """What the client on this seat (None: a spectator) sees of the state."""
        return self._type.view(self._state, seat)

    def heard(self, seat: int | None) -> list[FreeJson]:
        """What was announced so far to this seat (None: a spectator)."""
        return [said.data for said in self.announcements if said.to is None or seat in said.to]

    @property
    def players(self) -> tuple[int, ...]:
        """The seats of this round."""
        return self._seats

    @property
    def ended(self) -> bool:
        return self._ending is not None

    @property
    def end_reason(self) -> str | None:
        """`finished`, `abandoned`, or None while the round is played."""
        return self._ending.reason if self._ending else None

    @property
    def result(self) -> FreeJson:
        """What the game ended the round with; None while it is played."""
        return self._ending.result if self._ending else None

    # --- as a room does it --------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._ending = None
        self.round += 1
        self._call(None, self._set_up)
        for seat in sorted(self._away):
            if not self.ended:
                self._tell_of_absence(seat)

    def _tell_of_absence(self, seat: int) -> None:
        self._call(seat, lambda ctx: self._type.member_disconnected(self._state, ctx))

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Undo all that the table knows, where the game refuses or fails; what is in the state `_call` undoes."""
        before = vars(self) | {"_timers": dict(self._timers), "announcements": self.announcements[:]}
        try:
            yield
        except GameroomError:
            vars(self).update(before)
            raise

    def _seat(self, seat: int) -> None:
        """Somebody comes into what is being played; a room without rounds is played before anybody is there."""
        with self._all_or_nothing():
            self._gone -= {seat}
            self._seats = tuple(sorted({*self._seats, seat}))
            self._call(seat, lambda ctx: self._type.member_joined(self._state, ctx))

    def _unseat(self, seat: int) -> None:
        """In a room without rounds the seat is no longer among the players; in a round it is, to its end."""
        self._away -= {seat}
        if self._type.always_playing:
            self._seats = tuple(other for other in self._seats if other != seat)
        else:
            self._gone |= {seat}

    def _set_up(self, ctx: Context[Struct]) -> None:
        self._state = self._type.setup(ctx)

    def _fire(self, at: Millis, name: str) -> None:
        """At its own moment. Where it fails, the clock stands where it stood, and the timer still runs."""
        with self._all_or_nothing():
            self.now = at
            del self._timers[name]
            self._call(None, lambda ctx: self._type.fire(name, self._state, ctx))

    def _call(self, seat: int | None, call: Callable[[Context[Struct]], Result]) -> Result:
        before = None if self._state is None else self._type.encode(self._state)
        ctx = self._context(seat)
        try:
            result = call(ctx)
            self._check_views()
        except GameroomError:
            self._restore(before)
            raise
        self._random = ctx.random
        self._apply(ctx.effects)
        return result

    def _restore(self, before: bytes | None) -> None:
        """Undo in place, so that a test may keep hold of `state`."""
        if self._state is None or before is None:
            return
        stored = self._type.decode(before)
        for name in stored.__struct_fields__:
            setattr(self._state, name, getattr(stored, name))

    def _context(self, seat: int | None) -> Context[Struct]:
        return Context(
            seat=seat,
            round=self.round,
            players=self._seats,
            settings=self._settings,
            now=self.now,
            random=self._random.copy(),
        )

    def _check_views(self) -> None:
        """A room sends every seat its view in the same breath, so one that fails undoes the call."""
        for seat in (None, *self._seats):
            self.view(seat)

    def _apply(self, effects: Effects) -> None:
        self.announcements += effects.announcements
        self._timers |= {name: at for name, at in effects.timers.items() if at is not None}
        for name in [name for name, at in effects.timers.items() if at is None]:
            self._timers.pop(name, None)
        if effects.ending is not None:
            self._ending = effects.ending
            self._timers.clear()

    def _check_playing(self) -> None:
        if self.ended:
            raise WrongStatus("The round is over", status="waiting", expected="playing")

    def _check_seated(self, seat: int) -> None:
        if seat not in self._seats or seat in self._gone:
            raise NotPlayer(f"Nobody plays on seat {seat}")

    def _check_present(self, seat: int) -> None:
        """Who has no connection can do nothing."""
        self._check_seated(seat)
        if seat in self._away:
            raise NotPlayer(f"The player on seat {seat} is away")

    def _checked_players(self, count: int) -> tuple[int, ...]:
        if count < self._type.min_players:
            raise NotEnoughPlayers(need=self._type.min_players, have=count)
        if count > self._type.max_players:
            raise RoomFull(f"{self._type.title} has at most {self._type.max_players} players, not {count}")
        return tuple(range(count))
