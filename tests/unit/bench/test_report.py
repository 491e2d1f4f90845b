"""The page and its pictures, made from results that are complete, and from none."""

from xml.etree.ElementTree import fromstring

import pytest

from bench.charts import Group, Line, bar_chart, line_chart, significant
from bench.contenders import CONTENDERS
from bench.pictures import pictures
from bench.report import goals_table, report
from bench.results import Results, Run
from bench.tables import shown, table
from bench.workloads import CONNECTS, GROWTH, WORKLOADS
from tests.unit.bench.measured import results, run

EVERYTHING = (*WORKLOADS, *(step for steps in GROWTH.values() for step in steps))


def complete() -> Results:
    numbers = {
        "server_cpu": 0.2,
        "own_cpu": 0.1,
        "deliveries": 20_000,
        "messages": 2_000,
        "connections": 100,
        "rss_kb": 900,
        "p50": 1,
        "p99": 2,
        "p999": 3,
    }
    return results(*(run(workload, each.name, **numbers) for workload in EVERYTHING for each in CONTENDERS))


def test_the_report_of_all_leaves_no_gap() -> None:
    page = report(complete(), 100)
    assert "an abacus" in page
    assert all(workload.title in page for workload in WORKLOADS)
    assert all(f"benchmarks/{name}" in page for name in pictures(complete()))


def test_a_missed_goal_is_said_first_with_by_how_much() -> None:
    measured = results(
        run(CONNECTS, "gameroom", server_cpu=0.5, connections=100),
        run(CONNECTS, "ws", server_cpu=1.0, connections=100),
    )
    assert "**0.50 (≤ 0.45)**" in goals_table(measured)
    assert "authenticated handshake, ES256, against ws: 0.50 where 0.45 was wanted, 11% over" in report(
        measured, 100
    )


def test_what_was_found_stands_behind_the_goals() -> None:
    page = report(complete(), 100, "The profile shows sending.\n")
    assert page.index("## Goals") < page.index("The profile shows sending.") < page.index("## Relay")


def test_failures_are_in_the_report() -> None:
    page = report(results(Run(0, CONNECTS.name, "ws", None, "it fell")), 100)
    assert "round 1, connects, ws: `it fell`" in page


def test_of_nothing_there_is_a_report_full_of_dashes() -> None:
    assert "| gameroom | – |" in report(results(), 100)


@pytest.mark.parametrize("measured", [complete(), results()], ids=["complete", "empty"])
def test_pictures_are_xml(measured: Results) -> None:
    for picture in pictures(measured).values():
        assert fromstring(picture).tag.endswith("svg")  # noqa: S314 - our own


def test_bars_are_as_long_as_their_values() -> None:
    picture = fromstring(bar_chart("a & b", [Group("g", {"x": 10.0, "y": 5.0})]))  # noqa: S314 - our own
    bars = [each for each in picture if each.tag.endswith("rect") and each.get("x")]
    whole, half = (float(bar.get("width", "nan")) for bar in bars)
    assert whole == pytest.approx(2 * half)


def test_a_doubling_is_everywhere_as_far_on_logarithmic_axes() -> None:
    line = Line("x", [(1, 1), (2, 10), (4, 100), (0, 5)])
    picture = fromstring(line_chart("t", ("a", "b"), [line]))  # noqa: S314 - our own
    xs = [float(each.get("cx", "nan")) for each in picture if each.tag.endswith("circle")]
    assert len(xs) == 3
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.2)


def test_numbers_have_three_digits() -> None:
    assert [significant(value) for value in (0.123, 1.234, 12.34, 123.4, 12_345)] == [
        "0.12",
        "1.23",
        "12.3",
        "123",
        "12,345",
    ]
    assert (shown(None), shown(1.0, " %")) == ("–", "1.00 %")


def test_tables_are_markdown() -> None:
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |\n"
