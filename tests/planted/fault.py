"""What a planted fault is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """`old` stands exactly once in `file` (a path from the root of the tree), and `new` takes its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Fault:
    """A small lie in the code. `name` says what it does; each of `tests` (node ids of pytest) must fail for it."""

    name: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


Faults = dict[str, tuple[Fault, ...]]
"""By promise: its heading in INVARIANTS.md."""


def fault(name: str, edit: Edit | tuple[Edit, ...], *tests: str) -> Fault:
    """Most faults need one edit."""
    return Fault(name, edit if isinstance(edit, tuple) else (edit,), tests)
