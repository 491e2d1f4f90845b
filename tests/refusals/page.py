"""What the protocol's page says there is: the commands and the codes, read from its tables."""

import re
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent / "docs" / "protocol.md"


def commands_of_the_page() -> set[str]:
    """Every command that the table of commands names."""
    return {word for row in _rows("Commands") for word in re.findall(r"`([A-Z_]+)`", row[0])}


def codes_of_the_page() -> dict[str, int]:
    """Every code that the table of errors names, with its HTTP status."""
    return {code: int(row[1]) for row in _rows("Errors") for code in re.findall(r"`([a-z_]+)`", row[0])}


def _rows(heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, without the tables' own heads."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert section is not None, f"{PAGE} has no section {heading}"
    lines = [line for line in section[1].splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in cells if row[0].startswith("`")]
