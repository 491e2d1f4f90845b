"""The command line as an operator sees it: real processes, their output, their exit codes."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

ROOT = Path(__file__).parents[2]
DEADLINE_S = 30

GAME = """
from gameroom import Context, Game, GameState

class Nothing(GameState):
    pass

class {name}(Game[Nothing]):
    name = "{word}"
    min_players = max_players = 2

    def setup(self, ctx: Context) -> Nothing:
        return Nothing()
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Ours is left out, so that what a developer exports changes nothing here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GAMEROOM_")}
    return {**kept, "GAMEROOM_DATA_DIR": str(tmp_path / "data"), "GAMEROOM_PORT": "0"}


class Runner:
    """Runs `gameroom` in an empty folder."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment

    def run(self, *arguments: str | Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self._command(arguments),
            cwd=self.folder,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )

    def refused(self, *arguments: str | Path, **variables: str) -> str:
        """The one line on stderr of a command that ends with 2."""
        run = self.run(*arguments, **variables)
        assert (run.returncode, run.stdout) == (2, ""), run.stdout + run.stderr
        line, *others = run.stderr.splitlines()
        assert others == []
        return line.removeprefix("gameroom: ")

    @contextmanager
    def serving(self, *arguments: str | Path, **variables: str) -> Iterator["Served"]:
        """A server that listens; killed at the end if the test has not ended it."""
        with subprocess.Popen(
            self._command(("serve", *arguments)),
            cwd=self.folder,
            env={**self.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield Served(process)
            finally:
                process.kill()

    def _command(self, arguments: tuple[str | Path, ...]) -> list[str | Path]:
        return [sys.executable, "-m", "gameroom.cli", *arguments]


class Served:
    """A running server and what it said of itself."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.banner = self._read_banner()
        found = re.search(r"listens on (http://\S+?);", self.banner)
        assert found, self.banner
        self.base = found[1]

    def _read_banner(self) -> str:
        assert self.process.stdout
        lines: list[str] = []
        for line in self.process.stdout:
            lines.append(line)
            if "CREATE_GAME_ROOM_GROUP" in line:
                break
        return "".join(lines)

    def indented(self) -> list[str]:
        """The lines to paste: all that is indented after the places."""
        _, _, paste = self.banner.partition("paste into")
        return [line.strip() for line in paste.splitlines() if line.startswith("  ")]

    def end(self, sig: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """The exit code after the signal, and all that was logged."""
        self.process.send_signal(sig)
        _, log = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, log


@pytest.fixture
def gameroom(tmp_path: Path, environment: dict[str, str]) -> Runner:
    return Runner(tmp_path, environment)


# --- a server that runs ---------------------------------------------------------------------------------------


def test_the_first_serve_says_where_things_are_and_ends_well(gameroom: Runner, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with gameroom.serving() as served:
        assert httpx2.get(f"{served.base}/readyz").status_code == 200
        assert httpx2.get(f"{served.base}/docs").status_code == 200
        code, log = served.end()
    assert code == 0
    assert "Traceback" not in log
    for place in (data, data / "gameroom.db", data / "keys", f"{served.base}/docs"):
        assert str(place) in served.banner
    assert (data / "gameroom.db").exists()
    assert [key.stat().st_mode & 0o777 for key in (data / "keys").iterdir() if key.is_file()] != []
    assert {key.stat().st_mode & 0o777 for key in (data / "keys").iterdir()} == {0o600}


def test_what_it_prints_can_be_pasted(gameroom: Runner) -> None:
    with gameroom.serving() as served:
        *script, create = served.indented()
        with subprocess.Popen(
            ["bash", "-ec", "\n".join(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as client:
            assert client.stdin and client.stdout
            client.stdin.write(f"{create}\n")
            client.stdin.flush()
            reply = next(line for line in client.stdout if "REPLY" in line)
            client.stdin.close()
        assert '"command":"CREATE_GAME_ROOM_GROUP"' in reply
        assert client.returncode == 0


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_open_sockets_do_not_keep_it_from_ending(gameroom: Runner, sig: signal.Signals) -> None:
    with gameroom.serving() as served, connect(served.base.replace("http", "ws") + "/ws"):
        code, log = served.end(sig)
    assert code == 0
    assert "Traceback" not in log


def test_no_ticket_and_no_token_reaches_the_log_even_when_it_tells_all(gameroom: Runner) -> None:
    with gameroom.serving(GAMEROOM_LOG_LEVEL="debug") as served:
        tokens = httpx2.post(f"{served.base}/api/v1/auth/guest", json={}).json()["tokens"]
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        ticket = httpx2.post(f"{served.base}/api/v1/auth/ws-ticket", headers=bearer).json()["ticket"]
        socket_at = f"{served.base.replace('http', 'ws')}/ws?ticket={ticket}"
        with connect(socket_at) as client:
            assert json.loads(client.recv(DEADLINE_S))["type"] == "WELCOME"
        with pytest.raises(InvalidStatus):
            connect(socket_at)
        _, log = served.end()
    for secret in (ticket, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in log


def test_stock_uvicorn_runs_it_too_and_logs_no_ticket(tmp_path: Path, environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "gameroom.main:app", "--app-dir", ROOT / "backend"]
    with subprocess.Popen(
        [*command, "--port", str(port)], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            _await_ready(f"http://127.0.0.1:{port}")
            with pytest.raises(InvalidStatus):
                connect(f"ws://127.0.0.1:{port}/ws?ticket=s3cret-of-ada")
            process.terminate()
            _, log = process.communicate(timeout=DEADLINE_S)
        finally:
            process.kill()
    assert "s3cret" not in log
    assert "Traceback" not in log


def _await_ready(base: str) -> None:
    transport = httpx2.HTTPTransport(retries=8)  # with growing pauses: the server starts meanwhile
    with httpx2.Client(transport=transport, timeout=DEADLINE_S) as client:
        assert client.get(f"{base}/readyz").status_code == 200


# --- what an operator can mend --------------------------------------------------------------------------------


def test_a_port_in_use(gameroom: Runner, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = gameroom.refused("serve", "--port", str(port))
    assert line.startswith(f"cannot listen on 127.0.0.1, port {port}: another program listens there")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("class Broken(:\n", r"game\.py, line 1: invalid syntax"),
        ("import no_such_thing\n", r"game\.py.*No module named 'no_such_thing'"),
        ("x = 1\n", r"game\.py.*no .*Game"),
        (GAME.format(name="One", word="one") + GAME.format(name="Two", word="two"), r"game\.py.*One.*Two"),
        (None, r"game\.py.*No such file"),
    ],
    ids=["syntax", "import", "no game", "two games", "missing"],
)
def test_a_game_file_that_cannot_be_loaded(
    gameroom: Runner, tmp_path: Path, source: str | None, sentence: str
) -> None:
    if source is not None:
        (tmp_path / "game.py").write_text(source)
    assert re.search(sentence, gameroom.refused("serve", "game.py"))
    assert re.search(sentence, gameroom.refused("games", "game.py"))


def test_a_data_folder_that_cannot_be_written(gameroom: Runner, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "data"
    for command in ("serve", "migrate"):
        line = gameroom.refused(command, "--data-dir", place)
        assert str(place) in line
        assert "Not a directory" in line


def test_a_database_in_use_by_another_server(gameroom: Runner) -> None:
    with gameroom.serving() as served:
        assert f"in use by another server (process {served.process.pid})" in gameroom.refused("serve")
        assert f"in use by another server (process {served.process.pid})" in gameroom.refused("migrate")


def test_a_file_that_is_no_database(gameroom: Runner, tmp_path: Path) -> None:
    file = tmp_path / "not.db"
    file.write_bytes(b"x" * 10_000)
    assert "not a database" in gameroom.refused("serve", "--database-url", f"sqlite:///{file}")
    assert file.read_bytes() == b"x" * 10_000


def test_a_database_of_a_newer_version(gameroom: Runner, tmp_path: Path) -> None:
    assert gameroom.run("migrate").returncode == 0
    with sqlite3.connect(tmp_path / "data" / "gameroom.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert "newer version" in gameroom.refused("serve")
    assert "newer version" in gameroom.refused("migrate")


def test_a_setting_that_cannot_be_read(gameroom: Runner, tmp_path: Path) -> None:
    assert gameroom.refused("serve", GAMEROOM_GRACE_MS="soon").startswith("GAMEROOM_GRACE_MS: ")
    (tmp_path / ".env").write_text("GAMEROOM_PRT=1\n")
    assert gameroom.refused("serve") == "GAMEROOM_PRT is no setting; did you mean GAMEROOM_PORT?"


# --- the other commands ---------------------------------------------------------------------------------------


def test_migrate_makes_the_database_and_may_be_repeated(gameroom: Runner, tmp_path: Path) -> None:
    first, second = gameroom.run("migrate"), gameroom.run("migrate")
    assert (first.returncode, first.stderr) == (0, "")
    assert str(tmp_path / "data" / "gameroom.db") in first.stdout
    assert second.stdout == first.stdout


def test_games_lists_the_built_in_ones_and_ours(gameroom: Runner, tmp_path: Path) -> None:
    source = GAME.format(name="One", word="one") + GAME.format(name="Two", word="two")
    (tmp_path / "pair.py").write_text(source)
    listed = gameroom.run("games", "pair.py:Two").stdout
    assert re.findall(r"^\S+", listed, re.MULTILINE) == ["relay", "tic-tac-toe", "two"]
    by_setting = gameroom.run("games", GAMEROOM_GAMES="pair.py:One").stdout
    assert re.findall(r"^\S+", by_setting, re.MULTILINE) == ["one", "relay", "tic-tac-toe"]


def test_settings_prints_the_example(gameroom: Runner) -> None:
    assert gameroom.run("settings").stdout == (ROOT / ".env.example").read_text()
