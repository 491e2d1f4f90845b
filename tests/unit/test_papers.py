"""The papers tell the truth: what they name exists, what they show as JSON is what the code reads and writes."""

import json
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from msgspec import Raw, Struct
from packaging.requirements import Requirement

from gameroom.api.auth import auth_router
from gameroom.api.games import games_router
from gameroom.api.limits import SignInLimitPolicy, SignInLimits
from gameroom.api.ops import ops_router
from gameroom.api.rooms import RoomCalls, rooms_router
from gameroom.api.users import users_router
from gameroom.errors import GameroomError
from gameroom.games.registry import Games
from gameroom.gateway import closing
from gameroom.gateway.closing import Closing
from gameroom.identity.identity import Identity
from gameroom.identity.keys import Jwks
from gameroom.protocol import answers
from gameroom.protocol.codec import CommandRefused, decode_command
from gameroom.protocol.codes import CloseCode
from gameroom.protocol.commands import COMMANDS
from gameroom.protocol.events import EVENTS, EventFrame, HiddenRun
from gameroom.settings import Settings
from gameroom.testkit import Table
from tests.source_names import names_in

Frame = dict[str, Any]

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "backend" / "gameroom"
PROTOCOL = ROOT / "docs" / "protocol.md"
GUIDE = ROOT / "docs" / "writing-a-game.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
README = ROOT / "README.md"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAPERS = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def named(paper: Path) -> str:
    return str(paper.relative_to(ROOT))


each_paper = pytest.mark.parametrize("paper", PAPERS, ids=named)
each_decision = pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)


# --- what is named exists -------------------------------------------------------------------------------------

REFERENCE = re.compile(r"`([\w/.]+\.py)(?:: ([\w.]+))?`")
"""`gateway/hub.py: Hub.listen`, or the file alone; from the source root, or from the repository's."""

LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")


def file_of(name: str) -> Path:
    inside = SOURCE / name
    return inside if inside.exists() else ROOT / name


@each_paper
def test_every_reference_into_the_source_resolves(paper: Path) -> None:
    for name, symbol in REFERENCE.findall(paper.read_text()):
        if "NNNN" in name or ("/" not in name and not (SOURCE / name).exists()):
            continue  # a file of the reader's own, such as my_game.py
        assert file_of(name).is_file(), name
        assert not symbol or symbol in names_in(file_of(name)), f"{name}: {symbol}"


def test_the_architecture_names_functions() -> None:
    assert sum(bool(symbol) for _, symbol in REFERENCE.findall(ARCHITECTURE.read_text())) > 50


