"""Moments and durations as operators write them: what is printed can be given back, and rubbish is refused."""

from argparse import ArgumentTypeError
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameroom.cli.moments import LAST_MOMENT, UNIT_MS, duration, moment
from gameroom.clock import rfc3339

moments = st.integers(0, LAST_MOMENT)


@given(moments)
def test_a_moment_is_read_as_it_is_printed(millis: int) -> None:
    assert moment(rfc3339(millis)) == millis


@given(moments, st.integers(-23, 23))
def test_an_offset_shifts_and_none_is_utc(millis: int, hours: int) -> None:
    plain = rfc3339(millis).removesuffix("Z")
    assert moment(f"{plain}{hours:+03}:00") == moment(plain) - hours * 3_600_000


@given(st.integers(1, 999_999), st.sampled_from(sorted(UNIT_MS)))
def test_a_duration_is_a_number_and_a_unit(number: int, unit: str) -> None:
    assert duration(f"{number}{unit}") == number * UNIT_MS[unit] > 0


@given(st.text())
def test_whatever_is_written_is_read_or_refused_in_a_sentence(text: str) -> None:
    for read in (moment, duration):
        with suppress(ArgumentTypeError):
            assert isinstance(read(text), int)


@pytest.mark.parametrize("text", ["", "3", "d", "0d", "-1d", "3y", "3 d", "1.5h", "3D", "1000000m", "٣d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is no duration; write 90m, 12h, 3d or 2w"):
        duration(text)


@pytest.mark.parametrize("text", ["", "tomorrow", "12:00", "2026-02-30", "24.12.2026", "1800000000"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is no time; write 2026-12-24 or 2026-12-24T18:00:00Z"):
        moment(text)
