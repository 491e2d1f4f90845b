"""`gameroom serve` that kills itself at one named step, to be run as a program of its own.

    python -P crash_points.py POINT ARMED serve …

From the moment at which the file ARMED exists, the process dies with SIGKILL as soon as it comes to the step. Names of
the server's functions are looked up here and nowhere else: nothing in the server knows of it.
"""

import functools
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any


@dataclass(frozen=True)
class Point:
    """A step of the server: before or after a function, `module:name`, is called for the `nth` time.

    `or_at`: the same step where the other database has code of its own; `within`: counted anew in each call of this
    other function.
    """

    function: str
    or_at: str | None = None
    after: bool = False
    nth: int = 1
    within: str | None = None

    @property
    def functions(self) -> tuple[str, ...]:
        return (self.function,) if self.or_at is None else (self.function, self.or_at)


ACTOR = "gameroom.rooms.actor:Actor"
LANE = "gameroom.storage.lanes:Lane"
JOURNAL = "gameroom.storage.journal"
PLACEMENT = "gameroom.storage.placement"
SNAPSHOTS = "gameroom.storage.snapshots"
KEEP = "gameroom.storage.sqlite_batches:keep_snapshots", "gameroom.storage.postgres_batches:keep_snapshots"

IN_A_COMMAND = {
    "before it is decided": Point(f"{ACTOR}._decide"),
    "decided, before the append": Point(f"{ACTOR}._append"),
    "before the transaction": Point(f"{LANE}._write_once"),
    "before COMMIT": Point(f"{LANE}._doubts"),
    "after COMMIT, before that is known": Point(f"{LANE}._write_once", after=True),
    "stored, before it is published": Point(f"{ACTOR}._appended"),
    "between the events of a turn": Point(
        "gameroom.bus.local:LocalBus.publish", nth=2, within=f"{ACTOR}._release"
    ),
    "published, before the answer": Point(f"{ACTOR}._tell"),
    "answered, before anything else": Point(f"{ACTOR}._tell", after=True),
}
"""The way of a command, from the mailbox to its answer. What PostgreSQL appends is one message that commits itself."""

IN_A_TRANSACTION = {
    "before the fence is read": Point("gameroom.storage.sqlite_batches:_owned"),
    "before the records": Point("gameroom.storage.sqlite_batches:_insert"),
    "after the records, before the listing": Point("gameroom.storage.sqlite_batches:_list"),
}
"""Between the statements of an append to SQLite."""

IN_A_REFUSED_BATCH = {
    "before its units are stored one by one": Point(f"{JOURNAL}:SqlJournal._settle_each"),
    "before the unit at fault is told": Point(f"{JOURNAL}:Entry.failed"),
    "before its room is given up": Point(f"{ACTOR}._lose"),
    "before the room is opened again": Point("gameroom.rooms.local:LocalRooms._open"),
}
"""A record that the database refuses, until its room goes on without it."""

IN_A_SNAPSHOT = {
    "before a snapshot": Point(f"{JOURNAL}:SqlJournal.save_snapshot"),
    "a snapshot on its way": Point(f"{SNAPSHOTS}:Snapshots._store"),
    "in a snapshot": Point(*KEEP),
    "written, before COMMIT": Point(*KEEP, after=True),
    "kept, before that is known": Point(f"{SNAPSHOTS}:Entry.kept"),
}

IN_A_CLAIM = {
    "before a claim": Point(f"{PLACEMENT}:SqlPlacement.claim"),
    "in a claim": Point(f"{PLACEMENT}:_claim"),
    "a claim before it is known": Point(f"{PLACEMENT}:_claim", after=True),
    "claimed, before the room is read": Point(f"{JOURNAL}:SqlJournal.recover"),
    "read, before it is opened": Point("gameroom.rooms.recovery:overlay", after=True),
}

IN_A_CREATE = {
    "before a create": Point(f"{JOURNAL}:SqlJournal.create"),
    "before its transaction": Point(f"{LANE}._write_once"),
    "before its room": Point("gameroom.storage.births:_store"),
    "between its room and its members": Point("gameroom.storage.listings:members_of"),
    "before its COMMIT": Point(f"{LANE}._doubts"),
    "after its COMMIT": Point(f"{LANE}._write_once", after=True),
    "before its answer": Point("gameroom.rooms.local:tell_one"),
}

POINTS = {
    **IN_A_COMMAND,
    **IN_A_TRANSACTION,
    **IN_A_REFUSED_BATCH,
    **IN_A_SNAPSHOT,
    **IN_A_CLAIM,
    **IN_A_CREATE,
}


class Trigger:
    """Counts how often the step is come to while armed, and dies there."""

    def __init__(self, nth: int, armed: Path) -> None:
        self._nth = nth
        self._armed = armed
        self._passed = 0

    def reset(self) -> None:
        self._passed = 0

    def pull(self) -> None:
        if self._armed.exists():
            self._passed += 1
            if self._passed == self._nth:
                os.kill(os.getpid(), signal.SIGKILL)


def plant(point: Point, trigger: Trigger) -> None:
    """Put the step into the server's code."""
    for function in point.functions:
        if point.after:
            wrap(function, after=trigger.pull)
        else:
            wrap(function, before=trigger.pull)
    if point.within is not None:
        wrap(point.within, before=trigger.reset)


def nothing() -> None:
    pass


def place_of(function: str) -> tuple[Any, str]:
    """The module or class that has the function, and its name there."""
    module, _, name = function.partition(":")
    *inside, last = name.split(".")
    return (resolve_name(f"{module}:{'.'.join(inside)}") if inside else resolve_name(module)), last


def wrap(function: str, *, before: Callable[[], None] = nothing, after: Callable[[], None] = nothing) -> None:
    """Have these called around the function, wherever in the server it is known by its name."""
    owner, last = place_of(function)
    original = getattr(owner, last)

    @functools.wraps(original)
    def step(*args: Any, **kwargs: Any) -> Any:
        before()
        result = original(*args, **kwargs)
        after()
        return result

    setattr(owner, last, step)
    for other in [each for key, each in sys.modules.items() if key.startswith("gameroom.")]:
        if getattr(other, last, None) is original:
            setattr(other, last, step)


def main(point: str, armed: str, *arguments: str) -> int:
    cli: Callable[[list[str]], int] = resolve_name("gameroom.cli:main")
    plant(POINTS[point], Trigger(POINTS[point].nth, Path(armed)))
    return cli(list(arguments))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
