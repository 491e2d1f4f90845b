"""What can be done at a table, as values: so that it can be drawn at random, done twice, and told in a report."""

from typing import Any

from msgspec.json import encode

from gameroom.errors import GameFailed, GameroomError
from gameroom.games.game import wire_name
from gameroom.protocol.commands import FreeJson
from gameroom.testkit.table import Table

CALLS = {
    "join": "on_join",
    "leave": "on_leave",
    "disconnect": "on_disconnect",
    "reconnect": "on_return",
    "next_round": "setup",
}
"""The hook that a method of `Table` calls."""


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

    @property
    def is_action(self) -> bool:
        return self.method == "act"

    @property
    def message(self) -> dict[str, FreeJson]:
        """An action as a client sends it."""
        return {"type": self.given[1]} | {wire_name(name): value for name, value in self.fields.items()}

    def take(self, table: Table[Any]) -> "Outcome":
        """Raises `GameFailed`."""
        try:
            return Outcome(answer=getattr(table, self.method)(*self.given, **self.fields))
        except GameFailed:
            raise
        except GameroomError as refusal:
            return Outcome(refusal=refusal)

    def called(self, outcome: "Outcome") -> set[str]:
        """The actions, timers and hooks of the game that this step has called, if it was not refused."""
        match self.method, outcome.answer:
            case "act", _:
                return {str(self.given[1])}
            case "advance", list(timers):
                return set(timers)
            case _:
                return {CALLS.get(self.method, self.method)}


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


def require(holds: bool, sentence: str) -> None:
    """Raises AssertionError, whose sentence the author reads."""
    if not holds:
        raise AssertionError(sentence)
