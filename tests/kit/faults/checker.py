"""Holds what clients saw against what the journal holds. Pure: history and journal in, findings out."""

from collections.abc import Callable, Iterator

from tests.kit.faults.checks_of_commands import (
    acked_but_missing,
    answered_differently,
    applied_twice,
    wrongly_applied,
)
from tests.kit.faults.checks_of_events import gaps, seen_but_not_stored
from tests.kit.faults.checks_of_rooms import damage, lost_seats, other_states
from tests.kit.faults.checks_of_timers import timers
from tests.kit.faults.evidence import Evidence
from tests.kit.faults.findings import Finding, WireBroken
from tests.kit.faults.history import History
from tests.kit.faults.journal import Journal

Check = Callable[[Evidence], Iterator[Finding]]


def broken_wire(evidence: Evidence) -> Iterator[Finding]:
    yield from map(WireBroken, evidence.history.broken)


CHECKS: tuple[Check, ...] = (
    acked_but_missing,
    applied_twice,
    answered_differently,
    wrongly_applied,
    seen_but_not_stored,
    gaps,
    lost_seats,
    timers,
    other_states,
    damage,
    broken_wire,
)


def check(history: History, journal: Journal) -> list[Finding]:
    """All that is wrong; nothing, where every promise was kept."""
    evidence = Evidence(history, journal)
    return [finding for look in CHECKS for finding in look(evidence)]
