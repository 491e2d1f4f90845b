"""The law of growth, and the bend, of servers that behave as the tests say."""

import pytest

from bench.growth import curve, growth_exponent, has_bent, law, misfit
from bench.results import Run
from bench.workloads import GROWTH, Workload
from tests.unit.bench.measured import figures, results, run

PER_MESSAGE, PER_DELIVERY = 20e-6, 5e-6


def ideal(workload: Workload, capacity: float = 1.0) -> Run:
    """A server that pays a price for each message and each delivery, and is late once its core is full."""
    needed = workload.messages_per_second * PER_MESSAGE + workload.deliveries_per_second * PER_DELIVERY
    share = min(1.0, capacity / needed)
    deliveries = workload.deliveries_per_second * share
    return run(workload, "gameroom", server_cpu=needed * share, deliveries=deliveries, p99=1.0)


def test_the_law_of_an_ideal_server_is_found() -> None:
    measured = results(*(ideal(workload) for workloads in GROWTH.values() for workload in workloads))
    points = [point for steps in GROWTH.values() for point in curve(measured, "gameroom", steps)]
    found = law(points)
    assert found == pytest.approx((20.0, 5.0), rel=0.01)
    assert misfit(points, (20.0, 5.0)) == pytest.approx(0)
    assert misfit(points, (40.0, 10.0)) == pytest.approx(1)


def test_from_one_way_of_growing_alone_the_law_is_not_told() -> None:
    measured = results(*(ideal(workload) for workload in GROWTH["rate"]))
    assert law(curve(measured, "gameroom", GROWTH["rate"])) is None


def test_a_curve_ends_with_its_bend() -> None:
    measured = results(*(ideal(workload, capacity=0.1) for workload in GROWTH["rate"]))
    points = curve(measured, "gameroom", GROWTH["rate"])
    assert [point.bent for point in points] == [False] * (len(points) - 1) + [True]
    assert 1 < len(points) < len(GROWTH["rate"])
    assert growth_exponent(points) == pytest.approx(1.0)


def test_being_late_is_a_bend_too() -> None:
    workload = GROWTH["rate"][0]
    on_time = figures(deliveries=1_000, p99=49.0)
    assert workload.deliveries_per_second == 1_000
    assert not has_bent(workload, on_time)
    assert has_bent(workload, figures(deliveries=1_000, p99=51.0))
    assert has_bent(workload, figures(deliveries=970, p99=1.0))


def test_a_point_has_bent_if_most_rounds_did() -> None:
    workload = GROWTH["rate"][0]
    rounds = [
        run(workload, "ws", number, deliveries=1_000, p99=p99) for number, p99 in enumerate((1, 80, 90))
    ]
    assert curve(results(*rounds), "ws", [workload])[0].bent
    assert not curve(results(*rounds[:2]), "ws", [workload])[0].bent


def test_without_points_there_is_no_law() -> None:
    assert law([]) is None
    assert growth_exponent([]) is None
