"""What is kept of a run, and the medians taken from it."""

import json
from pathlib import Path

import pytest

from bench.load import read_figures
from bench.results import Run, cost, kb_per_connection, load, save, throughput
from bench.workloads import COMMAND, CONNECTS, IDLE, OPEN
from tests.unit.bench.measured import figures, results, run


def test_what_the_generator_prints_becomes_percentiles_in_milliseconds() -> None:
    numbers = figures().as_json()
    printed = {name: number for name, number in numbers.items() if not name.startswith("p")}
    read = read_figures(json.dumps({**printed, "latencies": [[1000, 98], [2500, 1], [9000, 1]]}).encode())
    assert (read.p50, read.p99, read.p999) == (1.0, 2.5, 9.0)


def test_medians_are_over_rounds_and_leave_failures_out() -> None:
    failed = Run(3, OPEN.name, "ws", None, "it fell")
    rounds = [run(OPEN, "ws", number, p99=p99) for number, p99 in enumerate((5.0, 1.0, 2.0))]
    measured = results(*rounds, failed, run(OPEN, "other", p99=99.0))
    assert measured.median(OPEN.name, "ws", lambda each: each.p99) == 2.0
    assert measured.spread(OPEN.name, "ws", lambda each: each.p99) == 2.0
    assert measured.failures == [failed]
    assert measured.rounds == 4


def test_what_was_not_measured_has_no_median() -> None:
    assert results().median(OPEN.name, "ws", lambda each: each.p99) is None


def test_cost_is_of_deliveries_commands_or_handshakes() -> None:
    busy = figures(server_cpu=0.5, deliveries=100_000, messages=10_000, connections=500)
    assert [cost(workload)(busy) for workload in (OPEN, COMMAND, CONNECTS)] == pytest.approx([5, 50, 1000])
    assert [throughput(workload)(busy) for workload in (OPEN, COMMAND, CONNECTS)] == [100_000, 10_000, 500]


def test_memory_is_what_the_measured_connections_added() -> None:
    assert kb_per_connection(figures(rss_kb_before=1_000, rss_kb=31_000, connections=3_000)) == 10


def test_what_is_kept_reads_back_the_same(tmp_path: Path) -> None:
    kept = results(run(IDLE, "ws", p50=1.25), Run(1, IDLE.name, "ws", None, "it fell"))
    save(kept, tmp_path / "results" / "latest.json")
    assert load(tmp_path / "results" / "latest.json") == kept
