"""What the report says about growth. Pure."""

from collections.abc import Iterator, Sequence

from bench.contenders import BY_NAME
from bench.growth import LATE_MS, SERVED, Point, curve, growth_exponent, law, misfit
from bench.results import Results
from bench.tables import shown, table
from bench.workloads import GROWTH

GROWING = ("gameroom", "naive-sansio", "ws", "colyseus")
"""Those that are loaded until they bend."""


def growth_section(results: Results) -> str:
    return "\n".join(_section(results))


def _section(results: Results) -> Iterator[str]:
    yield "## Growth\n"
    yield (
        "From 2 rooms × 10 members × 50 messages/s each, one thing doubles at a time, until the server bends: it "
        f"delivers less than {SERVED:.0%} of what is offered, or p99 is beyond {LATE_MS:g} ms.\n"
    )
    yield table(
        (
            "",
            "µs a message",
            "+ µs for each delivery",
            "off by at most",
            *(f"bends: {axis} double" for axis in GROWTH),
        ),
        (_summary(results, name) for name in GROWING),
    )
    for axis, workloads in GROWTH.items():
        yield f"### {axis.capitalize()} double\n"
        yield f"![Growth](benchmarks/growth-{axis}.svg)\n"
        yield _steps(curve(results, "gameroom", workloads))


def _summary(results: Results, name: str) -> Sequence[str]:
    curves = [curve(results, name, workloads) for workloads in GROWTH.values()]
    return (BY_NAME[name].label, *_law([point for points in curves for point in points]), *map(_bend, curves))


def _law(points: Sequence[Point]) -> Sequence[str]:
    found = law(points)
    if found is None:
        return ("–", "–", "–")
    return (f"{found[0]:.1f}", f"{found[1]:.2f}", f"{misfit(points, found):.0%}")


def _bend(points: Sequence[Point]) -> str:
    """Where, and the power by which CPU grew until then."""
    if not points:
        return "–"
    last = points[-1]
    where = "at" if last.bent else "not up to"
    power = growth_exponent(points)
    return f"{where} {last.deliveries:,.0f}/s" + ("" if power is None else f"; CPU ~ load^{power:.2f}")


def _steps(points: Sequence[Point]) -> str:
    rows = (
        (
            point.title + (" (bent)" if point.bent else ""),
            f"{point.deliveries:,.0f}",
            f"{point.busy:.1%}",
            shown(point.cost_us),
            shown(point.p99),
        )
        for point in points
    )
    return table(("gameroom", "deliveries/s", "of its core", "µs a delivery", "p99 ms"), rows)
