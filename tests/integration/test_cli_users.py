"""`gameroom users` as an operator sees it who is tired and mistypes. Beside a server: `test_operators`."""

import asyncio
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from gameroom.cli import main
from gameroom.identity.account import Account
from gameroom.storage import migrate, sqlite
from gameroom.storage.accounts import SqlAccounts
from gameroom.storage.engine import Database
from tests.contract.identity_stores import family, guest, user

Refused = Callable[..., str]
Printed = Callable[..., list[str]]

ADA = replace(user("Ada"), display_name="Ada \x1b[31mred\u202e")
GUS = guest()
DASH = user("-dash")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a database of three people, and no settings of a developer's own."""
    for name in os.environ:
        if name.startswith("GAMEROOM_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".gameroom").mkdir()
    url = f"sqlite:///{tmp_path / '.gameroom' / 'gameroom.db'}"
    migrate.upgrade(url)
    asyncio.run(store(url, ADA, GUS, DASH))
    return tmp_path


async def store(url: str, *people: Account) -> None:
    database = Database.open(url)
    for each in people:
        await SqlAccounts(database).add(each, None, family(each))
    await database.close()


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run `gameroom users` with arguments that are well formed and yet wrong; the one line that it says."""

    def run(*arguments: str) -> str:
        code = main(["users", *arguments])
        out, err = capsys.readouterr()
        assert (code, out, err.count("\n")) == (2, "", 1), out + err
        return err.removeprefix("gameroom: ").rstrip("\n")

    return run


@pytest.fixture
def misused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run it with arguments that cannot be read; the last line that it says."""

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as end:
            main(["users", *arguments])
        assert end.value.code == 2
        return capsys.readouterr().err.splitlines()[-1]

    return run


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """Run it so that it must end well; the lines that it prints."""

    def run(*arguments: str) -> list[str]:
        code = main(["users", *arguments])
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        return out.splitlines()

    return run


# --- what is done ---------------------------------------------------------------------------------------------


def test_an_account_is_shown_so_that_no_name_commands_the_terminal(printed: Printed) -> None:
    assert printed("show", "ADA") == [
        f"user id       {ADA.user_id}",
        "username      Ada",
        'display name  "Ada \\x1b[31mred\\u202e"',
        "roles         none",
        "suspended     no",
        "sign-ins      1",
        "made          2027-01-15T08:00:00.000Z",
    ]


def test_a_guest_is_shown_by_id(printed: Printed) -> None:
    assert printed("show", GUS.user_id)[1] == "username      none: a guest"


def test_a_name_that_begins_with_a_dash_comes_behind_two(printed: Printed) -> None:
    assert printed("show", "--", "-dash")[0] == f"user id       {DASH.user_id}"


def test_what_is_done_twice_says_that_it_was_so(printed: Printed) -> None:
    ada = f"Ada ({ADA.user_id})"
    out = "open sockets close within a second"
    twice = [
        (
            "grant",
            "admin",
            f"{ada} has the role admin now; an open socket has it once it connects or authenticates anew",
        ),
        ("grant", "admin", f"{ada} has the role admin already; nothing was changed"),
        ("revoke", "admin", f"{ada} has the role admin no more, and is signed out; {out}"),
        ("revoke", "admin", f"{ada} has no role admin; nothing was changed"),
    ]
    for command, role, said in twice:
        assert printed(command, "ada", role) == [said]
    assert printed("suspend", "ada") == [f"{ada} is suspended for good; {out}"]
    assert printed("reinstate", "ada") == [f"{ada} is not suspended any more, and may sign in again"]
    assert printed("reinstate", "ada") == [f"{ada} is not suspended; nothing was changed"]
    assert printed("sign-out", "ada") == [f"{ada} is signed out everywhere; {out}"]
    assert printed("show", "ada")[5] == "sign-ins      0"


@pytest.mark.parametrize(
    ("end", "until"),
    [
        (("--until", "2100-01-01"), "2100-01-01T00:00:00.000Z"),
        (("--until", "2100-01-01T12:00+02:00"), "2100-01-01T10:00:00.000Z"),
        (("--for", "3d"), None),
    ],
)
def test_a_suspension_says_its_end_in_utc(printed: Printed, end: tuple[str, str], until: str | None) -> None:
    (said,) = printed("suspend", GUS.user_id, *end)
    found = re.fullmatch(
        rf'"G" \({GUS.user_id}\) is suspended until (\S+); open sockets close within a second', said
    )
    assert found and until in (None, found[1])
    assert printed("show", GUS.user_id)[4] == f"suspended     until {found[1]}"


def test_a_later_suspension_takes_the_place_of_the_former(printed: Printed) -> None:
    printed("suspend", "ada", "--for", "2w")
    printed("suspend", "ada")
    assert printed("show", "ada")[4] == "suspended     for good"


# --- what goes wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who",
    ["bob", "019ab1c2-0000-7000-8000-000000000000", "G", "", "a b", "\x1b[31m", "é", "\udcff", "x" * 9_000],
)
def test_nobody_of_that_name(refused: Refused, who: str) -> None:
    said = refused("suspend", "--", who)
    assert said.endswith("; guests have no username, give their id") and said.isprintable()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("suspend",), "the following arguments are required: NAME_OR_ID"),
        (("grant", "ada"), "the following arguments are required: ROLE"),
        (("grant", "ada", "amdin"), "argument ROLE: invalid choice: 'amdin' (choose from "),
        (("suspend", "ada", "--for", "3y"), "argument --for: '3y' is no duration; write 90m, 12h, 3d or 2w"),
        (("suspend", "ada", "--until", "3d"), "argument --until: '3d' is no time; write 2026-12-24 or "),
        (("suspend", "ada", "--for", "3d", "--until", "2100-01-01"), "not allowed with argument --for"),
        (("reinstate", "ada", "--for", "3d"), "unrecognized arguments: --for 3d"),
    ],
    ids=str,
)
def test_wrong_use_is_told(misused: Refused, arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in misused(*arguments)


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (("--until", "2020-01-01"), "--until is over already: now it is 20"),
        (("--until", "0001-01-01T00:00+14:00"), "--until is over already: now it is 20"),
        (("--until", "9999-12-31T23:59-12:00"), "nothing ends after the year 9999"),
        (("--for", "999999w"), "nothing ends after the year 9999"),
    ],
)
def test_an_end_that_cannot_be(
    refused: Refused, printed: Printed, end: tuple[str, str], sentence: str
) -> None:
    assert sentence in refused("suspend", "ada", *end)
    assert printed("show", "ada")[4:6] == ["suspended     no", "sign-ins      1"]


def test_no_database_is_made(refused: Refused, place: Path) -> None:
    assert refused("show", "ada", "--data-dir", "nowhere").startswith(
        "There is no database nowhere/gameroom.db;"
    )
    assert not (place / "nowhere").exists()


def test_a_database_of_another_version(refused: Refused, place: Path) -> None:
    with closing(sqlite3.connect(place / ".gameroom" / "gameroom.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "schema 9999" in refused("show", "ada")


def test_a_database_that_another_process_holds(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.01)
    with closing(sqlite3.connect(place / ".gameroom" / "gameroom.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        assert main(["users", "suspend", "ada"]) == 2
    assert capsys.readouterr().err.endswith("gameroom.db is locked by another process\n")


def test_it_takes_no_lock_that_a_server_needs_or_has(printed: Printed, place: Path) -> None:
    with sqlite.locked(place / ".gameroom" / "gameroom.db"):
        printed("suspend", "ada")
