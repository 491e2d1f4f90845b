"""The pictures of the report, by file name. Pure."""

from collections.abc import Mapping, Sequence

from bench.charts import Group, Line, bar_chart, line_chart
from bench.contenders import CONTENDERS
from bench.growth import curve
from bench.growth_report import GROWING
from bench.results import Figure, Results, cost
from bench.workloads import COMMANDS, CONNECTS, GROWTH, OPEN, RELAY, Workload


def pictures(results: Results) -> Mapping[str, str]:
    growth = {f"growth-{axis}.svg": _growth(results, axis, steps) for axis, steps in GROWTH.items()}
    return {
        "relay.svg": _costs(results, "Relay: µs of server CPU for a delivery", RELAY),
        "commands.svg": _costs(results, "µs of server CPU for a command or handshake", (*COMMANDS, CONNECTS)),
        "latency.svg": bar_chart(
            "Latency at 10,000 deliveries/s, ms",
            [
                _group(results, OPEN, "p50", lambda figures: figures.p50),
                _group(results, OPEN, "p99", lambda figures: figures.p99),
                _group(results, OPEN, "p99.9", lambda figures: figures.p999),
            ],
        ),
        **growth,
    }


def _costs(results: Results, title: str, workloads: Sequence[Workload]) -> str:
    return bar_chart(
        title, [_group(results, workload, workload.title, cost(workload)) for workload in workloads]
    )


def _group(results: Results, workload: Workload, title: str, figure: Figure) -> Group:
    medians = {each.name: results.median(workload.name, each.name, figure) for each in CONTENDERS}
    return Group(title, {name: value for name, value in medians.items() if value is not None})


def _growth(results: Results, axis: str, workloads: Sequence[Workload]) -> str:
    lines = [
        Line(name, [(point.deliveries, point.busy * 100) for point in curve(results, name, workloads)])
        for name in GROWING
    ]
    return line_chart(
        f"{axis.capitalize()} double", ("deliveries/s offered", "% of the server's core"), lines
    )
