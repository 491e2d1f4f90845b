"""Revocations: each is told once, in whatever order it becomes visible, and a failing poll stops nothing."""

import asyncio

import pytest

from gameroom.errors import Unavailable
from gameroom.identity.revocations import LOOK_BACK, OVERLAP_S, Revocation, Revocations
from tests.unit.identity.hand_clock import HandClock

DEADLINE_S = 10


def revocation(number: int) -> Revocation:
    return Revocation(number=number, sign_in_id=f"s{number}", user_id="ada", why="signed_out")


class Table:
    """Implements `RevocationStore`; rows become visible when the test says so."""

    def __init__(self) -> None:
        self.visible: dict[int, Revocation] = {}
        self.failures = 0

    def show(self, *numbers: int) -> None:
        self.visible |= {number: revocation(number) for number in numbers}

    async def revocations(self, after: int, limit: int) -> list[Revocation]:
        if self.failures:
            self.failures -= 1
            raise Unavailable("The database is away")
        later = sorted(number for number in self.visible if number > after)
        return [self.visible[number] for number in later[:limit]]

    async def last_revocation(self) -> int:
        return max(self.visible, default=0)


class Listener:
    """Keeps what it is told, and tells when enough has come."""

    def __init__(self, enough: int) -> None:
        self.numbers: list[int] = []
        self.heard_enough = asyncio.Event()
        self._enough = enough

    def __call__(self, revocation: Revocation) -> None:
        self.numbers.append(revocation.number)
        if len(self.numbers) >= self._enough:
            self.heard_enough.set()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def table() -> Table:
    return Table()


async def test_each_is_told_once_to_everybody(clock: HandClock, table: Table) -> None:
    revocations, one, other = Revocations(table, clock), Listener(1), Listener(1)
    revocations.watch(one)
    revocations.watch(other)
    table.show(1, 2)
    await revocations.poll()
    table.show(3)
    await revocations.poll()
    assert one.numbers == other.numbers == [1, 2, 3]


async def test_one_that_commits_after_a_higher_number_is_not_missed(clock: HandClock, table: Table) -> None:
    revocations, listener = Revocations(table, clock), Listener(1)
    revocations.watch(listener)
    table.show(1, 3)
    await revocations.poll()
    clock.pass_s(OVERLAP_S - 1)
    table.show(2, 4)
    await revocations.poll()
    assert listener.numbers == [1, 3, 2, 4]


async def test_what_is_long_past_is_neither_read_nor_remembered(clock: HandClock, table: Table) -> None:
    revocations, listener = Revocations(table, clock), Listener(1)
    revocations.watch(listener)
    table.show(*range(1, 1200))
    await revocations.poll()
    clock.pass_s(OVERLAP_S + 1)
    await revocations.poll()
    table.show(500, 1200)
    await revocations.poll()
    assert listener.numbers == list(range(1, 1201))


class Faint:
    """A watcher that breaks, until it has broken often enough."""

    def __init__(self, failures: int) -> None:
        self.numbers: list[int] = []
        self._failures = failures

    def __call__(self, revocation: Revocation) -> None:
        if self._failures:
            self._failures -= 1
            raise LookupError("the watcher's own bug")
        self.numbers.append(revocation.number)


async def test_a_watcher_that_breaks_is_told_again_and_keeps_nobody_from_hearing(
    clock: HandClock, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    revocations, faint, sound = Revocations(table, clock), Faint(1), Listener(1)
    revocations.watch(faint)
    revocations.watch(sound)
    table.show(1, 2)
    await revocations.poll()
    assert set(sound.numbers) == {1, 2}
    assert faint.numbers == [2]
    await revocations.poll()
    assert faint.numbers == [2, 1]
    assert "Cannot pass a revocation on" in caplog.text


async def test_a_starting_node_looks_back_a_little(clock: HandClock, table: Table) -> None:
    table.show(1, 2, LOOK_BACK + 2)
    revocations, listener = Revocations(table, clock, interval_s=0.001), Listener(1)
    revocations.watch(listener)
    await revocations.start()
    async with asyncio.timeout(DEADLINE_S):
        await listener.heard_enough.wait()
    await revocations.stop()
    assert listener.numbers == [LOOK_BACK + 2]


async def test_a_failing_poll_is_logged_and_the_next_one_comes(
    clock: HandClock, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    revocations, listener = Revocations(table, clock, interval_s=0.001), Listener(1)
    revocations.watch(listener)
    await revocations.start()
    table.failures = 2
    table.show(1)
    async with asyncio.timeout(DEADLINE_S):
        await listener.heard_enough.wait()
    await revocations.stop()
    assert listener.numbers == [1]
    assert "Cannot read revocations" in caplog.text


async def test_after_stop_nobody_is_told(clock: HandClock, table: Table) -> None:
    revocations, listener = Revocations(table, clock, interval_s=0.001), Listener(1)
    revocations.watch(listener)
    await revocations.start()
    await revocations.stop()
    table.show(1)
    await asyncio.sleep(0.02)
    assert listener.numbers == []
    await revocations.stop()
