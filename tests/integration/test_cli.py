"""The command line as an operator sees it: what it prints, what it refuses, and real servers that end well."""

import json
import logging
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from gameroom.cli import main

ROOT = Path(__file__).parents[2]
DEADLINE_S = 30
GAMEROOM = [sys.executable, "-m", "gameroom.cli"]

GAME = """
from gameroom import Context, Game, GameState, action

class Nothing(GameState):
    pass

class {name}(Game[Nothing]):
    name = "{word}"
    min_players = max_players = 2

    def setup(self, ctx: Context) -> Nothing:
        return Nothing()

    @action
    def wait(self, state: Nothing, ctx: Context) -> None:
        pass
"""

ONE = GAME.format(name="One", word="one")
TWO = GAME.format(name="Two", word="two")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an environment without what a developer may have exported."""
    for name in os.environ:
        if name.startswith("GAMEROOM_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GAMEROOM_PORT", "0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], logging_restored: None) -> Callable[..., str]:
    """Run a command that must end with 2 and one line; the line."""

    def run(*arguments: str) -> str:
        code = main(arguments)
        out, err = capsys.readouterr()
        assert (code, out, err.count("\n")) == (2, "", 1), out + err
        return err.removeprefix("gameroom: ")

    return run


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must end well, and what it printed."""

    def run(*arguments: str) -> str:
        code = main(arguments)
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        return out

    return run


