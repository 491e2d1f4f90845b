"""A history and the journal that it is held against, laid out as the checks ask for them."""

from collections import defaultdict
from functools import cached_property

from tests.kit.faults.history import Attempt, Command, History
from tests.kit.faults.journal import Journal, Record
from tests.kit.faults.replay import Turn, states_of, turns_of
from tests.kit.wire import Json, Position

Key = tuple[str, str]
"""A user, and the id of a command."""

CLOCK_MS = 2
"""By how much two readings of one clock may seem to be in the wrong order."""


class Evidence:
    def __init__(self, history: History, journal: Journal) -> None:
        self.history = history
        self.journal = journal

    @cached_property
    def attempts(self) -> dict[Key, list[Attempt]]:
        """All sendings of each id, in the order in which they were sent."""
        found: dict[Key, list[Attempt]] = defaultdict(list)
        for attempt in sorted(self.history.attempts, key=lambda attempt: attempt.sent_at):
            found[attempt.command.user_id, attempt.command.id].append(attempt)
        return found

    @cached_property
    def applied(self) -> dict[Key, list[Record]]:
        """The first records of each command that was applied."""
        found: dict[Key, list[Record]] = defaultdict(list)
        for record in self.journal.every():
            if record.command_id is not None and record.user_id is not None:
                found[record.user_id, record.command_id].append(record)
        return found

    @cached_property
    def at(self) -> dict[tuple[str, Position], Record]:
        """The records by room and position."""
        return {(record.room_id, record.position): record for record in self.journal.every()}

    @cached_property
    def turns(self) -> dict[str, list[Turn]]:
        return {room_id: list(turns_of(records)) for room_id, records in self.journal.records.items()}

    @cached_property
    def states(self) -> dict[str, dict[Position, Json]]:
        return {room_id: states_of(records) for room_id, records in self.journal.records.items()}


def named(command: Command) -> str:
    return f"{command.kind} {command.id} of {command.user_id}"
