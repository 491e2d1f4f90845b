"""The timers of each room: each fires once, before anything else, and soon after it could."""

from collections.abc import Iterator

from tests.kit.faults.evidence import Evidence
from tests.kit.faults.findings import (
    Finding,
    TimerFiredLate,
    TimerFiredTwice,
    TimerNeverFired,
    TimerOvertaken,
)
from tests.kit.faults.history import History, Span
from tests.kit.faults.replay import Timer, Turn, timers_of

SOON_MS = 5_000
"""So long after it was due, or after the room could do anything again, a timer has fired on a busy machine."""


def timers(evidence: Evidence) -> Iterator[Finding]:
    for room_id, turns in evidence.turns.items():
        yield from _of_room(room_id, turns, evidence.history)


def _of_room(room_id: str, turns: list[Turn], history: History) -> Iterator[Finding]:
    for turn in turns:
        standing, fired = timers_of(turn.before), turn.fired
        if fired is not None and fired not in standing:
            yield TimerFiredTwice(f"{fired} at seq {turn.first.seq} of {room_id}")
        overtaken = {timer for timer in standing if _goes_before(timer, turn)}
        if overtaken:
            yield TimerOvertaken(f"{sorted(overtaken)} at seq {turn.first.seq} of {room_id}")
        if fired is not None and _waited(fired, turn.at, history.outages) > SOON_MS:
            yield TimerFiredLate(f"{fired} at {turn.at} of {room_id}")
    for timer in timers_of(turns[-1].after) if turns else ():
        if _waited(timer, history.ended_at, history.outages) > SOON_MS:
            yield TimerNeverFired(f"{timer} of {room_id}, which ended at {history.ended_at}")


def _goes_before(timer: Timer, turn: Turn) -> bool:
    """Whether the timer had to fire before this turn: those that are due go first, in the order of their times."""
    if turn.fired is not None:
        return timer.due_at < turn.fired.due_at
    return timer.due_at <= turn.at


def _waited(timer: Timer, until: int, outages: list[Span]) -> int:
    """Milliseconds that the timer was due in which the room could have fired it."""
    excused = sum(max(0, min(until, outage.until) - max(timer.due_at, outage.since)) for outage in outages)
    return until - timer.due_at - excused
