"""What `bench.journal` has measured, and where it is kept: each part when it was measured last."""

from pathlib import Path

import msgspec
from msgspec import Struct, field

from bench.journal_load import LoadFigures
from bench.memory import GrowthFigures, IdleFigures
from bench.restart import RestartFigures


class CommandFigures(Struct, frozen=True):
    """Microseconds of CPU of one command of the load `name`, as `bench.commands` measures them."""

    name: str
    members: int
    decide_us: float
    turn_us: float


class Results(Struct, kw_only=True):
    """`dates`: of each part; the others by the database where there are two."""

    machine: dict[str, str] = {}
    dates: dict[str, str] = {}
    loads: dict[str, list[LoadFigures]] = {}
    restarts: dict[str, RestartFigures] = {}
    idle: IdleFigures | None = None
    growth: GrowthFigures | None = None
    commands: list[CommandFigures] = field(default_factory=list)


def load(path: Path) -> Results:
    """An empty one where nothing was measured yet."""
    return msgspec.json.decode(path.read_bytes(), type=Results) if path.exists() else Results()


def save(results: Results, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
