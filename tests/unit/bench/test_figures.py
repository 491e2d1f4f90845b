"""Percentiles of histograms, spreads and exponents, against values worked out by hand."""

import pytest

from bench.figures import exponent, percentile, spread


def test_a_percentile_is_the_first_value_that_covers_its_share() -> None:
    buckets = [(1.0, 50), (2.0, 40), (10.0, 9), (100.0, 1)]
    assert [percentile(buckets, share) for share in (0.5, 0.9, 0.99, 0.999)] == [1.0, 2.0, 10.0, 100.0]


def test_of_nothing_every_percentile_is_zero() -> None:
    assert percentile([], 0.99) == 0.0


def test_the_spread_is_in_parts_of_the_median() -> None:
    assert spread([8.0, 10.0, 13.0]) == pytest.approx(0.5)
    assert spread([0.0, 0.0]) == 0.0


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_is_found(power: float) -> None:
    xs = [1_000.0, 2_000.0, 4_000.0, 8_000.0]
    assert exponent(xs, [3.0 * x**power for x in xs]) == pytest.approx(power)