@pytest.fixture
def logging_restored() -> Iterator[None]:
    names = (None, "gameroom", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
    before = [(log := logging.getLogger(name), log.level, log.propagate, log.handlers[:]) for name in names]
    yield
    for log, level, propagate, handlers in before:
        log.setLevel(level)
        log.propagate, log.handlers = propagate, handlers


@contextmanager
def serving(*arguments: str) -> Iterator["Served"]:
    """`gameroom serve` as a process that listens; killed at the end if the test has not ended it."""
    with subprocess.Popen(
        [*GAMEROOM, "serve", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Served(process)
        finally:
            process.kill()


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


# --- a server that runs ---------------------------------------------------------------------------------------


def test_the_first_serve_says_where_things_are_and_ends_well(place: Path) -> None:
    data = place / ".gameroom"
    with serving() as served:
        assert httpx2.get(f"{served.base}/readyz").status_code == 200
        assert httpx2.get(f"{served.base}/docs").status_code == 200
        code, log = served.end()
    assert code == 0
    assert "Traceback" not in log
    for said in (data, ".gameroom/gameroom.db", data / "keys", f"{served.base}/docs"):
        assert str(said) in served.banner
    assert (data / "gameroom.db").exists()
    assert {key.stat().st_mode & 0o777 for key in (data / "keys").iterdir()} == {0o600}


def test_what_it_prints_can_be_pasted() -> None:
    with serving() as served:
        *script, create = served.indented()
        with subprocess.Popen(
            ["bash", "-ec", "\n".join(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as client:
            assert client.stdin
            assert client.stdout
            client.stdin.write(f"{create}\n")
            client.stdin.flush()
            reply = next(line for line in client.stdout if "REPLY" in line)
            client.communicate(timeout=DEADLINE_S)
        assert '"command":"CREATE_GAME_ROOM_GROUP"' in reply
        assert client.returncode == 0


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_open_sockets_do_not_keep_it_from_ending(sig: signal.Signals) -> None:
    with serving() as served, connect(served.base.replace("http", "ws") + "/ws"):
        code, log = served.end(sig)
    assert code == 0
    assert "Traceback" not in log


def test_players_are_told_before_their_sockets_are_closed() -> None:
    with serving() as served:
        token = httpx2.post(f"{served.base}/api/v1/auth/guest", json={}).json()["tokens"]["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        with connect(served.base.replace("http", "ws") + "/ws", additional_headers=bearer) as client:
            assert "WELCOME" in client.recv(DEADLINE_S)
            code, _ = served.end()
            assert "SERVER_DRAINING" in client.recv(DEADLINE_S)
            with pytest.raises(ConnectionClosed) as closed:
                while client.recv(DEADLINE_S):
                    pass
    assert code == 0
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4004


def test_no_ticket_and_no_token_reaches_the_log_even_when_it_tells_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GAMEROOM_LOG_LEVEL", "debug")
    with serving() as served:
        tokens = httpx2.post(f"{served.base}/api/v1/auth/guest", json={}).json()["tokens"]
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        ticket = httpx2.post(f"{served.base}/api/v1/auth/ws-ticket", headers=bearer).json()["ticket"]
        socket_url = f"{served.base.replace('http', 'ws')}/ws?ticket={ticket}"
        with connect(socket_url) as client:
            assert json.loads(client.recv(DEADLINE_S))["type"] == "WELCOME"
        with pytest.raises(InvalidStatus):
            connect(socket_url)
        _, log = served.end()
    assert "message=draining" in log
    for secret in (ticket, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in log


def test_stock_uvicorn_runs_it_too_and_logs_no_ticket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "uvicorn", "gameroom.main:app", "--app-dir", ROOT / "backend"]
    with subprocess.Popen([*command, "--port", port], stderr=subprocess.PIPE, text=True) as process:
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


def test_a_variable_that_is_no_setting_is_warned_of_and_the_server_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GAMEROOM_GRACEMS", "s3cret")
    with serving() as served:
        _, log = served.end()
    assert 'level=warning logger=gameroom.cli.serving message="GAMEROOM_GRACEMS is no setting; did you' in log
    assert "s3cret" not in log


# --- what an operator can mend --------------------------------------------------------------------------------


def test_the_process_ends_with_2_and_one_line(place: Path) -> None:
    (place / "game.py").write_text("class Broken(:\n")
    run = subprocess.run([*GAMEROOM, "serve", "game.py"], capture_output=True, text=True, timeout=DEADLINE_S)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "gameroom: game.py, line 1: invalid syntax\n"


def test_a_port_in_use(refused: Callable[..., str], place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused("serve", "--port", str(port))
    assert line.startswith(f"cannot listen on 127.0.0.1, port {port}: another program listens there")
    assert not (place / ".gameroom").exists()


@pytest.mark.parametrize("port", ["99999", "65536", "-1", "http", "8 0", "٨٠"])
def test_a_port_that_is_none_is_blamed_on_the_option(capsys: pytest.CaptureFixture[str], port: str) -> None:
    """Regression: GAMEROOM_PORT was blamed, which said nothing of the kind."""
    with pytest.raises(SystemExit) as end:
        main(["serve", f"--port={port}"])
    assert end.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == f"gameroom serve: error: argument --port: {port!r} is no port; ports go from 0 to 65535"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("class Broken(:\n", r"game\.py, line 1: invalid syntax"),
        ("\nimport no_such_thing\n", r"game\.py: line 2: .*No module named 'no_such_thing'"),
        ("x = 1\n", r"game\.py: there is no game"),
        (ONE + TWO, r"game\.py: there are several games, One and Two: name one"),
        (ONE.replace("@action", ""), r"game\.py: One has no action"),
        (None, r"game\.py.*No such file"),
        (ONE.replace('"one"', '"relay"'), r"relay"),
    ],
    ids=["syntax", "import", "no game", "two games", "not a game yet", "missing", "name taken"],
)
@pytest.mark.parametrize("command", ["serve", "games"])
def test_a_game_file_that_cannot_be_loaded(
    refused: Callable[..., str], place: Path, command: str, source: str | None, sentence: str
) -> None:
    if source is not None:
        (place / "game.py").write_text(source)
    assert re.search(sentence, refused(command, "game.py"))


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_data_folder_that_cannot_be_written(refused: Callable[..., str], place: Path, command: str) -> None:
    (place / "file").touch()
    line = refused(command, "--data-dir", "file/data")
    assert line == f"cannot write in {place}/file/data: Not a directory\n"


def test_a_database_in_use_by_another_server(refused: Callable[..., str]) -> None:
    with serving() as served:
        in_use = f"in use by another server (process {served.process.pid})"
        assert in_use in refused("serve")
        assert in_use in refused("migrate")


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_file_that_is_no_database(refused: Callable[..., str], place: Path, command: str) -> None:
    (place / "not.db").write_bytes(b"x" * 10_000)
    assert "not.db is not a database" in refused(command, "--database-url", "sqlite:///not.db")
    assert (place / "not.db").read_bytes() == b"x" * 10_000


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_database_of_a_newer_version(
    refused: Callable[..., str], printed: Callable[..., str], place: Path, command: str
) -> None:
    printed("migrate")
    with closing(sqlite3.connect(place / ".gameroom" / "gameroom.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer version" in refused(command)


def test_a_setting_that_cannot_be_read(
    refused: Callable[..., str], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / ".env").write_text("GAMEROOM_GRACE=1\n")
    assert refused("serve") == "GAMEROOM_GRACE is no setting; did you mean GAMEROOM_GRACE_MS?\n"
    (place / ".env").unlink()
    monkeypatch.setenv("GAMEROOM_GRACE_MS", "soon")
    assert refused("serve").startswith("GAMEROOM_GRACE_MS: Input should be a valid integer")


# --- the other commands ---------------------------------------------------------------------------------------


def test_migrate_makes_the_database_and_may_be_repeated(printed: Callable[..., str], place: Path) -> None:
    first = printed("migrate")
    assert ".gameroom/gameroom.db has schema" in first
    assert (place / ".gameroom" / "gameroom.db").exists()
    assert printed("migrate") == first


def test_games_lists_the_built_in_ones_and_ours(
    printed: Callable[..., str], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "pair.py").write_text(ONE + TWO)
    assert printed("games", "pair.py:Two").splitlines() == [
        "relay 1: Relay, 1 to 1000 players",
        "  actions   send",
        "  settings  none",
        "tic-tac-toe 1: Tic-tac-toe, 2 players",
        "  actions   place",
        "  settings  none",
        "two 1: Two, 2 players",
        "  actions   wait",
        "  settings  none",
    ]
    monkeypatch.setenv("GAMEROOM_GAMES", "pair.py:One")
    assert "one 1: One, 2 players" in printed("games").splitlines()


def packaged(place: Path, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    """An installed package of that name offers a game."""
    described = place / "pair-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: pair\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(f"[gameroom.games]\none = {entry}\n")
    monkeypatch.syspath_prepend(place)


def test_games_of_installed_packages_are_there(
    printed: Callable[..., str], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "pair_of_a_package.py").write_text(ONE + TWO)
    packaged(place, monkeypatch, "pair_of_a_package:Two")
    assert "two 1: Two, 2 players" in printed("games").splitlines()


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (
            "no_such_package:Two",
            "no_such_package:Two: ModuleNotFoundError: No module named 'no_such_package'",
        ),
        ("json:loads", "json:loads: <function loads at .*> is no game"),
    ],
)
def test_a_packaged_game_that_cannot_be_loaded(
    refused: Callable[..., str], place: Path, monkeypatch: pytest.MonkeyPatch, entry: str, says: str
) -> None:
    packaged(place, monkeypatch, entry)
    assert re.match(says, refused("games"))


def test_games_tells_what_can_be_done_and_chosen(printed: Callable[..., str]) -> None:
    shown = printed("games", str(ROOT / "examples" / "liars_dice.py")).splitlines()
    at = shown.index("liars-dice 1: Liar's dice, 2 to 6 players")
    assert shown[at + 1 : at + 3] == ["  actions   bid, challenge", "  settings  dice, turn_seconds"]


def test_settings_prints_the_example(printed: Callable[..., str]) -> None:
    assert printed("settings") == (ROOT / ".env.example").read_text()


@pytest.mark.parametrize(("command", "word"), [("openapi", "paths"), ("asyncapi", "channels")])
def test_a_document_is_printed_the_same_each_time_and_leaves_nothing_behind(
    printed: Callable[..., str], place: Path, command: str, word: str
) -> None:
    document = printed(command)
    assert json.loads(document)[word]
    assert printed(command) == document
    assert list(place.iterdir()) == []
