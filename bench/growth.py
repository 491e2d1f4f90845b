"""How cost grows with load, and where it bends. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.figures import exponent
from bench.load import Figures
from bench.results import Results, busy, cost, throughput
from bench.workloads import Workload

SERVED = 0.98
"""Less than this share of what is offered, delivered in time, is a bend."""

LATE_MS = 50.0
"""So is a p99 beyond this."""


def has_bent(workload: Workload, figures: Figures) -> bool:
    """The server no longer keeps up."""
    served = throughput(workload)(figures) / workload.deliveries_per_second
    return served < SERVED or figures.p99 > LATE_MS


@dataclass(frozen=True)
class Point:
    """The medians of one step; rates a second, `busy` as a share of the core, `p99` in milliseconds."""

    title: str
    messages: float
    deliveries: float
    busy: float
    cost_us: float
    p99: float
    bent: bool


def curve(results: Results, contender: str, workloads: Sequence[Workload]) -> list[Point]:
    """The steps that were measured; a step has bent if most rounds did. After it come no others."""
    points = []
    for workload in workloads:
        rounds = results.rounds_of(workload.name, contender)
        if not rounds:
            break
        points.append(_point(workload, rounds))
        if points[-1].bent:
            break
    return points


def _point(workload: Workload, rounds: Sequence[Figures]) -> Point:
    return Point(
        title=workload.title,
        messages=workload.messages_per_second,
        deliveries=workload.deliveries_per_second,
        busy=median(busy(figures) for figures in rounds),
        cost_us=median(cost(workload)(figures) for figures in rounds),
        p99=median(figures.p99 for figures in rounds),
        bent=sum(has_bent(workload, figures) for figures in rounds) * 2 > len(rounds),
    )


def straight(points: Sequence[Point]) -> list[Point]:
    return [point for point in points if not point.bent]


def growth_exponent(points: Sequence[Point]) -> float | None:
    """CPU grows with this power of the deliveries, before the bend: 1 is a straight line. None: too few points."""
    before = straight(points)
    if len(before) < 2:
        return None
    return exponent([point.deliveries for point in before], [point.busy for point in before])


def misfit(points: Sequence[Point], found: tuple[float, float]) -> float:
    """How far the law is from the point that it fits worst, as a share of what was measured there."""
    per_message, per_delivery = found
    return max(
        abs((point.messages * per_message + point.deliveries * per_delivery) / 1e6 / point.busy - 1)
        for point in straight(points)
    )


def law(points: Sequence[Point]) -> tuple[float, float] | None:
    """Microseconds (for one message, for each of its deliveries), by least squares of relative errors.

    `points` of all curves together, since only where members double do the two differ. None: they do not tell.
    """
    rows = [(point.messages / point.busy, point.deliveries / point.busy) for point in straight(points)]
    mm = sum(m * m for m, _ in rows)
    md = sum(m * d for m, d in rows)
    dd = sum(d * d for _, d in rows)
    determinant = mm * dd - md * md
    if determinant <= 1e-9 * mm * dd:
        return None
    m, d = sum(m for m, _ in rows), sum(d for _, d in rows)
    return (m * dd - d * md) / determinant * 1e6, (d * mm - m * md) / determinant * 1e6
