"""For tests of whole nodes."""

import pytest

from gameroom.rooms import sweep


@pytest.fixture
def sweeps_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "SWEEP_S", 0.001)
