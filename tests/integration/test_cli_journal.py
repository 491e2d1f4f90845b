"""`gameroom journal` and `gameroom replay` as an operator sees them who is tired and mistypes."""

import asyncio
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gameroom.bus.local import LocalBus
from gameroom.cli import main, parser, replay
from gameroom.clock import SystemClock
from gameroom.games.registry import Games, load_game
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import CloseRoom, CreateRoom, JoinRoom, RoomCommand
from gameroom.rooms.local import LocalRooms
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.records import hash_of
from gameroom.rooms.rooms import Answer, Card, Outcome, Request, Sender
from gameroom.storage import migrate, sqlite
from gameroom.storage.cards import SqlCards
from gameroom.storage.engine import Database
from gameroom.storage.journal import SqlJournal
from gameroom.storage.placement import SqlPlacement

ROOM = "01a20d2d-0000-7000-8000-000000000000"
CLOSED = "01a20d2d-0000-7000-8000-00000000000c"
NOWHERE = "01a20d2d-0000-7000-8000-00000000dead"

Refused = Callable[..., str]
Printed = Callable[..., list[str]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of two rooms, one of them closed; nobody has it open."""
    file = tmp_path_factory.mktemp("played") / "gameroom.db"
    migrate.upgrade(f"sqlite:///{file}")
    asyncio.run(play_a_little(f"sqlite:///{file}"))
    return file


@pytest.fixture(autouse=True)
def place(tmp_path: Path, played: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a copy of the database, and no settings of a developer's own."""
    for name in os.environ:
        if name.startswith("GAMEROOM_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".gameroom").mkdir()
    shutil.copy(played, tmp_path / ".gameroom")
    return tmp_path


async def play_a_little(url: str) -> None:
    database = Database.open(url)
    journal = SqlJournal(database)
    rooms = LocalRooms(
        home="a-node",
        games=Games([load_game(TicTacToe)]),
        journal=journal,
        placement=SqlPlacement(database),
        bus=LocalBus(),
        cards=SqlCards(database),
        clock=SystemClock(),
        policy=RoomPolicy(),
    )
    for room_id in (ROOM, CLOSED):
        await ask(rooms, room_id, "ann", CreateRoom(game="tic-tac-toe"))
        await ask(rooms, room_id, "bob", JoinRoom())
    await ask(rooms, CLOSED, "ann", CloseRoom())
    await rooms.stop()
    await journal.close()
    await database.close()


async def ask(rooms: LocalRooms, room_id: str, user: str, command: RoomCommand | CreateRoom) -> None:
    """As somebody without a socket, on REST."""
    told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    sender = Sender(user_id=user, card=Card(user, None))
    rooms.submit(Request(room_id=room_id, sender=sender, command=command), told.set_result)
    outcome = await asyncio.wait_for(told, 10)
    assert isinstance(outcome, Answer), outcome


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must end with 2 and one line; the line."""

    def run(*arguments: str) -> str:
        code = main(arguments)
        out, err = capsys.readouterr()
        assert (code, out, err.count("\n")) == (2, "", 1), out + err
        return err.removeprefix("gameroom: ").rstrip("\n")

    return run


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """Run a command that must end well, and the lines that it printed."""

    def run(*arguments: str) -> list[str]:
        code = main(arguments)
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        return out.splitlines()

    return run


# --- what goes wrong ------------------------------------------------------------------------------------------

TOOLS = [
    ("journal", "verify"),
    ("journal", "verify", ROOM),
    ("journal", "export", ROOM),
    ("journal", "new-epoch", ROOM),
    ("journal", "new-epoch", "--all"),
    ("replay", ROOM),
]
each_tool = pytest.mark.parametrize("tool", TOOLS, ids=" ".join)


@each_tool
def test_a_database_that_is_not_there_is_named_and_not_made(
    refused: Refused, place: Path, tool: tuple[str]
) -> None:
    elsewhere = place / "elsewhere"
    said = refused(*tool, "--data-dir", str(elsewhere))
    assert said.startswith(f"There is no database {elsewhere / 'gameroom.db'}; ")
    assert not elsewhere.exists()


@each_tool
def test_a_database_of_a_newer_version(refused: Refused, place: Path, tool: tuple[str]) -> None:
    with closing(sqlite3.connect(place / ".gameroom" / "gameroom.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "belongs to a newer version of gameroom" in refused(*tool)


@each_tool
def test_a_database_that_is_none(refused: Refused, place: Path, tool: tuple[str]) -> None:
    (place / ".gameroom" / "gameroom.db").write_text("none " * 2000)
    assert refused(*tool) == ".gameroom/gameroom.db is not a database"


@each_tool
def test_a_room_that_is_not_there(refused: Refused, tool: tuple[str]) -> None:
    if ROOM in tool:
        said = refused(*(NOWHERE if word == ROOM else word for word in tool))
        assert said == f"there is no room {NOWHERE}: it was never made, or was removed after it was closed"


@each_tool
def test_a_wrong_option_is_explained(capsys: pytest.CaptureFixture[str], tool: tuple[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*tool, "--wrong"])
    assert ended.value.code == 2
    assert "usage: gameroom" in capsys.readouterr().err


def test_a_closed_room_has_no_new_epoch(refused: Refused) -> None:
    assert refused("journal", "new-epoch", ROOM, CLOSED) == (
        f"the room {CLOSED} is closed: nobody plays there any more"
    )


def test_no_epoch_begins_beside_a_server(refused: Refused, place: Path) -> None:
    with sqlite.locked(place / ".gameroom" / "gameroom.db"):
        said = refused("journal", "new-epoch", "--all")
    assert said.startswith(".gameroom/gameroom.db is in use by another server (process ")


def test_which_rooms_get_an_epoch_must_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["journal", "new-epoch"])
    assert "one of the arguments ROOM_ID --all is required" in capsys.readouterr().err


@pytest.mark.parametrize("seq", ["0", "4", "-1"])
def test_a_moment_that_never_was(refused: Refused, seq: str) -> None:
    assert refused("replay", ROOM, f"--seq={seq}") == f"the room has no event {seq}: they go from 1 to 2"


@pytest.mark.parametrize("viewer", ["--seat=5", "--user=eve"])
def test_who_was_not_there_saw_nothing(refused: Refused, viewer: str) -> None:
    said = refused("replay", ROOM, viewer)
    assert said == "nobody looked from there at seq 2: the seat was empty, or the user not in"


def test_a_game_that_is_not_loaded_is_named(refused: Refused, place: Path) -> None:
    change(place, "UPDATE rooms SET game = 'chess'")
    assert refused("replay", ROOM) == (
        "the room plays chess, which is not loaded: name its file, such as --game my_game.py"
    )


def test_a_damaged_past_is_not_shown(refused: Refused, place: Path) -> None:
    change(place, "UPDATE records SET hash = x'00' WHERE seq = 1")
    assert refused("replay", ROOM, "--seq", "1") == (
        f"the bytes at seq 1 do not fit their hash; see gameroom journal verify {ROOM}"
    )


def test_no_epoch_begins_in_a_damaged_room_but_in_the_others(
    capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    change(place, "UPDATE rooms SET status = 'waiting' WHERE room_id = ?", CLOSED)
    change(place, "UPDATE records SET hash = x'00' WHERE room_id = ?", ROOM)
    code = main(["journal", "new-epoch", "--all"])
    out, err = capsys.readouterr()
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        f"{ROOM}: the bytes at seq 2 do not fit their hash; no epoch begins: gameroom journal verify {ROOM}",
        f"{CLOSED}: epoch 2 begins at seq 4",
        "new epochs began in 1 room",
    ]


def change(place: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(place / ".gameroom" / "gameroom.db")) as database, database:
        database.execute(statement, values)


# --- what goes right ------------------------------------------------------------------------------------------


def test_verify_says_what_it_has_checked(printed: Printed) -> None:
    assert printed("journal", "verify") == ["checked 2 rooms, 5 records, 2 snapshots: nothing is wrong"]
    assert printed("journal", "verify", CLOSED) == ["checked 1 room, 3 records, 1 snapshot: nothing is wrong"]


def test_verify_says_what_it_could_not_check(printed: Printed, place: Path) -> None:
    exchange_game(place)
    assert printed("journal", "verify")[1:] == [
        "missing records were not looked for in rooms of tac-toe-tic: load the game with --game"
    ]


def test_verify_says_which_rooms_go(printed: Printed, place: Path) -> None:
    change(place, "DELETE FROM records WHERE room_id = ? AND seq = 1", CLOSED)
    assert printed("journal", "verify")[1:] == ["1 closed room being removed just now, as retention says"]


def exchange_game(place: Path) -> None:
    """As if another game, with a name as long, had been played: the hashes fit."""
    with closing(sqlite3.connect(place / ".gameroom" / "gameroom.db")) as database, database:
        database.execute("UPDATE rooms SET game = 'tac-toe-tic'")
        database.create_function("hash_of", 1, lambda body: hash_of(bytes(body)))
        database.create_function(
            "renamed", 1, lambda body: bytes(body).replace(b'"game":"tic-tac-toe"', b'"game":"tac-toe-tic"')
        )
        database.execute(
            "UPDATE records SET body = renamed(body), hash = hash_of(renamed(body)), input_hash = NULL"
        )


def test_export_prints_a_line_for_each_record(printed: Printed) -> None:
    lines = [json.loads(line) for line in printed("journal", "export", CLOSED)]
    assert [line["kind"] for line in lines] == ["MEMBER_JOINED", "MEMBER_JOINED", "GAME_ROOM_GROUP_CLOSED"]


def test_a_new_epoch_is_announced(printed: Printed) -> None:
    begins = [f"{ROOM}: epoch 2 begins at seq 3", "new epochs began in 1 room"]
    assert printed("journal", "new-epoch", "--all") == begins
    assert printed("journal", "new-epoch", ROOM)[0] == f"{ROOM}: epoch 3 begins at seq 4"
    assert printed("journal", "verify", ROOM) == ["checked 1 room, 4 records, 1 snapshot: nothing is wrong"]


def test_a_replay_shows_one_moment(printed: Printed) -> None:
    shown = json.loads("\n".join(printed("replay", ROOM, "--seq", "1", "--seat", "0")))
    assert (shown["seq"], shown["epoch"], shown["user_id"], shown["seat"]) == (1, 1, "ann", None)
    assert shown["view"]["members"].keys() == {"ann"}


def test_what_is_behind_a_snapshot_is_shown_though_what_is_before_it_is_damaged(
    printed: Printed, place: Path
) -> None:
    printed("journal", "new-epoch", ROOM)
    change(place, "UPDATE records SET hash = x'00' WHERE seq = 1")
    assert json.loads("\n".join(printed("replay", ROOM)))["epoch"] == 2
    assert [json.loads(line)["type"] for line in printed("replay", ROOM, "--from", "3")] == ["EPOCH_STARTED"]


def test_a_replay_plays_forward_all_at_once_when_piped(printed: Printed) -> None:
    events = [json.loads(line) for line in printed("replay", CLOSED, "--from", "2", "--seq", "2")]
    assert [(event["seq"], event["type"]) for event in events] == [(2, "MEMBER_JOINED")]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Who sits at it presses Enter once, and then Ctrl+D; what has been asked."""
    asked: list[str] = []

    def read(prompt: str = "") -> str:
        asked.append(prompt)
        if len(asked) > 1:
            raise EOFError
        return ""

    monkeypatch.setattr("builtins.input", read)
    monkeypatch.setattr(replay, "is_at_terminal", lambda: True)
    yield asked


def test_in_a_terminal_it_goes_on_with_enter(printed: Printed, terminal: list[str]) -> None:
    assert len(printed("replay", CLOSED, "--from", "1")) == 2
    assert len(terminal) == 2


@pytest.mark.parametrize("buffering", ["", "1"])
def test_whoever_has_seen_enough_may_go(buffering: str) -> None:
    """As `gameroom replay … | head` does: what is printed after that has no reader."""
    command = [sys.executable, "-m", "gameroom.cli", "journal", "export", CLOSED]
    environment = {**os.environ, "PYTHONUNBUFFERED": buffering}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


# --- what docs/operations.md says -----------------------------------------------------------------------------

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def test_one_room_can_be_taken_from_a_backup(printed: Printed, place: Path, played: Path) -> None:
    change(place, "UPDATE records SET hash = x'00' WHERE room_id = ?", ROOM)
    assert main(["journal", "verify"]) == 1
    [recipe] = re.findall(r"^```sql\n(.*?)^```$", OPERATIONS, re.MULTILINE | re.DOTALL)
    with closing(sqlite3.connect(place / ".gameroom" / "gameroom.db")) as database:
        database.executescript(recipe.replace("/backups/gameroom.db", str(played)).replace("ROOM_ID", ROOM))
    printed("journal", "new-epoch", ROOM)
    assert printed("journal", "verify") == ["checked 2 rooms, 6 records, 2 snapshots: nothing is wrong"]


def test_a_snapshot_can_be_deleted(printed: Printed, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(place, "UPDATE snapshots SET hash = x'00' WHERE room_id = ?", ROOM)
    assert main(["journal", "verify"]) == 1
    assert "delete the room's snapshot" in capsys.readouterr().out
    [statement] = re.findall(r'gameroom\.db "(DELETE .*)"$', OPERATIONS, re.MULTILINE)
    change(place, statement.replace("ROOM_ID", ROOM))
    assert printed("journal", "verify", ROOM) == ["checked 1 room, 2 records, 0 snapshots: nothing is wrong"]


def test_its_commands_are_commands() -> None:
    shown = re.findall(r"^gameroom (.*)$", OPERATIONS, re.MULTILINE)
    assert len(shown) > 12
    for line in shown:
        words = shlex.split(line.partition(" > ")[0])
        assert callable(parser().parse_args(words).run), line
