"""The whole of it: rounds of workloads of contenders, each time in another order, so that no one gains by it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cells import Bench, measure
from bench.contenders import BY_NAME, Contender
from bench.load import Figures, LoadFailed
from bench.people import People, invite
from bench.servers import Cores, DidNotStart, free_port, running
from bench.workloads import Workload


@dataclass(frozen=True)
class Run:
    """One measurement: what it showed, or why there is nothing to show."""

    round: int
    workload: str
    contender: str
    figures: Figures | None
    failure: str = ""


def gather(folder: Path, cores: Cores, count: int) -> People:
    """So many guests of the server under test, in a data folder of their own inside `folder`."""
    data_dir = folder / "people"
    port = free_port()
    launch = BY_NAME["gameroom"].launch
    environment = {"GAMEROOM_DATA_DIR": str(data_dir), "GAMEROOM_SIGN_INS_PER_ADDRESS": "1000000"}
    with running(launch.command(port), environment, port, cores.server, folder / "people.log"):
        guests = invite(port, count)
    return People(data_dir, guests)


def run_rounds(
    bench: Bench, contenders: Sequence[Contender], workloads: Sequence[Workload], rounds: int
) -> Iterator[Run]:
    """Every contender does every workload in every round."""
    for number in range(rounds):
        for workload in workloads:
            for contender in rotated(contenders, number):
                yield run_once(bench, contender, workload, number)


def run_once(bench: Bench, contender: Contender, workload: Workload, number: int = 0) -> Run:
    try:
        return Run(number, workload.name, contender.name, measure(bench, contender, workload))
    except (DidNotStart, LoadFailed, RuntimeError) as error:
        return Run(number, workload.name, contender.name, None, str(error))


def rotated(contenders: Sequence[Contender], by: int) -> Sequence[Contender]:
    """The same in the same order, begun elsewhere."""
    start = by % len(contenders)
    return (*contenders[start:], *contenders[:start])
