"""The whole of it: rounds of workloads of contenders, each time in another order, so that no one gains by it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.cells import Bench, measure, started
from bench.contenders import BY_NAME, Contender
from bench.growth import has_bent
from bench.load import LoadFailed
from bench.people import CallFailed, People, invite
from bench.results import Run
from bench.servers import Cores, DidNotStart, free_port, running
from bench.workloads import GROWTH, Workload, momentary

FAILURES = (DidNotStart, LoadFailed, CallFailed)
"""Of one measurement: it stands in the report, and the others go on."""


def gather(folder: Path, cores: Cores, count: int) -> People:
    """So many guests of the server under test, in a data folder of their own inside `folder`."""
    data_dir = folder / "people"
    port = free_port()
    launch = BY_NAME["gameroom"].launch
    environment = {"GAMEROOM_DATA_DIR": str(data_dir), "GAMEROOM_SIGN_INS_PER_ADDRESS": "1000000"}
    with running(launch.command(port), environment, port, cores.server, folder / "people.log"):
        guests = invite(port, count)
    return People(data_dir, guests)


def run_round(
    bench: Bench, contenders: Sequence[Contender], workloads: Sequence[Workload], number: int
) -> Iterator[Run]:
    """Every contender does every workload, each at a server started for it alone."""
    for workload in workloads:
        for contender in rotated(contenders, number):
            yield run_once(bench, contender, workload, number)


def run_growth(bench: Bench, contenders: Sequence[Contender], number: int) -> Iterator[Run]:
    """Every contender is loaded more and more, in each of the ways, until it bends."""
    for workloads in GROWTH.values():
        for contender in rotated(contenders, number):
            for workload in workloads:
                run = run_once(bench, contender, workload, number)
                yield run
                if run.figures is None or has_bent(workload, run.figures):
                    break


def run_once(bench: Bench, contender: Contender, workload: Workload, number: int) -> Run:
    try:
        with started(bench, contender) as server:
            figures = measure(bench, contender, workload, server)
    except FAILURES as error:
        return Run(number, workload.name, contender.name, None, str(error))
    return Run(number, workload.name, contender.name, figures)


def run_smoke(bench: Bench, contenders: Sequence[Contender], workloads: Sequence[Workload]) -> Iterator[Run]:
    """Everything for a moment, all workloads of a contender at one server. Raises what fails."""
    for contender in contenders:
        with started(bench, contender) as server:
            for workload in workloads:
                figures = measure(bench, contender, momentary(workload), server)
                yield Run(0, workload.name, contender.name, figures)


def rotated(contenders: Sequence[Contender], by: int) -> Sequence[Contender]:
    """The same in the same order, begun elsewhere."""
    start = by % len(contenders)
    return (*contenders[start:], *contenders[:start])
