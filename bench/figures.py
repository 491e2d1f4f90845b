"""Reckoning with figures. Pure."""

from collections.abc import Sequence
from math import log2
from statistics import median


def percentile(buckets: Sequence[tuple[float, int]], share: float) -> float:
    """The value at or below which `share` of all stand; 0 if there are none. `buckets`: (value, how many), rising."""
    wanted = share * sum(count for _, count in buckets)
    seen = 0
    for value, count in buckets:
        seen += count
        if seen >= wanted:
            return value
    return 0.0


def spread(values: Sequence[float]) -> float:
    """How far the rounds lie apart: (largest - smallest) / median."""
    middle = median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def exponent(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The power of x with which y grows: the slope of the line of least squares through their logarithms."""
    points = [(log2(x), log2(y)) for x, y in zip(xs, ys, strict=True)]
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    over = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return over / sum((x - mean_x) ** 2 for x, _ in points)
