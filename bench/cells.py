"""One measurement: a server, a crowd, one workload."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.contenders import Contender
from bench.load import Figures, LoadFailed, run_load
from bench.people import People
from bench.plan import Plan, Script
from bench.servers import Cores, Running, free_port, running
from bench.workloads import Workload


@dataclass(frozen=True)
class Bench:
    """What every measurement needs."""

    people: People
    cores: Cores
    workspace: Path


@contextmanager
def started(bench: Bench, contender: Contender) -> Iterator[Running]:
    """The contender's server, in a world of its own. Raises `DidNotStart`."""
    port = free_port()
    with TemporaryDirectory(dir=bench.workspace) as folder:
        data_dir = Path(folder) / "data"
        bench.people.settle_in(data_dir)
        environment = contender.launch.environment(bench.people, data_dir)
        command = contender.launch.command(port)
        with running(command, environment, port, bench.cores.server, Path(folder) / "log") as server:
            yield server


def measure(bench: Bench, contender: Contender, workload: Workload, server: Running) -> Figures:
    """One workload at a server that has been started. Raises `LoadFailed`, also for what never arrived.

    Unless the load keeps a pace that the server may be unable to follow: then that is what is to be seen.
    """
    figures = run_load(plan_for(bench.people, contender, workload, server))
    if figures.unfinished and not workload.pace.per_second:
        raise LoadFailed(f"{figures.unfinished} messages never arrived at everybody")
    return figures


def plan_for(people: People, contender: Contender, workload: Workload, server: Running) -> Plan:
    """Opens the rooms, hands tokens out, and says what is to be done."""
    dialect, crowd, work = contender.dialect, workload.crowd, workload.work
    tokens = people.fresh_tokens(crowd.connections)
    rooms = dialect.open_rooms(server.port, work, tokens[:: crowd.members])
    return Plan(
        port=server.port,
        server_pid=server.pid,
        crowd=crowd,
        pace=workload.pace,
        scripts=_scripts(contender, workload, rooms, tokens),
        message=None if workload.silent else dialect.message(work),
        ping=dialect.ping,
    )


def _scripts(
    contender: Contender, workload: Workload, rooms: Sequence[str], tokens: Sequence[str]
) -> list[Script]:
    """Connection by connection, room after room."""
    waiting = iter(tokens)
    return [
        contender.dialect.script(room, token, workload.work)
        for room in rooms
        for token in islice(waiting, workload.crowd.members)
    ]
