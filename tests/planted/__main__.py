"""`python -m tests.planted [WORD …]`: plant all faults, or those whose name or promise has one of the words."""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.planted.fault import Fault
from tests.planted.run import Copy, Trial
from tests.planted.table import FAULTS

ROOT = Path(__file__).parents[2]


def chosen(words: list[str]) -> list[Fault]:
    every = [(promise, fault) for promise, faults in FAULTS.items() for fault in faults]
    return [
        fault
        for promise, fault in every
        if not words or any(word.lower() in f"{promise} {fault.name}".lower() for word in words)
    ]


def main(words: list[str]) -> int:
    """1 if a fault goes unnoticed, 2 if no fault is meant."""
    faults = chosen(words)
    if not faults:
        sys.stderr.write(f"no fault and no promise has any of the words: {' '.join(words)}\n")
        return 2
    began = time.monotonic()
    with TemporaryDirectory(prefix="gameroom-planted-") as folder:
        trial = Trial(Copy(ROOT, Path(folder)))
        trial.without_fault(faults)
        for fault in faults:
            trial.with_fault(fault)
    seconds = time.monotonic() - began
    sys.stdout.write(f"{len(faults)} faults planted, {len(trial.complaints)} complaints, {seconds:.0f} s\n")
    return 1 if trial.complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
