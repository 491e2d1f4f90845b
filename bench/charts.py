"""Pictures as SVG: bars in groups, and lines on two logarithmic axes. Pure; readable on light and dark pages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

COLOURS = ("#1f6feb", "#cf222e", "#bf8700", "#8250df", "#2da44e", "#e16f24", "#0a7ea4", "#57606a")
FONT = 'font-family="system-ui, sans-serif" font-size="12"'
WIDTH = 760
BAR, GAP, LABELS, HEAD = 14, 14, 170, 40
PLOT_HEIGHT, MARGIN = 320, 60


@dataclass(frozen=True)
class Group:
    """Bars that are compared with each other: a value for each name."""

    title: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Line:
    name: str
    points: Sequence[tuple[float, float]]


def bar_chart(title: str, groups: Sequence[Group]) -> str:
    """Each group on a scale of its own, each bar with its value."""
    names = list(dict.fromkeys(name for group in groups for name in group.values))
    body: list[str] = []
    top = HEAD
    for group in groups:
        body.append(_text(10, top + 12, group.title, weight="bold"))
        top += 20
        largest = max(group.values.values(), default=0) or 1
        for name, value in group.values.items():
            body += _bar(top, name, value, value / largest, COLOURS[names.index(name) % len(COLOURS)])
            top += BAR + 4
        top += GAP
    return _svg(title, top, body)


def _bar(top: int, name: str, value: float, share: float, colour: str) -> Iterator[str]:
    width = share * (WIDTH - LABELS - 90)
    yield _text(LABELS - 8, top + 11, name, anchor="end")
    yield f'<rect x="{LABELS}" y="{top}" width="{width:.1f}" height="{BAR}" fill="{colour}"/>'
    yield _text(LABELS + width + 6, top + 11, significant(value))


def line_chart(title: str, axes: tuple[str, str], lines: Sequence[Line]) -> str:
    """On logarithmic axes, named (below, beside); values of 0 or less have no place on them and are left out."""
    drawn = [Line(line.name, [(x, y) for x, y in line.points if x > 0 and y > 0]) for line in lines]
    points = [point for line in drawn for point in line.points]
    if not points:
        return _svg(title, HEAD, [])
    across = _Axis.around([x for x, _ in points], MARGIN, WIDTH - 200)
    upward = _Axis.around([y for _, y in points], HEAD + PLOT_HEIGHT, HEAD)
    body = [*_grid(across, upward, axes)]
    for line, colour in zip(drawn, COLOURS, strict=False):
        places = [(across.place(x), upward.place(y)) for x, y in line.points]
        body += _line(places, colour)
    for number, (line, colour) in enumerate(zip(drawn, COLOURS, strict=False)):
        y = HEAD + 14 + 18 * number
        body.append(f'<rect x="{WIDTH - 185}" y="{y - 9}" width="12" height="10" fill="{colour}"/>')
        body.append(_text(WIDTH - 168, y, line.name))
    return _svg(title, HEAD + PLOT_HEIGHT + 50, body)


@dataclass(frozen=True)
class _Axis:
    """Powers of ten from `low` to `high`, laid out between two pixels."""

    low: int
    high: int
    start: float
    end: float

    @staticmethod
    def around(values: Sequence[float], start: float, end: float) -> "_Axis":
        low, high = floor(log10(min(values))), ceil(log10(max(values)))
        return _Axis(low, max(high, low + 1), start, end)

    def place(self, value: float) -> float:
        return self.start + (log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    @property
    def decades(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def _grid(across: _Axis, upward: _Axis, axes: tuple[str, str]) -> Iterator[str]:
    for value in across.decades:
        x = across.place(value)
        yield _rule(x, upward.start, x, upward.end)
        yield _text(x, upward.start + 16, _plain(value), anchor="middle")
    for value in upward.decades:
        y = upward.place(value)
        yield _rule(across.start, y, across.end, y)
        yield _text(across.start - 6, y + 4, _plain(value), anchor="end")
    yield _text((across.start + across.end) / 2, upward.start + 36, axes[0], anchor="middle")
    yield _text(10, HEAD - 6, axes[1])


def _line(places: Sequence[tuple[float, float]], colour: str) -> Iterator[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in places:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#d0d7de"/>'


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text {place} {FONT} fill="#1f2328">{escape(text)}</text>'


def _svg(title: str, height: float, body: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">'
    frame = f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>'
    caption = _text(10, 20, title, weight="bold")
    return "\n".join((head, f"<title>{escape(title)}</title>", frame, caption, *body, "</svg>\n"))


def significant(value: float) -> str:
    """Three significant digits, thousands with commas."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
