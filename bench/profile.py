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
from bench.workloads import WORKLOADS, lasting

TOP = 30
SECONDS = 8


def main() -> None:
    options = _parser().parse_args()
    workload = lasting(next(each for each in WORKLOADS if each.name == options.workload), SECONDS * 1000)
    cores = claim_cores()
    with TemporaryDirectory(prefix="gameroom-bench-") as folder:
        workspace = Path(folder)
        bench = Bench(gather(workspace, cores, workload.crowd.connections), cores, workspace)
        with started(bench, BY_NAME[options.contender]) as server, _profiled(server.pid, workspace):
            figures = measure(bench, BY_NAME[options.contender], workload, server)
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
    watching = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for command in _watchers(pid, folder)
    ]  # noqa: S603
    try:
        yield
    finally:
        for process in watching:
            process.send_signal(signal.SIGINT)
            process.wait()


def _watchers(pid: int, folder: Path) -> Iterator[Sequence[str]]:
    py_spy = Path(sys.executable).with_name("py-spy")
    if py_spy.exists():
        yield (
            str(py_spy),
            "record",
            "--pid",
            str(pid),
            "--format",
            "raw",
            "--output",
            str(folder / "stacks"),
        )
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
        found[frames.rpartition(";")[2]] += int(count)
    return found


def _ranked(counts: Counter[str]) -> str:
    total = counts.total() or 1
    return "\n".join(f"{count / total:6.1%}  {name}" for name, count in counts.most_common(TOP))


if __name__ == "__main__":
    main()
