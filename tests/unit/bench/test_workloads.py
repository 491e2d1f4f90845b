"""The workloads are those that were asked for."""

from itertools import pairwise

from bench.contenders import CONTENDERS
from bench.rounds import rotated
from bench.workloads import GROWTH, OPEN, RELAY, TALK, WORKLOADS, momentary


def test_what_is_paced_offers_what_it_says() -> None:
    assert OPEN.deliveries_per_second == 10_000
    assert TALK.deliveries_per_second == 20_000


def test_each_step_of_growth_doubles_what_is_delivered() -> None:
    for steps in GROWTH.values():
        offered = [step.deliveries_per_second for step in steps]
        assert offered[0] == 1_000
        assert all(later == 2 * earlier for earlier, later in pairwise(offered))


def test_names_tell_workloads_apart() -> None:
    names = [each.name for each in (*WORKLOADS, *(step for steps in GROWTH.values() for step in steps))]
    assert len(set(names)) == len(names)


def test_a_moment_of_a_relay_still_reaches_everybody() -> None:
    for workload in map(momentary, RELAY):
        assert workload.crowd.arrivals == workload.crowd.members <= 20


def test_in_each_round_another_begins() -> None:
    first = [rotated(CONTENDERS, number)[0].name for number in range(len(CONTENDERS))]
    assert sorted(first) == sorted(each.name for each in CONTENDERS)
