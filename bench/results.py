"""What was measured, and where it is kept. Medians are taken here, and nowhere else."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench.figures import spread
from bench.load import Figures
from bench.workloads import Workload

Figure = Callable[[Figures], float]
"""One number of a measurement."""


@dataclass(frozen=True)
class Run:
    """One measurement: what it showed, or why there is nothing to show."""

    round: int
    workload: str
    contender: str
    figures: Figures | None
    failure: str = ""


@dataclass(frozen=True)
class Results:
    """All rounds, and the machine they ran on."""

    machine: Mapping[str, str]
    runs: Sequence[Run]

    def with_runs(self, more: Sequence[Run]) -> "Results":
        return replace(self, runs=(*self.runs, *more))

    def rounds_of(self, workload: str, contender: str) -> list[Figures]:
        """What each round showed of this; none if it never ran, or always failed."""
        return [
            run.figures
            for run in self.runs
            if run.figures is not None and (run.workload, run.contender) == (workload, contender)
        ]

    def median(self, workload: str, contender: str, figure: Figure) -> float | None:
        rounds = self.rounds_of(workload, contender)
        return median(figure(each) for each in rounds) if rounds else None

    def spread(self, workload: str, contender: str, figure: Figure) -> float | None:
        """See `figures.spread`."""
        rounds = self.rounds_of(workload, contender)
        return spread([figure(each) for each in rounds]) if rounds else None

    @property
    def failures(self) -> list[Run]:
        return [run for run in self.runs if run.figures is None]

    @property
    def rounds(self) -> int:
        return 1 + max((run.round for run in self.runs), default=-1)


def cost(workload: Workload) -> Figure:
    """Server CPU in microseconds: for one delivery, one answered command, or one handshake."""
    if workload.silent:
        return lambda figures: figures.server_cpu * 1e6 / figures.connections
    if workload.relays:
        return lambda figures: figures.server_cpu * 1e6 / max(figures.deliveries, 1)
    return lambda figures: figures.server_cpu * 1e6 / max(figures.messages, 1)


def throughput(workload: Workload) -> Figure:
    """Deliveries, answered commands or handshakes, a second."""
    if workload.silent:
        return lambda figures: figures.connections / figures.seconds
    if workload.relays:
        return lambda figures: figures.deliveries / figures.seconds
    return lambda figures: figures.messages / figures.seconds


def kb_per_connection(figures: Figures) -> float:
    return (figures.rss_kb - figures.rss_kb_before) / figures.connections


def busy(figures: Figures) -> float:
    """The server's share of its core."""
    return figures.server_cpu / figures.seconds


def load_busy(figures: Figures) -> float:
    """The generator's share of its core: well below 1, or it is the bottleneck."""
    return figures.own_cpu / figures.seconds


def save(results: Results, path: Path) -> None:
    """One line a run, so that a new measurement is a readable change."""
    runs = (json.dumps(_as_json(run), separators=(",", ":")) for run in results.runs)
    machine = json.dumps(results.machine, indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{{"machine": {machine},\n"runs": [\n' + ",\n".join(runs) + "\n]}\n")


def load(path: Path) -> Results:
    kept = json.loads(path.read_text())
    return Results(kept["machine"], tuple(_as_run(run) for run in kept["runs"]))


def _as_json(run: Run) -> dict[str, object]:
    shown = None if run.figures is None else run.figures.as_json()
    return {**vars(run), "figures": shown}


def _as_run(given: dict[str, object]) -> Run:
    figures = given.pop("figures")
    return Run(**given, figures=Figures(**figures) if isinstance(figures, dict) else None)  # type: ignore[arg-type]
