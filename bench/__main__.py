"""The benchmark: `make bench`, or `python -m bench --help`."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.cells import Bench
from bench.contenders import BY_NAME, CONTENDERS, Contender
from bench.growth_report import GROWING
from bench.machine import describe_machine
from bench.pictures import pictures
from bench.report import report
from bench.results import Results, Run, cost, load, save
from bench.rounds import gather, run_growth, run_round, run_smoke
from bench.servers import claim_cores
from bench.workloads import GROWTH, MESSAGE_LENGTH, MOST_CONNECTIONS, WORKLOADS, Workload

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results" / "latest.json"
NOTES = RESULTS.with_name("notes.md")
SMOKE_PEOPLE = 100

GROWTH_ROUNDS = 3
"""At most: what grows is a law over many points, each of which needs fewer rounds than a goal."""

ALL_WORKLOADS = {
    each.name: each for each in (*WORKLOADS, *(step for steps in GROWTH.values() for step in steps))
}


@dataclass(frozen=True)
class Choice:
    """What shall be measured."""

    rounds: int
    contenders: Sequence[Contender]
    workloads: Sequence[Workload]
    growth: bool


def main() -> None:
    options = _parser().parse_args()
    if options.report:
        write_report(load(RESULTS), ROOT / "docs")
    elif options.smoke:
        smoke(_choice(options))
    else:
        measure_all(_choice(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--only", action="append", metavar="WORKLOAD", help="those whose names begin so")
    parser.add_argument("--contender", action="append", choices=tuple(BY_NAME), help="these alone")
    parser.add_argument("--no-growth", action="store_true", help="leave out what doubles until it bends")
    parser.add_argument("--smoke", action="store_true", help="everything for a moment; nothing is kept")
    parser.add_argument("--report", action="store_true", help="write the report of the last results anew")
    return parser


def _choice(options: argparse.Namespace) -> Choice:
    prefixes = tuple(options.only or ("",))
    return Choice(
        rounds=options.rounds,
        contenders=[each for each in CONTENDERS if each.name in (options.contender or BY_NAME)],
        workloads=[each for each in WORKLOADS if each.name.startswith(prefixes)],
        growth=not options.no_growth and not options.only,
    )


def measure_all(choice: Choice) -> None:
    """All rounds; what was measured is kept after each."""
    results = Results(describe_machine(), ())
    with _prepared(MOST_CONNECTIONS) as bench:
        for number in range(choice.rounds):
            results = results.with_runs(_told(_round(bench, choice, number)))
            save(results, RESULTS)
    write_report(results, ROOT / "docs")


def smoke(choice: Choice) -> None:
    """See that all of it runs, the report included, and keep nothing."""
    with _prepared(SMOKE_PEOPLE) as bench:
        runs = _told(run_smoke(bench, choice.contenders, choice.workloads))
        results = Results(describe_machine(), runs)
        save(results, bench.workspace / "smoke.json")
        write_report(load(bench.workspace / "smoke.json"), bench.workspace)
    lost = [f"{run.contender} {run.workload}" for run in runs if run.figures and run.figures.unfinished]
    if lost:
        raise SystemExit(f"messages never arrived: {', '.join(lost)}")


@contextmanager
def _prepared(people: int) -> Iterator[Bench]:
    cores = claim_cores()
    with TemporaryDirectory(prefix="gameroom-bench-") as folder:
        workspace = Path(folder)
        yield Bench(gather(workspace, cores, people), cores, workspace)


def _round(bench: Bench, choice: Choice, number: int) -> Iterator[Run]:
    yield from run_round(bench, choice.contenders, choice.workloads, number)
    growing = [each for each in choice.contenders if each.name in GROWING]
    if choice.growth and growing and number < GROWTH_ROUNDS:
        yield from run_growth(bench, growing, number)


def _told(runs: Iterator[Run]) -> list[Run]:
    """The same, each printed when it is there."""
    told = []
    for run in runs:
        print(f"{run.round + 1}  {run.workload:<18} {run.contender:<18} {_summary(run)}", flush=True)
        told.append(run)
    return told


def _summary(run: Run) -> str:
    if run.figures is None:
        return f"failed: {run.failure}"
    figures = run.figures
    microseconds = cost(ALL_WORKLOADS[run.workload])(figures)
    return f"{microseconds:9.1f} µs  p50 {figures.p50:8.2f} ms  p99 {figures.p99:8.2f} ms"


def write_report(results: Results, docs: Path) -> None:
    """`benchmarks.md` and its pictures, into the folder `docs`."""
    folder = docs / "benchmarks"
    folder.mkdir(exist_ok=True)
    notes = NOTES.read_text() if NOTES.exists() else ""
    (docs / "benchmarks.md").write_text(report(results, MESSAGE_LENGTH, notes))
    for name, picture in pictures(results).items():
        (folder / name).write_text(picture)


if __name__ == "__main__":
    main()
