"""The papers tell the truth: what they name exists. What they show as JSON is for `test_examples.py`."""

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from gameroom.errors import ERRORS
from gameroom.gateway import closing
from gameroom.gateway.closing import Closing
from gameroom.protocol.asyncapi import asyncapi_document
from gameroom.protocol.codes import CloseCode
from gameroom.settings import Settings
from gameroom.testkit import Table
from tests.kit.documents import document
from tests.papers import PAPERS, PROTOCOL, README, ROOT, named
from tests.source_names import names_in

SOURCE = ROOT / "backend" / "gameroom"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


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


def prose_of(paper: Path) -> str:
    """The text without what stands in fences."""
    return re.sub(r"^```.*?^```$", "", paper.read_text(), flags=re.MULTILINE | re.DOTALL)


def test_the_protocol_names_all_that_may_be_sent() -> None:
    messages = asyncapi_document("1.0")["components"]["messages"]
    words = {message["name"] for message in messages.values()}
    assert words - set(re.findall(r"\w+", prose_of(PROTOCOL))) == set()


def test_the_protocol_lists_every_error_with_its_status() -> None:
    listed = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", PROTOCOL.read_text(), re.MULTILINE)
    assert dict(listed) == {code: str(error.status) for code, error in ERRORS.items()}


def test_the_protocol_lists_every_close_code() -> None:
    listed = set(map(int, re.findall(r"^\| (\d{4}) \|", PROTOCOL.read_text(), re.MULTILINE)))
    assert listed == {int(code) for code in CloseCode}


def test_the_protocol_names_every_reason_for_a_close() -> None:
    closings = [value for value in vars(closing).values() if isinstance(value, Closing)]
    reasons = {each.reason for each in (*closings, *closing.OF_DETACHED.values())}
    assert len(reasons) > 8
    assert reasons - set(re.findall(r"`(\w+)`", prose_of(PROTOCOL))) == set()


def test_the_protocol_lists_every_call() -> None:
    calls = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in document("openapi")["paths"].items()
        for method in methods
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
        assert set(re.findall(r"GAMEROOM_(?!TEST_)[A-Z]\w+", paper.read_text())) <= variables, named(paper)


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
