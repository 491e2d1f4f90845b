"""What one turn of an actor has decided, until it is stored and let out."""

from gameroom.rooms.decision import Decision
from gameroom.rooms.entries import Ask
from gameroom.rooms.journal import SealedRecord

BATCH_INPUTS = 100
BATCH_BYTES = 1_048_576
"""Inputs decided, and bytes of records made of them, before they are appended; the rest waits for the next unit."""


Decided = list[tuple[Decision, Ask | None]]
"""The decisions of one turn, and who asked."""


class Batch:
    """The decisions of one turn, which are appended as one unit."""

    def __init__(self) -> None:
        self.decided: Decided = []
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        return len(self.decided) >= BATCH_INPUTS or self._bytes >= BATCH_BYTES

    def add(self, decision: Decision, ask: Ask | None = None) -> None:
        self.decided.append((decision, ask))
        self._bytes += sum(len(record.body) for record in decision.records)

    def records(self) -> tuple[SealedRecord, ...]:
        return tuple(record for decision, _ in self.decided for record in decision.records)
