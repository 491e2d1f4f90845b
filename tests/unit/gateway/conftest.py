from collections.abc import AsyncIterator

import pytest

from gameroom.gateway import expiry, heartbeat
from tests.unit.gateway.fakes import Bench
from tests.unit.gateway.hand_timers import HandTimers


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.tasks.stop()


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> HandTimers:
    """Those of heartbeats and of tokens that end."""
    timers = HandTimers()
    for module in (expiry, heartbeat):
        monkeypatch.setattr(module, "get_running_loop", lambda: timers)
    return timers
