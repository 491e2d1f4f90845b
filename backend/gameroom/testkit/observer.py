"""Watches a table while steps are taken at it, and says which promise of games a step has broken."""

from collections.abc import Callable
from typing import Any, Generic

from msgspec.json import decode, encode

from gameroom.protocol.commands import FreeJson
from gameroom.protocol.operation import Operation
from gameroom.protocol.patch import apply, diff, same
from gameroom.testkit.described import Described
from gameroom.testkit.secrecy import Secrecy
from gameroom.testkit.steps import Outcome, Step, require
from gameroom.testkit.table import StateT, Table

MOST_WAITS = 5
"""Timers that are waited for at the end of a round: a game may set them for ever."""


class Observer(Generic[StateT]):
    """`accepted`: the actions that the game has accepted so far. `finished`: whether a round came to its end."""

    def __init__(self, deal: Callable[[], Table[StateT]], secrecy: Secrecy[StateT] | None = None) -> None:
        """`deal` opens the same table at every call. Raises AssertionError where it does not."""
        self._table = deal()
        self._secrecy = secrecy
        self._described = Described(self._table.schemas)
        self._views: dict[int | None, FreeJson] = {}
        self.accepted: list[Step] = []
        self.finished = False
        require(
            _position(deal()) == _position(self._table), "The same seed deals another game the second time"
        )
        self._look("setup")

    def take(self, step: Step) -> None:
        """Take the step. Raises AssertionError, and `GameFailed`."""
        twin, before = self._table.copy(), self._table.copy()
        outcome = step.take(self._table)
        if outcome.refusal is not None:
            require(
                _position(self._table) == _position(before), f"{step} is refused, and has changed something"
            )
        elif step.is_action:
            self._described.check_action(step.message)
            self.accepted.append(step)
        self.finished = self.finished or self._table.end_reason == "finished"
        again = step.take(twin)
        require(
            (again.answer, again.refused) == (outcome.answer, outcome.refused)
            and _position(twin) == _position(self._table),
            f"{step} has another outcome where the state was read back from storage before: is something "
            "remembered outside of the state, or left to chance that is not ctx.random?",
        )
        if self._secrecy is not None:
            self._check_secrecy(self._secrecy, step, before, outcome)
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
            require(self._table.state == state, f"After {after}, making the view of {seat} changes the state")
            require(
                same(view, self._table.view(seat)), f"After {after}, the view of {seat} differs every time"
            )
            if self._secrecy is not None:
                self._secrecy.check_view(self._table, seat, after)
            self._check_change(seat, view, after)

    def _check_change(self, seat: int | None, view: FreeJson, after: str) -> None:
        """What was looked at before and has not changed is not looked at again."""
        before = self._views.get(seat)
        if seat in self._views and same(before, view):
            return
        require(same(_patched(before, view), view), f"After {after}, no patch leads to the view of {seat}")
        self._described.check_view(view, f"After {after}, the view of {seat}")
        self._views[seat] = view

    def _check_secrecy(
        self, secrecy: Secrecy[StateT], step: Step, before: Table[StateT], outcome: Outcome
    ) -> None:
        if step.is_action:
            secrecy.check_refusal(step, before, outcome)
        if outcome.refusal is None:
            secrecy.check_told(step, outcome, before, self._table)


def _position(table: Table[Any]) -> object:
    """All that a table is made of, as values that can be compared."""
    views = [table.view(seat) for seat in (None, *table.players)]
    said = encode(table.announcements)
    end = (table.end_reason, encode(table.result))
    return table.copy().state, views, said, table.players, table.deadlines, table.round, end, table.now


def _patched(old: FreeJson, new: FreeJson) -> FreeJson:
    """What a client that has the old view makes of the patch."""
    return apply(old, decode(encode(diff(old, new)), type=list[Operation]))
