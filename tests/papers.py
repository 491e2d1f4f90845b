"""What the papers show in blocks of code: frames of the socket, and calls of REST with their answers.

How examples may be shortened and still be held against the documents of the API: `…` in a string stands for more of
the string; `…` in place of a field stands for fields that are left out, and then the others are looked at alone.
"""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PROTOCOL = ROOT / "docs" / "protocol.md"
QA = ROOT / "docs" / "qa-with-postman.md"
PAPERS = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

FENCE = re.compile(r"^```.*?\n(.*?)^```$|((?:^ {4}.*\n)+)", re.MULTILINE | re.DOTALL)
FRAME = re.compile(r'^(?:\w+ [→←] |[<>] )?(?={"type")', re.MULTILINE)
"""At the start of a line, perhaps with who says it, or behind the arrows of `python -m websockets`."""

LINE = re.compile(r"^(\w+) ([→←\u00d7]) (.*?)(?=^\w+ [→←\u00d7] |\Z)", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)

CALL = re.compile(r"curl (?:[^|\n\\]|\\\n)*")
BEARER = re.compile(r"Bearer \$(\w+)")
BASES = {"$API": "/api/v1"}
"""Variables of the shell that the papers use."""

ELLIPSIS = re.compile(r"\s*…\s*,?|,\s*…\s*(?=[}\]])")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True)
class Shown:
    """A JSON object in a paper. `value` None: it is shown because it is no JSON."""

    paper: str
    line: int
    value: Json | None
    shortened: bool

    def __str__(self) -> str:
        return f"{self.paper}:{self.line}"


@dataclass(frozen=True)
class ShownCall:
    """A `curl` in a paper, and the answer that stands under it, if one does. `token`: the variable of its bearer."""

    paper: str
    line: int
    method: str
    path: str
    data: tuple[str, ...]
    token: str | None
    answer: Shown | None

    def __str__(self) -> str:
        return f"{self.paper}:{self.line}"


@dataclass(frozen=True)
class Line:
    """What somebody says to the server (`→`) or hears of it (`←`), or behind a cross how their socket ends.

    `start`, `end`: where its text stands in the paper.
    """

    paper: Path
    start: int
    end: int
    who: str
    arrow: str
    text: str

    def __str__(self) -> str:
        return f"{named(self.paper)}:{line_of(self.paper.read_text(), self.start)}: {self.who} {self.arrow} {self.text}"


def named(paper: Path) -> str:
    return str(paper.relative_to(ROOT))


def frames_in(paper: Path) -> list[Shown]:
    """Every frame of the paper, in its order. A problem of REST is none: its `type` is a URN."""
    text = paper.read_text()
    found = [
        shown_at(paper, text, at.end())
        for start, end in blocks_of(text)
        for at in FRAME.finditer(text, start, end)
    ]
    return [each for each in found if each.value is None or not each.value["type"].startswith("urn:")]


def transcripts_in(paper: Path) -> dict[str, list[Line]]:
    """The lines of the paper's transcripts, by the heading that they stand under."""
    text = paper.read_text()
    headings = [(at.start(), at[1]) for at in HEADING.finditer(text)]
    found: dict[str, list[Line]] = {}
    for start, end in blocks_of(text):
        lines = [line_at(paper, at) for at in LINE.finditer(text[:end], start)]
        if lines:
            heading = max(each for each in headings if each[0] < start)[1]
            found.setdefault(heading, []).extend(lines)
    return found


def line_at(paper: Path, at: re.Match[str]) -> Line:
    said = at[3].rstrip("\n")
    return Line(paper, at.start(3), at.start(3) + len(said), at[1], at[2], said)


def calls_in(paper: Path) -> Iterator[ShownCall]:
    text = paper.read_text()
    for start, end in blocks_of(text):
        for at in CALL.finditer(text, start, end):
            method, path, data = curl(at[0])
            bearer = BEARER.search(at[0])
            token = bearer[1] if bearer else None
            below = text.find("\n", at.end(), end) + 1
            answer = shown_at(paper, text, below) if below and text[below] == "{" else None
            yield ShownCall(named(paper), line_of(text, at.start()), method, path, data, token, answer)


def blocks_of(text: str) -> Iterator[tuple[int, int]]:
    """Where blocks of code stand: in fences, or indented."""
    return ((at.start(group), at.end(group)) for at in FENCE.finditer(text) for group in (1, 2) if at[group])


def curl(command: str) -> tuple[str, str, tuple[str, ...]]:
    """Method, path and data of a command line of curl."""
    for variable, path in BASES.items():
        command = command.replace(variable, path)
    words = shlex.split(command.rstrip(") "))
    after = {
        option: [words[i + 1] for i, word in enumerate(words) if word == option] for option in ("-X", "-d")
    }
    [url] = [word for word in words if word.startswith(("http://", "/"))]
    return (*after["-X"], "POST" if after["-d"] else "GET")[0], urlsplit(url).path, tuple(after["-d"])


def line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def shown_at(paper: Path, text: str, start: int) -> Shown:
    """The object that begins there."""
    place = (named(paper), line_of(text, start))
    end = end_of_object(text, start)
    if end is None:
        return Shown(*place, value=None, shortened=False)
    whole = without_ellipses(text[start:end])
    return Shown(*place, value=json.loads(whole), shortened=whole != text[start:end])


def end_of_object(text: str, start: int) -> int | None:
    """Behind its last brace; None if the paragraph ends before that."""
    depth = 0
    for at in re.finditer(r'"(?:[^"\\]|\\.)*"|[{}]|\n\n|\n```|\n\w+ [→←]', text[start:]):
        depth += {"{": 1, "}": -1}.get(at[0], 0)
        if depth == 0:
            return start + at.end()
        if at[0].startswith("\n"):
            return None
    return None


def without_ellipses(text: str) -> str:
    """The object without what stands for fields that were left out; strings keep theirs."""
    parts, at = [], 0
    for string in STRING.finditer(text):
        parts += [ELLIPSIS.sub("", text[at : string.start()]), string[0]]
        at = string.end()
    joined = "".join([*parts, ELLIPSIS.sub("", text[at:])])
    return re.sub(r",\s*(?=[}\]])", "", joined) if joined != text else text
