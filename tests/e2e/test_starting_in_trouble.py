"""`gameroom serve` where something is wrong: a clear line, an exit code, no traceback; and whoever runs goes on."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import Servers
from tests.kit.people import People
from tests.kit.server import NotStarted, Server
from tests.kit.tables import play

SQLITE_MAGIC = b"SQLite format 3\x00"


def database_of(server: Server) -> Path:
    """The SQLite file in the data directory."""
    found = [path for path in server.data_dir.rglob("*") if path.is_file() and _is_sqlite(path)]
    assert len(found) == 1, found
    return found[0]


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def refusal_of(server: Server) -> NotStarted:
    """What `serve` says when it will not start, in a few lines that are no traceback."""
    with pytest.raises(NotStarted) as refused:
        server.start()
    assert refused.value.exit_code not in (0, -9)
    output = refused.value.output
    assert "Traceback" not in output
    assert 1 <= len(output.strip().splitlines()) <= 5, output
    return refused.value


def test_a_port_in_use(server: Server, tmp_path: Path) -> None:
    second = Server(tmp_path)
    second.port = server.port
    assert str(server.port) in refusal_of(second).output


async def test_a_database_that_another_server_holds(servers: Servers) -> None:
    first = servers.start()
    people = People(first)
    game = await play(people)
    second = Server(first.data_dir.parent / "second")
    second.data_dir = first.data_dir
    await asyncio.to_thread(refusal_of, second)
    await game.place(0, 4)
    await people.verify()
    await people.close()


def test_a_corrupt_database(servers: Servers) -> None:
    server = servers.start()
    server.terminate()
    database = database_of(server)
    database.write_bytes(b"this is no database" * 1000)
    for leftover in database.parent.glob(database.name + "-*"):
        leftover.unlink()
    assert str(database.name) in refusal_of(server).output
    assert database.read_bytes().startswith(b"this is no database")


def test_a_database_of_a_newer_version(servers: Servers) -> None:
    server = servers.start()
    server.terminate()
    with sqlite3.connect(database_of(server)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert "newer" in refusal_of(server).output


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("def broken(:\n", "broken.py"),
        ("x = 1\n", "broken.py"),
        ("import a_module_that_does_not_exist\n", "a_module_that_does_not_exist"),
        ("raise RuntimeError('no luck')\n", "no luck"),
        (None, "broken.py"),
    ],
    ids=["syntax", "no-game", "import", "raises", "missing"],
)
def test_an_unreadable_game_file(tmp_path: Path, source: str | None, hint: str) -> None:
    game = tmp_path / "broken.py"
    if source is not None:
        game.write_text(source)
    assert hint in refusal_of(Server(tmp_path / "server", game)).output


def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    refusal_of(Server(tmp_path))


def test_the_second_start_finds_what_the_first_made(servers: Servers) -> None:
    server = servers.start()
    keys = sorted(path.name for path in server.data_dir.rglob("*.pem"))
    server.terminate()
    server.start()
    assert sorted(path.name for path in server.data_dir.rglob("*.pem")) == keys
    assert all(path.stat().st_mode & 0o077 == 0 for path in server.data_dir.rglob("*.pem"))
