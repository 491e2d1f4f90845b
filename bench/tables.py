"""Tables in Markdown. Pure."""

from collections.abc import Iterable, Sequence

from bench.charts import significant


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column to the left, numbers to the right."""
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows)) + "\n"


def shown(value: float | None, unit: str = "") -> str:
    """A dash for what was not measured."""
    return "–" if value is None else f"{significant(value)}{unit}"


def strong(text: str, when: bool) -> str:
    return f"**{text}**" if when else text
