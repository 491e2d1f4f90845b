"""For tests of whole nodes."""

import pytest

from gameroom.rooms import local


@pytest.fixture
def sweeps_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "SWEEP_S", 0.001)
