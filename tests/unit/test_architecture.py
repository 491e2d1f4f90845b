"""The floors hold, and nothing stands where import-linter does not look."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "backend"
BANNED = {"utils", "core", "common", "services"}


def modules_on_disk() -> set[str]:
    files = (SOURCE / "gameroom").rglob("*.py")
    return {_module_name(file) for file in files}


def _module_name(file: Path) -> str:
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("gameroom", cache_dir=None)


def test_every_module_on_disk_is_seen(graph: grimp.ImportGraph) -> None:
    assert modules_on_disk() - graph.modules == set()


def test_every_package_has_an_init() -> None:
    folders = {file.parent for file in (SOURCE / "gameroom").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_no_module_is_a_drawer_for_everything() -> None:
    names = {part for module in modules_on_disk() for part in module.split(".")}
    assert names & BANNED == set()


def test_nothing_inside_imports_the_front_door(graph: grimp.ImportGraph) -> None:
    """`gameroom` itself is what game authors import; inside, it would be a circle around the floors."""
    assert graph.find_modules_that_directly_import("gameroom") == set()


def test_every_library_that_is_imported_is_declared() -> None:
    graph = grimp.build_graph("gameroom", include_external_packages=True, cache_dir=None)
    libraries = {name for name in graph.modules if graph.is_module_squashed(name)} - sys.stdlib_module_names
    declared = declared_libraries()
    sources = packages_distributions()
    undeclared = {name for name in libraries if not declared & {*map(canonicalize_name, sources[name])}}
    # The extra `testkit`: `check_game` says so where it is missing, and nothing else needs it.
    assert undeclared == {"hypothesis", "jsonschema"}
    users = graph.find_modules_that_directly_import("hypothesis")
    assert users == {"gameroom.testkit.messages", "gameroom.testkit.random_play"}
    assert graph.find_modules_that_directly_import("jsonschema") == {"gameroom.testkit.described"}


def declared_libraries() -> set[str]:
    requirements = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return {canonicalize_name(Requirement(requirement).name) for requirement in requirements}


def test_every_contract_is_kept() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert f"Contracts: {len(contracts)} kept, 0 broken." in run.stdout
