"""What came of a case, in the suite's words; and what we demand of ourselves. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from tests.autobahn.subjects import IN_PYTHON, OURS, TAKEN_OVER, THEIRS


class Grade(IntEnum):
    """From good to bad."""

    STRICT = 0
    NOT_STRICT = 1
    """Passed too, says the suite: what it prefers, RFC 6455 does not demand."""

    BADLY_CLOSED = 2
    FAILED = 3

    def __str__(self) -> str:
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Outcome:
    """`behavior`: of the messages. `closing`: of the closing handshake."""

    behavior: str
    closing: str

    @property
    def grade(self) -> Grade:
        if self.behavior not in ("OK", "NON-STRICT", "INFORMATIONAL"):
            return Grade.FAILED
        if self.closing not in ("OK", "INFORMATIONAL"):
            return Grade.BADLY_CLOSED
        return Grade.NOT_STRICT if self.behavior == "NON-STRICT" else Grade.STRICT


Results = Mapping[str, Mapping[str, Outcome]]
"""Of each subject, of each case by its number, in the suite's order."""

DETERMINED = (TAKEN_OVER, IN_PYTHON)
"""Which of ours answer a message before they read on.

An app that ASGI tells of a message answers in a task of its own. Where the peer breaks the protocol right behind a
message, it is chance whether that answer leaves before the close; the suite calls it strict if it does.
"""

LENIENT = frozenset({"6.4.3", "6.4.4"})
"""Where ours are not strict and wsproto is: we look at text once its frame is whole, it looks at every piece.

RFC 6455 (8.1) has a connection fail that brings what is no UTF-8, and sets no moment; and our frames have a bound.
"""


def shortfalls(results: Results) -> Iterator[str]:
    """Where one of ours is worse than the best of uvicorn's."""
    for case in results[TAKEN_OVER]:
        best = min(results[subject][case].grade for subject in THEIRS)
        for subject in OURS:
            grade = results[subject][case].grade
            if grade > max(best, _at_worst(subject, case)):
                yield f"{case} on {subject}: {grade}, the best of uvicorn's: {best}"


def _at_worst(subject: str, case: str) -> Grade:
    """What is good enough, whatever others do."""
    return Grade.STRICT if subject in DETERMINED and case not in LENIENT else Grade.NOT_STRICT
