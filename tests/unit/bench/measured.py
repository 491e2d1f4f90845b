"""Results as a run would have left them."""

from dataclasses import fields

from bench.load import Figures
from bench.results import Results, Run
from bench.workloads import Workload


def figures(**given: float) -> Figures:
    """One second in which nothing happened, but for what is given."""
    nothing = dict.fromkeys((field.name for field in fields(Figures)), 0)
    return Figures(**{**nothing, "seconds": 1.0, **given})  # type: ignore[arg-type]


def run(workload: Workload, contender: str, number: int = 0, **given: float) -> Run:
    return Run(number, workload.name, contender, figures(**given))


def results(*runs: Run) -> Results:
    return Results({"processor": "an abacus"}, runs)
