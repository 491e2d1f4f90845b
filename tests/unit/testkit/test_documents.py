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
from gameroom.games.registry import games_in, load_game
from gameroom.testkit import Table

GUIDE = Path(__file__).parents[3] / "docs" / "writing-a-game.md"


def module_of(name: str, source: str) -> ModuleType:
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, name, "exec"), vars(module))  # noqa: S102  # the document is ours
    return module


@pytest.fixture
def guide() -> Iterator[ModuleType]:
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 5
    yield module_of("guide", "\n".join(blocks))
    del sys.modules["guide"]


def test_the_games_of_the_guide_are_loaded(guide: ModuleType) -> None:
    names = [load_game(game).name for game in games_in(vars(guide))]
    assert names == ["pig", "elevator", "high-card", "quick-quiz", "long-pig", "pig"]


def test_the_tests_of_the_guide_pass(guide: ModuleType) -> None:
    tests: list[Callable[[], None]] = [item for name, item in vars(guide).items() if name.startswith("test_")]
    assert len(tests) == 6
    for test in tests:
        test()


def test_the_rules_of_the_guide_hold(guide: ModuleType) -> None:
    elevator = Table(guide.Elevator)
    assert elevator.act(0, "ride", to="up", floors=3) == {"floor": 3}
    with pytest.raises(gameroom.IllegalAction):
        elevator.act(0, "ride", to="down", floors=4)
    migrated = load_game(guide.PigTwo).migrate(b'{"totals": [1, 2]}', "1")
    assert migrated == guide.Scores(totals=[2, 4])


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
