"""Watches a table while steps are taken at it, and says which promise of games a step has broken."""

from collections.abc import Callable
from typing import Any, Generic

from msgspec.json import decode, encode

from gameroom.errors import GameFailed, GameroomError
from gameroom.protocol.commands import FreeJson
from gameroom.protocol.patch import Operation, apply, diff, same
from gameroom.testkit.table import StateT, Table

Scramble = Callable[[StateT, int | None], None]
"""Changes a state in place, in nothing but what the player on this seat (None: a spectator) must not know."""

MOST_WAITS = 5
"""Timers that are waited for at the end of a round: a game may set them for ever."""


class Step:
    """A call of a method of `Table`, and written as one."""

    def __init__(
        self, method: str, given: tuple[object, ...] = (), fields: dict[str, FreeJson] | None = None
    ):
        self.method = method
        self.given = given
        self.fields = fields or {}

    def __repr__(self) -> str:
        given = [repr(value) for value in self.given]
        if all(name.isidentifier() for name in self.fields):
            given += [f"{name}={value!r}" for name, value in self.fields.items()]
        else:
            given.append(f"**{self.fields!r}")
        return f"table.{self.method}({', '.join(given)})"

    def take(self, table: Table[Any]) -> "Outcome":
        """Raises `GameFailed`."""
        try:
            return Outcome(answer=getattr(table, self.method)(*self.given, **self.fields))
        except GameFailed:
            raise
        except GameroomError as refusal:
            return Outcome(refusal=refusal)


class Outcome:
    """The answer to a step, or the refusal."""

    def __init__(self, *, answer: object = None, refusal: GameroomError | None = None) -> None:
        self.answer = answer
        self.refusal = refusal

    @property
    def refused(self) -> bytes | None:
        """The refusal as it goes over the wire; None if there was none."""
        error = self.refusal
        return None if error is None else encode([error.code, error.message, error.params, error.errors])


class Observer(Generic[StateT]):
    """`accepted`: the actions that the game has accepted so far."""

    def __init__(self, deal: Callable[[], Table[StateT]], scramble: Scramble[StateT] | None = None) -> None:
        """`deal` opens the same table at every call. Raises AssertionError where it does not."""
        self._table = deal()
        self._scramble = scramble
        self._views: dict[int | None, FreeJson] = {}
        self.accepted: set[str] = set()
        _require(
            _position(deal()) == _position(self._table), "The same seed deals another game the second time"
        )
        self._look("setup")

    def take(self, step: Step) -> None:
        """Take the step. Raises AssertionError, and `GameFailed`."""
        twin, before = self._table.copy(), self._table.copy()
        outcome = step.take(self._table)
        if outcome.refusal is not None:
            _require(
                _position(self._table) == _position(before), f"{step} is refused, and has changed something"
            )
        elif step.method == "act":
            self.accepted.add(str(step.given[1]))
        again = step.take(twin)
        _require(
            (again.answer, again.refused) == (outcome.answer, outcome.refused)
            and _position(twin) == _position(self._table),
            f"{step} has another outcome where the state was read back from storage before: is something "
            "remembered outside of the state, or left to chance that is not ctx.random?",
        )
        if self._scramble is not None and step.method == "act":
            self._check_refusal(self._scramble, step, before, outcome)
        self._look(repr(step))

    def wait_for_timers(self) -> None:
        """Let those be called that run, one after the other, up to a few. Raises as `take`."""
        for _ in range(MOST_WAITS):
            if not self._table.deadlines:
                return
            self.take(Step("advance", (min(self._table.deadlines.values()),)))

    # --- promises -----------------------------------------------------------------------------------------------

    def _look(self, after: str) -> None:
        """Make all views, as a room does after every step."""
        state = self._table.copy().state
        for seat in (None, *self._table.players):
            view = self._table.view(seat)
            _require(
                self._table.state == state, f"After {after}, making the view of {seat} changes the state"
            )
            again = self._table.view(seat)
            _require(same(view, again), f"After {after}, the view of {seat} differs every time")
            patched = _patched(self._views.get(seat), view)
            _require(same(patched, view), f"After {after}, no patch leads to the view of {seat}")
            self._views[seat] = view
            if self._scramble is not None:
                self._check_view(self._scramble, seat, after)

    def _check_view(self, scramble: Scramble[StateT], seat: int | None, after: str) -> None:
        other = self._table.copy()
        scramble(other.state, seat)
        _require(
            same(other.view(seat), self._views[seat]),
            f"After {after}, the view of {seat} shows what is hidden from it",
        )

    def _check_refusal(
        self, scramble: Scramble[StateT], step: Step, before: Table[StateT], outcome: Outcome
    ) -> None:
        """A player learns of being refused, so what it must not know may not decide it. `before`: is used up."""
        seat = step.given[0]
        if isinstance(seat, int) and seat in before.players:
            scramble(before.state, seat)
            _require(
                step.take(before).refused == outcome.refused,
                f"Whether or how {step} is refused tells what is hidden from the player",
            )


def _position(table: Table[Any]) -> object:
    """All that a table is made of, as values that can be compared."""
    views = [table.view(seat) for seat in (None, *table.players)]
    said = encode(table.announcements)
    end = (table.end_reason, encode(table.result))
    return table.copy().state, views, said, table.players, table.deadlines, table.round, end, table.now


def _patched(old: FreeJson, new: FreeJson) -> FreeJson:
    """What a client that has the old view makes of the patch."""
    return apply(old, decode(encode(diff(old, new)), type=list[Operation]))


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise AssertionError(sentence)
