"""Where the server spends its time under one workload: `make bench-profile`, or `python -m bench.profile --help`.

py-spy names the functions of Python, perf those of C and the kernel; each is used that is there.
"""

import argparse
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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

WAITING = ("_worker (concurrent/futures/thread.py:", "Condition.wait (threading.py:")
"""Threads that have nothing to do; py-spy takes them for busy."""


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
        sampled = stacks.read_text()
        print(f"\n--- py-spy: functions, by the time in themselves\n{_ranked(own_time(sampled), sampled)}")
        print(f"\n--- py-spy: functions, with what they call\n{_ranked(whole_time(sampled), sampled)}")
    if perf.exists():
        command = ("perf", "report", "--stdio", "--input", str(perf), "--sort", "dso,symbol")
        report = subprocess.run(command, capture_output=True, check=True, text=True).stdout  # noqa: S603
        lines = [line for line in report.splitlines() if line and not line.startswith("#")]
        print("\n--- perf: symbols\n" + "\n".join(lines[:TOP]))
    if not stacks.exists() and not perf.exists():
        raise SystemExit("neither py-spy nor perf could watch the server")


def own_time(stacks: str) -> Counter[str]:
    """Samples in each innermost function, of py-spy's raw lines `outer;…;inner COUNT`."""
    return _counted((frames[-1:], count) for frames, count in _samples(stacks))


def whole_time(stacks: str) -> Counter[str]:
    """Samples in each function and in what it called."""
    return _counted((set(frames), count) for frames, count in _samples(stacks))


def _samples(stacks: str) -> Iterator[tuple[list[str], int]]:
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if not frames[-1].startswith(WAITING):
            yield frames, int(count)


def _counted(samples: Iterable[tuple[Iterable[str], int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for functions, count in samples:
        found.update(dict.fromkeys(functions, count))
    return found


def _ranked(counts: Counter[str], sampled: str) -> str:
    total = sum(count for _, count in _samples(sampled)) or 1
    return "\n".join(f"{count / total:6.1%}  {name}" for name, count in counts.most_common(TOP))


if __name__ == "__main__":
    main()
