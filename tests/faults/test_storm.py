"""A small storm of deaths and lesser faults, in every run of the tests; `make faults` has the large one."""

from pathlib import Path

import pytest

from tests.kit.faults.run import Crowd
from tests.kit.faults.storm import Plan, storm_over_sqlite


@pytest.mark.parametrize("seed", [1])
async def test_a_small_storm_breaks_no_promise(tmp_path: Path, seed: int) -> None:
    outcome = await storm_over_sqlite(tmp_path, Plan(kills=3, crowd=Crowd(rooms=2, players=3, seed=seed)))
    assert outcome.run.findings == [], outcome.table()
    assert outcome.run.nemesis.deaths >= 3
    assert sum(attempt.acked for attempt in outcome.run.history.attempts) > 20
