from collections.abc import AsyncIterator

import pytest

from tests.unit.gateway.fakes import Bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.tasks.stop()
