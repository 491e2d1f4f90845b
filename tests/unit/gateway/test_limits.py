"""The token bucket and the limit of frames, with Hypothesis for what a bucket promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameroom.gateway.limits import Flooded, FrameLimit, TokenBucket
from tests.unit.gateway.fakes import FakeClock


@given(st.lists(st.floats(min_value=0, max_value=3), max_size=200))
def test_a_bucket_never_lets_more_through_than_burst_and_rate(pauses: list[float]) -> None:
    bucket = TokenBucket(rate=2, burst=5, now=0)
    now, taken = 0.0, 0
    for pause in pauses:
        now += pause
        taken += not bucket.take(now)
        assert taken <= 5 + 2 * now + 1e-6


@given(st.lists(st.floats(min_value=0, max_value=3), max_size=100))
def test_who_waits_as_told_is_let_through(pauses: list[float]) -> None:
    bucket = TokenBucket(rate=2, burst=5, now=0)
    now = 0.0
    for pause in pauses:
        now += pause
        wait = bucket.take(now)
        if wait:
            assert not bucket.take(now + wait + 1e-6)
            now += wait + 1e-6


def test_a_quiet_connection_gets_its_burst_back_and_no_more() -> None:
    clock = FakeClock()
    limit = FrameLimit(clock, rate=10, burst=3)
    for _ in range(2):
        assert [limit.take() for _ in range(4)] == [0, 0, 0, 101]
        clock.ms += 60_000


def test_a_steady_flood_is_noticed_and_a_steady_trickle_over_the_limit_is_not() -> None:
    for hertz, floods in ((90, False), (120, True)):
        clock = FakeClock()
        limit = FrameLimit(clock, rate=10, burst=3)
        try:
            for frame in range(2_000):
                clock.ms = 1_800_000_000_000 + frame * 1000 // hertz
                limit.take()
            flooded = False
        except Flooded:
            flooded = True
        assert flooded is floods


def test_flooding_is_ten_times_the_burst_at_once() -> None:
    limit = FrameLimit(FakeClock(), rate=10, burst=3)
    for _ in range(30):
        limit.take()
    with pytest.raises(Flooded):
        limit.take()
