"""What `setup.py` has compiled: a module that mypyc can take without changing what it means."""

import ast

import pytest

from tests.papers import ROOT

SETUP = ast.parse((ROOT / "setup.py").read_text())


def hot_path() -> list[str]:
    for node in SETUP.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "HOT_PATH":
            return list(ast.literal_eval(node.value))
    raise AssertionError("setup.py has no HOT_PATH")


@pytest.mark.parametrize("module", hot_path())
def test_what_is_compiled_defines_no_struct(module: str) -> None:
    """mypyc drops the options of a class, such as `frozen=True`, without a word."""
    path = ROOT / "backend/gameroom" / f"{module}.py"
    classes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
    assert not [each.name for each in classes if each.keywords]
    assert not [each.name for each in classes if "Struct" in map(ast.unparse, each.bases)]


@pytest.mark.parametrize("module", hot_path())
def test_what_is_compiled_takes_no_free_names(module: str) -> None:
    """mypyc lets `**names` collide with parameters that are positional only: a game's field may be called anything."""
    path = ROOT / "backend/gameroom" / f"{module}.py"
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert not [each.name for each in functions if each.args.posonlyargs and each.args.kwarg]
