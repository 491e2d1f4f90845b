"""The figures of the journal: `make bench-journal`, or `python -m bench.journal --help`."""

import argparse
import gc
import multiprocessing
import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import uvloop
from msgspec import Struct

from bench.commands import LOADS, MEMBERS, decide_us, turn_us
from bench.journal_databases import DATABASES, versions
from bench.journal_load import COMMANDS, measure_load
from bench.journal_report import report
from bench.journal_results import CommandFigures, Results, load, save
from bench.machine import describe_hardware
from bench.memory import IdleFigures, measure_growth, measure_rss, measure_traced
from bench.restart import measure_restart

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results" / "journal.json"
NOTES = RESULTS.with_name("journal-notes.md")
PAGE = ROOT / "docs" / "figures-journal.md"

T = TypeVar("T")


class Scale(Struct, frozen=True, kw_only=True):
    """How much is measured."""

    seconds: float = 10.0
    busy_rooms: tuple[int, ...] = (1, 16, 256)
    restarted: int = 1_000
    idle: int = 2_000
    coming_and_going: int = 50_000
    members: tuple[int, ...] = MEMBERS


SMOKE = Scale(
    seconds=0.5, busy_rooms=(1, 16), restarted=100, idle=128, coming_and_going=500, members=MEMBERS[:2]
)


def main() -> None:
    options = _parser().parse_args()
    results = Results() if options.smoke else load(RESULTS)
    if not options.report:
        _measure(results, options.part, options.database, SMOKE if options.smoke else Scale())
    page = report(results, NOTES.read_text() if NOTES.exists() else "")
    if options.smoke:
        print(page)
    else:
        save(results, RESULTS)
        PAGE.write_text(page)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.journal", description=__doc__)
    parser.add_argument(
        "--part", action="append", choices=PARTS, help="this alone; the page keeps the others"
    )
    parser.add_argument("--database", choices=DATABASES, help="this one alone")
    parser.add_argument("--smoke", action="store_true", help="everything for a moment; nothing is kept")
    parser.add_argument(
        "--report", action="store_true", help="write the page anew, from what was measured before"
    )
    return parser


def _measure(results: Results, parts: Sequence[str] | None, database: str | None, scale: Scale) -> None:
    python = {"Python": platform.python_version(), "databases": versions()}
    results.machine = {**describe_hardware(), **python}
    for part in parts or PARTS:
        print(f"{part} …", flush=True)
        PARTS[part](results, DATABASES if database is None else (database,), scale)
        results.dates[part] = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def _loads(results: Results, databases: Sequence[str], scale: Scale) -> None:
    for kind in databases:
        results.loads[kind] = [
            _apart(partial(measure_load, kind, command, busy_rooms, scale.seconds))
            for command in COMMANDS
            for busy_rooms in scale.busy_rooms
        ]


def _restarts(results: Results, databases: Sequence[str], scale: Scale) -> None:
    for kind in databases:
        results.restarts[kind] = _apart(partial(measure_restart, kind, scale.restarted))


def _memory(results: Results, _: Sequence[str], scale: Scale) -> None:
    results.idle = IdleFigures(
        rooms=scale.idle,
        rss_kb=_apart(partial(measure_rss, scale.idle)),
        traced_kb=_apart(partial(measure_traced, scale.idle, resting=True)),
        awake_traced_kb=_apart(partial(measure_traced, scale.idle, resting=False)),
    )


def _growth(results: Results, _: Sequence[str], scale: Scale) -> None:
    results.growth = _apart(partial(measure_growth, scale.coming_and_going))


def _commands(results: Results, _: Sequence[str], scale: Scale) -> None:
    results.commands = _apart(partial(_measure_commands, scale.members))


def _measure_commands(numbers: Sequence[int]) -> list[CommandFigures]:
    found = []
    gc.disable()
    for each in LOADS:
        for members in numbers:
            decided, turned = decide_us(each, members), uvloop.run(turn_us(each, members))
            found.append(CommandFigures(each.name, members, decided, turned))
            gc.collect()
    return found


PARTS: dict[str, Callable[[Results, Sequence[str], Scale], None]] = {
    "load": _loads,
    "restart": _restarts,
    "memory": _memory,
    "growth": _growth,
    "commands": _commands,
}


def _apart(measure: Callable[[], T]) -> T:
    """In a fresh process: what one measurement leaves behind must not be another's."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(measure).result()


if __name__ == "__main__":
    main()
