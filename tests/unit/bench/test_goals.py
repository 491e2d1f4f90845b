"""Which goals are met."""

import pytest

from bench.contenders import BY_NAME
from bench.goals import GOALS, latency_verdict, memory_verdict, missed, verdict
from bench.workloads import CONNECTS, IDLE, OPEN
from tests.unit.bench.measured import results, run

HANDSHAKE = next(goal for goal in GOALS if goal.workload == CONNECTS)


def test_goals_name_contenders() -> None:
    assert {peer for goal in GOALS for peer in goal.most} <= BY_NAME.keys()


def test_a_ratio_is_of_medians_of_server_cpu() -> None:
    ours = [
        run(CONNECTS, "gameroom", number, server_cpu=cpu, connections=10)
        for number, cpu in enumerate((1, 2, 9))
    ]
    theirs = run(CONNECTS, "colyseus", server_cpu=4.0, connections=10)
    found = verdict(results(*ours, theirs), HANDSHAKE, "colyseus")
    assert found is not None
    assert found.ratio == pytest.approx(0.5)
    assert found.missed


def test_what_was_not_measured_is_not_missed() -> None:
    found = verdict(results(), HANDSHAKE, "colyseus")
    assert found is not None
    assert (found.ratio, found.missed) == (None, False)


def test_where_there_is_no_goal_there_is_no_verdict() -> None:
    assert verdict(results(), HANDSHAKE, "socketio") is None


def test_latency_is_held_against_the_best() -> None:
    runs = [run(OPEN, name, p99=p99) for name, p99 in (("gameroom", 3.0), ("ws", 2.0), ("colyseus", 6.0))]
    found = latency_verdict(results(*runs), ["ws", "colyseus", "socketio"])
    assert (found.ratio, found.missed) == (1.5, True)


def test_missed_goals_are_named() -> None:
    idle = run(IDLE, "gameroom", rss_kb=60_000, connections=3_000)
    assert memory_verdict(results(idle)).ratio == 20
    assert [title for title, _ in missed(results(idle), [])] == ["KB for an idle connection"]
