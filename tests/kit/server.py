"""The real server as a process of its own, which can be killed and started again where it was."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import httpx2

START_DEADLINE = 30.0
"""Seconds from the start of the process until it must be ready, on a busy machine."""

STOP_DEADLINE = 20.0

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For HTTP clients: the servers of tests speak plain HTTP, and loading the world's certificates takes 0.1 s."""


class NotStarted(Exception):
    """`gameroom serve` ended before it was ready: its exit code and what it printed."""

    def __init__(self, exit_code: int, output: str) -> None:
        super().__init__(f"gameroom serve ended with {exit_code}:\n{output}")
        self.exit_code = exit_code
        self.output = output


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One `gameroom serve` on a data directory. Starting it again finds the same data, on the same port.

    `settings` become `GAMEROOM_…` variables: `grace_ms=500` is `GAMEROOM_GRACE_MS=500`.
    """

    def __init__(self, folder: Path, *games: Path, **settings: object) -> None:
        self.port = free_port()
        self.data_dir = folder / "data"
        self.log_file = folder / "serve.log"
        self._folder = folder
        self._games = games
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._printed_before = 0

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill9()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that every life of this server has printed."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def database(self) -> Path:
        """Its SQLite file."""
        return self.data_dir / "gameroom.db"

    def start(self) -> None:
        """Returns when the process has printed its URL and /readyz says 200.

        Raises `NotStarted`, or `TimeoutError` after `START_DEADLINE`.
        """
        assert not self.running
        self._folder.mkdir(parents=True, exist_ok=True)
        self._printed_before = len(self.log)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                env=self._environment(),
                cwd=self._folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._await_ready(self._process, time.monotonic() + START_DEADLINE)

    def _command(self) -> list[str]:
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--data-dir", str(self.data_dir)]
        return [sys.executable, "-m", "gameroom.cli", "serve", *map(str, self._games), *place]

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GAMEROOM_")}
        chosen = {f"GAMEROOM_{name.upper()}": str(value) for name, value in self._settings.items()}
        return {**inherited, "PYTHONUNBUFFERED": "1", **chosen}

    def _await_ready(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        while not self._is_ready():
            try:
                exit_code = process.wait(0.03)
            except subprocess.TimeoutExpired:
                exit_code = None
            if exit_code is not None:
                raise NotStarted(exit_code, self.log[self._printed_before :])
            if time.monotonic() > deadline:
                self.kill9()
                raise TimeoutError(f"not ready after {START_DEADLINE} s:\n{self.log}")

    def _is_ready(self) -> bool:
        """Its own word comes first: on a port that is taken, somebody else would answer."""
        if self.url not in self.log[self._printed_before :]:
            return False
        try:
            ready = httpx2.get(f"{self.url}/readyz", trust_env=False, verify=NO_TLS, timeout=2)
            return ready.status_code == 200
        except httpx2.TransportError:
            return False

    def await_end(self, deadline_s: float) -> int:
        """Wait until the process ends by itself; its exit code. Raises `subprocess.TimeoutExpired`."""
        assert self._process is not None
        return self._process.wait(deadline_s)

    def kill9(self) -> None:
        """SIGKILL: the process has no moment to do anything more."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> int:
        """SIGTERM, as a deploy does; the exit code."""
        return self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> int:
        assert self._process is not None
        if self.running:
            self._process.send_signal(number)
        return self._process.wait(STOP_DEADLINE)