def anchors_of(paper: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", paper.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_paper
def test_every_link_leads_somewhere(paper: Path) -> None:
    for target, anchor in LINK.findall(paper.read_text()):
        destination = (paper.parent / target) if target else paper
        assert destination.exists(), target
        assert not anchor or anchor in anchors_of(destination), f"{target}#{anchor}"


def test_the_bounds_of_the_architecture_are_those_of_the_code() -> None:
    """`| what | 256 | what happens | `file.py: CONSTANT` |`"""
    row = r"^\|[^|]+\| ([\d,]+(?: [KM]iB)?)\b[^|]*\|[^|]+\|[^|]*`([\w/]+)\.py: ([\w.]+)`[^|]*\|$"
    rows = re.findall(row, ARCHITECTURE.read_text(), re.MULTILINE)
    assert len(rows) > 15
    for value, module, symbol in rows:
        assert value_of(module, symbol) == number_of(value), f"{module}.py: {symbol}"


def number_of(text: str) -> int:
    number, _, unit = text.replace(",", "").partition(" ")
    return int(number) * {"": 1, "KiB": 1024, "MiB": 1024**2}[unit]


def value_of(module: str, symbol: str) -> object:
    holder: Any = import_module("gameroom." + module.replace("/", "."))
    *classes, last = symbol.split(".")
    for name in classes:
        holder = getattr(holder, name)
    if holder is Settings:
        return Settings.model_fields[last].default
    return getattr(holder, last)


# --- the wire -------------------------------------------------------------------------------------------------

FRAMES: dict[str, type[Struct]] = {
    "REPLY": answers.Reply,
    "ERROR": answers.Error,
    "WELCOME": answers.Welcome,
    "TOKEN_EXPIRING": answers.TokenExpiring,
    "SERVER_DRAINING": answers.ServerDraining,
    "DETACHED": answers.Detached,
    "LOBBY_CHANGED": answers.LobbyChanged,
    "HIDDEN": HiddenRun,
    **dict.fromkeys(EVENTS, EventFrame),
}

DATA: dict[str, type[Struct]] = {
    "AUTHENTICATE": answers.Authenticated,
    "PING": answers.Pong,
    "CREATE_GAME_ROOM_GROUP": answers.RoomData,
    "GET_GAME_ROOM_GROUP": answers.RoomData,
    "JOIN_GAME_ROOM_GROUP": answers.Joined,
    "SET_ROLE": answers.Seated,
    "START_GAME": answers.Started,
    "SEND_CHAT": answers.ChatSent,
    "SUBSCRIBE_LOBBY": answers.LobbyRooms,
}
"""What is in the `data` of replies; those of other commands hold nothing, or what the game says."""

MALFORMED_ON_PURPOSE = {"GAME_ACTIN"}


def frames_in(paper: Path) -> list[Frame]:
    """The JSON objects with a `type` that stand at the start of a line, or after an arrow (`Ada → {…}`)."""
    found = re.finditer(r'^(?:\w+ [→←] )?(?={"type")', paper.read_text(), re.MULTILINE)
    return [frame for at in found if (frame := frame_at(paper.read_text(), at.end()))]


def frame_at(text: str, start: int) -> Frame | None:
    """None for a frame that is shown because it is no JSON."""
    try:
        return cast(Frame, json.JSONDecoder().raw_decode(text, start)[0])
    except json.JSONDecodeError:
        assert text[start:].partition("\n")[0] == '{"type": "GAME_ACTION", "id": "a9"'
        return None


def commands_in(paper: Path) -> list[Frame]:
    """What is no frame of the server, and no problem of REST, whose `type` is a URN."""
    frames = frames_in(paper)
    return [each for each in frames if each["type"] not in FRAMES and not each["type"].startswith("urn:")]


@pytest.mark.parametrize("paper", [README, PROTOCOL], ids=named)
def test_every_command_that_is_shown_can_be_sent(paper: Path) -> None:
    commands = commands_in(paper)
    assert len(commands) > 5
    for command in commands:
        if command["type"] not in MALFORMED_ON_PURPOSE:
            decode_command(json.dumps(command))


def test_the_frames_of_the_guide_for_authors_are_sound() -> None:
    frames = frames_in(GUIDE)
    assert {frame["type"] for frame in frames} == {"CREATE_GAME_ROOM_GROUP", "GAME_ACTION", "ERROR"}
    for frame in frames:
        if frame["type"] in FRAMES:
            assert_shape(frame, FRAMES[frame["type"]])
        else:
            decode_command(json.dumps(frame))


def test_what_is_shown_as_a_mistake_is_one() -> None:
    with pytest.raises(CommandRefused):
        decode_command('{"type": "GAME_ACTIN", "id": "a8"}')


def test_every_command_is_shown() -> None:
    assert COMMANDS.keys() - {command["type"] for command in commands_in(PROTOCOL)} == set()


def test_every_frame_that_is_shown_has_the_shape_that_the_server_sends() -> None:
    frames = [frame for frame in frames_in(PROTOCOL) if frame["type"] in FRAMES]
    assert len(frames) > 30
    for frame in frames:
        assert_shape(frame, FRAMES[frame["type"]])
        if frame["type"] in EVENTS:
            assert_shape(frame["data"], EVENTS[frame["type"]])
        elif frame["type"] == "REPLY" and frame["command"] in DATA:
            assert_shape(frame["data"], DATA[frame["command"]])


def assert_shape(shown: Frame, shape: type[Struct]) -> None:
    """All fields that are required are there, none is unknown, and each has its type."""
    read = msgspec.json.decode(json.dumps(shown), type=shape)
    assert json.loads(msgspec.json.encode(read)) == shown


def test_a_frame_of_another_shape_is_noticed() -> None:
    with pytest.raises(AssertionError):
        assert_shape({"type": "DETACHED", "room_id": "r-1", "reason": "left", "more": 1}, answers.Detached)
    with pytest.raises(msgspec.ValidationError):
        assert_shape({"type": "DETACHED", "reason": "left"}, answers.Detached)
    assert_shape({"type": "REPLY", "id": None, "command": "PING", "data": {}}, answers.Reply)
    assert Raw in {field.type for field in msgspec.structs.fields(answers.Reply)}


def prose_of(paper: Path) -> str:
    """The text without what stands in fences."""
    return re.sub(r"^```.*?^```$", "", paper.read_text(), flags=re.MULTILINE | re.DOTALL)


def all_errors(root: type[GameroomError] = GameroomError) -> Iterator[type[GameroomError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from all_errors(kind)


def test_the_protocol_names_all_that_may_be_sent() -> None:
    assert (COMMANDS.keys() | FRAMES.keys()) - set(re.findall(r"\w+", prose_of(PROTOCOL))) == set()


def test_the_protocol_lists_every_error_with_its_status() -> None:
    for error in set(all_errors()):
        assert re.search(rf"^\| `{error.code}` \| {error.status}\b", PROTOCOL.read_text(), re.MULTILINE), (
            error
        )


def test_the_protocol_lists_every_close_code() -> None:
    listed = set(map(int, re.findall(r"^\| (\d{4}) \|", PROTOCOL.read_text(), re.MULTILINE)))
    assert listed == {int(code) for code in CloseCode}


def test_the_protocol_names_every_reason_for_a_close() -> None:
    closings = [value for value in vars(closing).values() if isinstance(value, Closing)]
    reasons = {each.reason for each in (*closings, *closing.OF_DETACHED.values())}
    assert len(reasons) > 8
    assert reasons - set(re.findall(r"`(\w+)`", prose_of(PROTOCOL))) == set()


def test_the_protocol_lists_every_call() -> None:
    routers = (
        auth_router(cast(Identity, None), SignInLimits(SignInLimitPolicy())),
        users_router(cast(Identity, None), SignInLimits(SignInLimitPolicy())),
        games_router(Games([])),
        rooms_router(RoomCalls(**dict.fromkeys(RoomCalls.__dataclass_fields__))),
        ops_router(Jwks([]), lambda: None),
    )
    calls = {
        f"{method} {path.removeprefix('/api/v1')}"
        for router in routers
        for route in router.routes
        for method, path in [(min(vars(route)["methods"]), vars(route)["path"])]
        if method != "HEAD"  # what GET gives, without its body
    }
    assert len(calls) > 8
    listed = set(re.findall(r"^\| `([A-Z]+ /[\w./{}-]+)`", PROTOCOL.read_text(), re.MULTILINE))
    assert listed == calls


# --- the README -----------------------------------------------------------------------------------------------


def test_the_game_of_the_readme_can_be_played() -> None:
    [source] = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    namespace: dict[str, Any] = {"__name__": "count"}
    exec(compile(source, "count", "exec"), namespace)  # noqa: S102  # the document is ours
    table = Table(namespace["CountTo21"])
    for turn in range(7):
        table.act(turn % 2, "add", number=3)
    assert table.result == {"loser": 0}


def test_the_papers_run_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for paper in PAPERS:
        used = set(re.findall(r"(?:^ +|`)make ([a-z-]+)", paper.read_text(), re.MULTILINE))
        assert used <= targets, named(paper)


def test_settings_are_called_by_their_names() -> None:
    variables = {f"GAMEROOM_{name.upper()}" for name in Settings.model_fields}
    for paper in PAPERS:
        assert set(re.findall(r"GAMEROOM_[A-Z]\w+", paper.read_text())) <= variables, named(paper)


# --- the decisions --------------------------------------------------------------------------------------------


def test_decisions_are_numbered_without_gaps() -> None:
    assert [path.name[:4] for path in DECISIONS] == [
        f"{number:04}" for number in range(1, len(DECISIONS) + 1)
    ]


@each_decision
def test_a_decision_says_why_what_and_what_else(decision: Path) -> None:
    headings = re.findall(r"^## (.*)$", decision.read_text(), re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences", "Alternatives"]
    assert f"# {int(decision.name[:4])}. " in decision.read_text().partition("\n")[0]


def test_every_dependency_has_its_reason() -> None:
    [paper] = [path for path in DECISIONS if "dependencies" in path.name]
    given = set(re.findall(r"^- `([\w-]+)", paper.read_text(), re.MULTILINE))
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert given == {Requirement(each).name for each in declared}
