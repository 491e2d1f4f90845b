"""The examples of `docs/writing-a-game.md` and of the package's own docstring work as they are written."""

import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import gameroom
from gameroom.cli import main
from gameroom.games.registry import games_in, load_game
from gameroom.testkit import Table

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "writing-a-game.md"
EXAMPLE = ROOT / "examples" / "liars_dice.py"


def module_of(name: str, source: str) -> ModuleType:
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, name, "exec"), vars(module))  # noqa: S102  # the document is ours
    return module


BLOCKS = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


def stands_in_the_example(block: str) -> bool:
    """Whether the block is a piece of `examples/liars_dice.py`, perhaps less indented."""
    lines, piece = code_lines(EXAMPLE.read_text()), code_lines(block)
    return any(lines[at : at + len(piece)] == piece for at in range(len(lines)))


def code_lines(source: str) -> list[str]:
    return [line.strip() for line in source.splitlines() if line.strip()]


@pytest.fixture
def guide() -> Iterator[ModuleType]:
    """A module made of all that is no piece of the example, which other tests run."""
    yield module_of("guide", "\n".join(block for block in BLOCKS if not stands_in_the_example(block)))
    del sys.modules["guide"]


def test_the_guide_shows_the_example_and_more() -> None:
    pieces = [block for block in BLOCKS if stands_in_the_example(block)]
    assert len(pieces) > 8
    assert len(BLOCKS) - len(pieces) > 5
    assert not stands_in_the_example("    def reveal(self, state: Dice, seat: int | None) -> object:\n")


def test_every_piece_of_code_of_the_guide_is_run() -> None:
    """Whatever is fenced as something else is no code: what is sent, what is typed and printed, and a setting."""
    opened = re.findall(r"^```(\S*)\n.*?^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert {kind: opened.count(kind) for kind in opened if kind != "python"} == {"json": 2, "": 1, "toml": 1}


def test_the_games_of_the_guide_are_loaded(guide: ModuleType) -> None:
    names = [load_game(game).name for game in games_in(vars(guide))]
    assert names == ["pig", "pig"]


def test_the_tests_of_the_guide_pass(guide: ModuleType) -> None:
    tests: list[Callable[[], None]] = [item for name, item in vars(guide).items() if name.startswith("test_")]
    assert len(tests) == GUIDE.read_text().count("\ndef test_") == 8
    for test in tests:
        test()


def test_what_the_guide_says_that_is_printed_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    shown = re.search(r"^\$ gameroom games (\S+)\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert main(["games", str(ROOT / shown[1])]) == 0
    assert capsys.readouterr().out == shown[2]


def test_the_example_of_the_package() -> None:
    """It leaves out the import of `Literal`, which every reader knows."""
    assert gameroom.__doc__ is not None
    example = textwrap.dedent(gameroom.__doc__.partition("can do.\n\n")[2].partition("`gameroom serve")[0])
    module = module_of("count", "from typing import Literal\n" + example)
    try:
        table = Table(module.CountTo21)
        for turn in range(7):
            table.act(turn % 2, "add", number=3)
        assert table.result == {"loser": 0}
    finally:
        del sys.modules["count"]


def test_everything_that_authors_import_is_there() -> None:
    assert all(hasattr(gameroom, name) for name in gameroom.__all__)


def test_a_game_file_is_imported_without_the_server() -> None:
    """So that an author's tests start at once, and no part of the server can be reached from a game by accident."""
    heavy = ["asyncio", "fastapi", "sqlalchemy", "uvicorn", "pydantic", "hypothesis", "jsonschema"]
    code = f"import gameroom, gameroom.testkit, sys; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout == "[]\n"
