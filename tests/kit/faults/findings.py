"""What the checker may find, each kind with the sentence that says what went wrong."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Finding:
    """A promise that was not kept. `where`: the room, user, command or position that shows it."""

    sentence: ClassVar[str]
    where: str

    def __str__(self) -> str:
        return f"{type(self).__name__}: {self.sentence}: {self.where}"


class AckedButMissing(Finding):
    sentence = "a command was acknowledged, and the journal does not hold it"


class AppliedTwice(Finding):
    sentence = "one command was applied twice"


class SeenButNotStored(Finding):
    sentence = "somebody heard an event that the journal does not hold so"


class SeenByTheWrongOne(Finding):
    sentence = "somebody heard an event that was not for these ears, or did not hear one that was"


class GapOrRepeat(Finding):
    sentence = "the positions of a room do not rise by exactly one"


class SeatLost(Finding):
    sentence = "a member lost its place, and no event says why"


class AnsweredDifferently(Finding):
    sentence = "the same id was answered in two ways"


class UnavailableButApplied(Finding):
    sentence = "a command was called `unavailable`, and was applied by that very attempt"


class RefusedButApplied(Finding):
    sentence = "a command was refused, and the same home applied it later"


class NeverSent(Finding):
    sentence = "the journal holds a command that nobody sent"


class TimerFiredTwice(Finding):
    sentence = "a timer fired that had fired before, or did not stand any more"


class TimerNeverFired(Finding):
    sentence = "a timer was due, the server was there, and it did not fire"


class TimerFiredLate(Finding):
    sentence = "a timer fired long after it was due and could have fired"


class TimerOvertaken(Finding):
    sentence = "something else was decided while a timer was due"


class StateDiffers(Finding):
    sentence = "a state differs from what the records before it make"


class Damaged(Finding):
    sentence = "what is stored is not what was written"


class WireBroken(Finding):
    sentence = "a client saw a rule of the wire broken"
