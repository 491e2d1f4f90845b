"""`python -m tests.faults [--seed N] [--kills N] [--seconds N] …`: one storm, and a table of what came of it."""

import argparse
import asyncio
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kit.faults.run import Crowd
from tests.kit.faults.storm import Outcome, Plan, storm_over_postgres, storm_over_sqlite

SHOWN = 20
"""Findings that are shown one by one."""


STORMS = {"sqlite": storm_over_sqlite, "postgresql": storm_over_postgres}


def wishes(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of all dice (timing has dice of its own)")
    parser.add_argument("--kills", type=int, default=200, help="deaths, at least")
    parser.add_argument("--seconds", type=float, default=0, help="how long it lasts, at least")
    parser.add_argument("--rooms", type=int, default=3)
    parser.add_argument("--players", type=int, default=4, help="in each room")
    parser.add_argument("--database", choices=STORMS, default="sqlite")
    parser.add_argument("--deadly", type=float, default=0.85, help="the share of deaths among all faults")
    return parser.parse_args(arguments)


def report(outcome: Outcome) -> str:
    findings = outcome.run.findings
    kinds = Counter(type(finding).__name__ for finding in findings)
    lines = [outcome.table(), *(f"  {count} {kind}" for kind, count in kinds.most_common())]
    return "\n".join([*lines, *map(str, findings[:SHOWN])])


def main(arguments: list[str]) -> int:
    """1 if anything was found."""
    given = wishes(arguments)
    crowd = Crowd(given.rooms, given.players, given.seed)
    plan = Plan(given.kills, given.seconds, given.deadly, crowd)
    with TemporaryDirectory(prefix="gameroom-faults-") as folder:
        outcome = asyncio.run(STORMS[given.database](Path(folder), plan))
    sys.stdout.write(report(outcome) + "\n")
    return 1 if outcome.run.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
