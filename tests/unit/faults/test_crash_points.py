"""Where a server is told to die. That it comes there, and what is left then, `make faults` shows."""

import pytest

from tests.kit.faults.crash_points import POINTS, Point, place_of


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_a_step_at_which_a_server_dies_is_one_of_the_servers(point: Point) -> None:
    """Otherwise whoever renames a function would not learn of it before `make faults` is run."""
    for function in filter(None, (*point.functions, point.within)):
        owner, name = place_of(function)
        assert callable(getattr(owner, name, None)), function
