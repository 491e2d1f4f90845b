"""Whether players are told what is hidden from them: to them, worlds that differ in nothing else must look alike."""

from collections.abc import Callable
from typing import Generic

from msgspec.json import encode

from gameroom.errors import GameFailed
from gameroom.protocol.patch import same
from gameroom.testkit.steps import Outcome, Step, require
from gameroom.testkit.table import StateT, Table

Scramble = Callable[[StateT, int | None], None]
"""Changes a state in place, in nothing but what the player on this seat (None: a spectator) must not know."""


class Secrecy(Generic[StateT]):
    """`reveals`: the actions, timers and hooks that show on purpose what was hidden. Checks raise AssertionError."""

    def __init__(self, scramble: Scramble[StateT], reveals: frozenset[str]) -> None:
        self._scramble = scramble
        self._reveals = reveals

    def check_view(self, table: Table[StateT], seat: int | None, after: str) -> None:
        other = self._other_world(table, seat)
        require(
            same(other.view(seat), table.view(seat)),
            f"After {after}, the view of {seat} shows what is hidden from it",
        )

    def check_refusal(self, step: Step, before: Table[StateT], outcome: Outcome) -> None:
        """A player learns of being refused, so what it must not know may not decide it."""
        seat = step.given[0]
        if isinstance(seat, int) and seat in before.players:
            other = self._other_world(before, seat)
            require(
                _taken(step, other).refused == outcome.refused,
                f"Whether or how {step} is refused tells what is hidden from the player",
            )

    def check_told(self, step: Step, outcome: Outcome, before: Table[StateT], after: Table[StateT]) -> None:
        """What a step tells somebody may not depend on it either, unless the step is there to show it.

        In a world where a player could not have done this, there is nothing to compare.
        """
        if not self._reveals.isdisjoint(step.called(outcome)):
            return
        for seat in (None, *before.players):
            other = self._other_world(before, seat)
            twin = _taken(step, other)
            require(
                twin.refusal is not None
                or _told(seat, step, twin, before, other) == _told(seat, step, outcome, before, after),
                f"What {seat} is told of {step} depends on what is hidden from it; "
                f"where that is the point, say reveals={sorted(step.called(outcome))}",
            )

    def _other_world(self, table: Table[StateT], seat: int | None) -> Table[StateT]:
        other = table.copy()
        self._scramble(other.state, seat)
        return other


def _taken(step: Step, other: Table[StateT]) -> Outcome:
    try:
        return step.take(other)
    except GameFailed as failure:
        sentence = f"{step} fails in a state that `scramble` made; if no game comes there, mend `scramble`"
        raise AssertionError(sentence) from failure


def _told(
    seat: int | None, step: Step, outcome: Outcome, before: Table[StateT], after: Table[StateT]
) -> bytes:
    """All that a step tells a seat; the answer to an action is for who acts."""
    answer = None if step.is_action and step.given[0] != seat else outcome.answer
    heard = after.heard(seat)[len(before.heard(seat)) :]
    return encode([answer, heard, after.view(seat), after.deadlines, after.end_reason, after.result])
