"""Starting and ending a server under test, alone on its core."""

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

STARTING_S = 30.0
LOOK_S = 0.02


class DidNotStart(Exception):
    """A server ended, or did not listen in time; the message has the end of its log."""


@dataclass(frozen=True)
class Running:
    """A server that listens, on 127.0.0.1."""

    port: int
    pid: int


@dataclass(frozen=True)
class Cores:
    """One for the server under test, one for the load and for this program."""

    server: int
    load: int


def claim_cores() -> Cores:
    """The first core for servers; this process, and the load that it starts, go to the last one."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        raise SystemExit("a benchmark needs two cores: one for the server, one for the load")
    cores = Cores(server=available[0], load=available[-1])
    os.sched_setaffinity(0, {cores.load})
    return cores


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], port: int, core: int, log: Path
) -> Iterator[Running]:
    """The server for as long as the block lasts; it is killed then, with all that it holds."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the contenders' commands stand in this program
            ["taskset", "--cpu-list", str(core), *command],  # noqa: S607
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _await_listening(process, port, log)
        yield Running(port, process.pid)
    finally:
        process.kill()
        process.wait()


def _await_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """No server says in the same way that it listens; so they are asked until they do."""
    give_up = monotonic() + STARTING_S
    while process.poll() is None and monotonic() < give_up:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(LOOK_S)
    raise DidNotStart(tail(log))


def tail(log: Path, characters: int = 600) -> str:
    return log.read_text(errors="replace")[-characters:]
