"""Where the server spends its time under one workload: `make bench-profile`, or `python -m bench.profile --help`.

py-spy names the functions of Python, perf those of C and the kernel; each is used that is there.
"""

import argparse
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from bench.cells import Bench, measure, started
from bench.contenders import BY_NAME
from bench.results import busy, cost
from bench.rounds import gather
from bench.servers import claim_cores
from bench.workloads import WORKLOADS, lasting, momentary

TOP = 30
SECONDS = 8

WAITING = "_worker (concurrent/futures/thread.py:"
"""A thread of a pool that has nothing to do; py-spy takes it for busy."""


def main() -> None:
    options = _parser().parse_args()
    workload = lasting(next(each for each in WORKLOADS if each.name == options.workload), SECONDS * 1000)
    cores = claim_cores()
    with TemporaryDirectory(prefix="gameroom-bench-") as folder:
        workspace = Path(folder)
        bench = Bench(gather(workspace, cores, workload.crowd.connections), cores, workspace)
        contender = BY_NAME[options.contender]
        with started(bench, contender) as server:
            measure(bench, contender, momentary(workload), server)  # its start is not what is to be seen
            with _profiled(server.pid, workspace):
                figures = measure(bench, contender, workload, server)
        print(f"{cost(workload)(figures):.1f} µs, {busy(figures):.0%} of the core, while being watched")
        _print_profiles(workspace)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    names = [each.name for each in WORKLOADS]
    parser.add_argument(
        "--workload", choices=names, default="relay-10-1", help="relay-10-1 unless another is named"
    )
    parser.add_argument("--contender", choices=tuple(BY_NAME), default="gameroom")
    return parser


@contextmanager
def _profiled(pid: int, folder: Path) -> Iterator[None]:
    """Watched by whatever tools there are, for as long as the block lasts."""
    watching = [_start(command) for command in _watchers(pid, folder)]
    try:
        yield
    finally:
        for process in watching:
            process.send_signal(signal.SIGINT)
            process.wait()


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603


def _watchers(pid: int, folder: Path) -> Iterator[Sequence[str]]:
    py_spy = Path(sys.executable).with_name("py-spy")
    if py_spy.exists():
        how = ("--function", "--rate", "500", "--format", "raw")
        yield (str(py_spy), "record", *how, "--pid", str(pid), "--output", str(folder / "stacks"))
    if which("perf"):
        yield ("perf", "record", "--freq", "999", "--pid", str(pid), "--output", str(folder / "perf"))


def _print_profiles(folder: Path) -> None:
    stacks, perf = folder / "stacks", folder / "perf"
    if stacks.exists():
        print(f"\n--- py-spy: functions, by the time in themselves\n{_ranked(own_time(stacks.read_text()))}")
    if perf.exists():
        command = ("perf", "report", "--stdio", "--input", str(perf), "--sort", "dso,symbol")
        report = subprocess.run(command, capture_output=True, check=True, text=True).stdout  # noqa: S603
        lines = [line for line in report.splitlines() if line and not line.startswith("#")]
        print("\n--- perf: symbols\n" + "\n".join(lines[:TOP]))
    if not stacks.exists() and not perf.exists():
        raise SystemExit("neither py-spy nor perf could watch the server")


def own_time(stacks: str) -> Counter[str]:
    """Samples in each innermost function, of py-spy's raw lines `outer;…;inner COUNT`."""
    found: Counter[str] = Counter()
    for line in stacks.splitlines():
        frames, _, count = line.rpartition(" ")
        function = frames.rpartition(";")[2]
        if not function.startswith(WAITING):
            found[function] += int(count)
    return found


def _ranked(counts: Counter[str]) -> str:
    total = counts.total() or 1
    return "\n".join(f"{count / total:6.1%}  {name}" for name, count in counts.most_common(TOP))


if __name__ == "__main__":
    main()
