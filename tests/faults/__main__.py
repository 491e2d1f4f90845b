"""`python -m tests.faults [--seed N] [--kills N] [--seconds N] …`: one storm, and a table of what came of it."""

import argparse
import asyncio
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kit.faults.run import Crowd
from tests.kit.faults.storm import Outcome, Plan, storm

SHOWN = 20
"""Findings that are shown one by one."""


def plan_of(arguments: list[str]) -> Plan:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of all dice (timing has dice of its own)")
    parser.add_argument("--kills", type=int, default=200, help="deaths, at least")
    parser.add_argument("--seconds", type=float, default=0, help="how long it lasts, at least")
    parser.add_argument("--rooms", type=int, default=3)
    parser.add_argument("--players", type=int, default=4, help="in each room")
    given = parser.parse_args(arguments)
    return Plan(given.kills, given.seconds, Crowd(given.rooms, given.players, given.seed))


def report(outcome: Outcome) -> str:
    findings = outcome.run.findings
    kinds = Counter(type(finding).__name__ for finding in findings)
    lines = [outcome.table(), *(f"  {count} {kind}" for kind, count in kinds.most_common())]
    return "\n".join([*lines, *map(str, findings[:SHOWN])])


def main(arguments: list[str]) -> int:
    """1 if anything was found."""
    plan = plan_of(arguments)
    with TemporaryDirectory(prefix="gameroom-faults-") as folder:
        outcome = asyncio.run(storm(Path(folder), plan))
    sys.stdout.write(report(outcome) + "\n")
    return 1 if outcome.run.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
