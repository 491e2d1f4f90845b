"""The life of a server's parts: all of them are stopped, in order, whatever one of them does."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import FastAPI

from gameroom import app
from gameroom.app import Node
from gameroom.settings import Settings

PATIENCE_S = 5.0
STARTS = ["revocations.start", "rooms.start", "retention.start"]
STOPS = [
    "gateway.stop",
    "retention.stop",
    "rooms.stop",
    "rooms.abandon",
    "journal.close",
    "revocations.stop",
    "database.close",
]


class Parts:
    """Stand in for all parts of a node: they tell what is asked of them. `fail` and `hang` name calls that do so."""

    def __init__(self, *, fail: tuple[str, ...] = (), hang: tuple[str, ...] = ()) -> None:
        self.told: list[str] = []
        self.hanging = asyncio.Event()
        self._fail = fail
        self._hang = hang
        database, journal, rooms, retention, gateway, revocations = (
            cast(Any, _Part(name, self))
            for name in ("database", "journal", "rooms", "retention", "gateway", "revocations")
        )
        identity = cast(Any, SimpleNamespace(revocations=revocations))
        self.node = Node(database, journal, identity, rooms, retention, gateway)

    async def call(self, name: str) -> None:
        self.told.append(name)
        if name in self._hang:
            self.hanging.set()
            await asyncio.Event().wait()
        if name in self._fail:
            raise LookupError(name)

    async def live(self) -> None:
        async with asyncio.timeout(PATIENCE_S), self.node.span(FastAPI()):
            assert self.node.unready is None
            assert self.told == STARTS
            self.told.clear()


class _Part:
    def __init__(self, name: str, parts: Parts) -> None:
        self._name = name
        self._parts = parts

    def __getattr__(self, method: str) -> Any:
        return lambda: self._parts.call(f"{self._name}.{method}")


async def test_parts_stop_from_the_edges_to_the_database() -> None:
    parts = Parts()
    await parts.live()
    assert parts.told == STOPS
    assert parts.node.unready == "stopping"


@pytest.mark.parametrize("failing", STOPS)
async def test_a_part_that_cannot_be_stopped_does_not_keep_the_others_from_it(failing: str) -> None:
    parts = Parts(fail=(failing,))
    with pytest.raises(LookupError, match=failing):
        await parts.live()
    assert parts.told == STOPS


async def test_a_start_that_fails_is_cleaned_up() -> None:
    parts = Parts(fail=("rooms.start",))
    with pytest.raises(LookupError, match=r"rooms\.start"):
        await parts.live()
    assert parts.told[-len(STOPS) :] == STOPS


@pytest.mark.parametrize(("days", "kept_ms"), [(2, 172_800_000), (None, None)])
def test_closed_rooms_are_kept_as_long_as_the_settings_say(days: int | None, kept_ms: int | None) -> None:
    settings = Settings(closed_room_retention_days=days)
    retention = app._retention(settings, cast(Any, None), cast(Any, None))
    assert (retention and retention.keep_ms) == kept_ms


async def test_in_a_hurry_no_part_is_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "HURRIED_S", 0.01)
    parts = Parts(hang=("rooms.stop", "journal.close"))
    life = asyncio.create_task(parts.live())
    async with asyncio.timeout(PATIENCE_S):
        await parts.hanging.wait()
        parts.node.hurry()
        await life
    assert parts.told == STOPS


async def test_without_a_hurry_a_part_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "HURRIED_S", 0.01)
    parts = Parts(hang=("rooms.stop",))
    life = asyncio.create_task(parts.live())
    await parts.hanging.wait()
    await asyncio.wait((life,), timeout=0.1)
    assert not life.done()
    parts.node.hurry()
    await life
