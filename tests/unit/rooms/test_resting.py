"""Rooms that nothing reaches: they take little memory, and are as they were once something does."""

import asyncio
import gc
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest

from gameroom.games.relay import Relay
from gameroom.protocol.commands import (
    CreateRoom,
    GameAction,
    JoinRoom,
    ResumeFrom,
    SendChat,
    SetReady,
    StartGame,
)
from gameroom.rooms import sweep
from gameroom.rooms.actor import Actor
from gameroom.rooms.journal import MemoryJournal, Snapshot, Unit
from gameroom.rooms.placement import MemoryPlacement
from gameroom.rooms.resting import Resting
from gameroom.rooms.room import Room
from gameroom.rooms.rooms import Answer
from tests.unit.rooms.games import Counter, Secrets
from tests.unit.rooms.node import ROOM, FailingPlacement, Node, node, turns, until
from tests.unit.rooms.scene import POLICY, Scene

SLEEPY = replace(POLICY, rest_after_s=1.0, evict_after_s=3.0, rooms_per_user=10_000, rooms_made=10_000)
FOUR = ("ann", "bob", "cid", "dot")


def only_actor(rooms: Node) -> Actor:
    (actor,) = rooms.rooms._actors.values()
    return actor


def pass_time(rooms: Node, seconds: float) -> None:
    rooms.clock.moment += int(seconds * 1000) + 1


async def in_play(rooms: Node, room_id: str = ROOM) -> None:
    """Four in a round of a game with secrets, each of whom has said something."""
    await rooms.do("ann", CreateRoom(game="secrets", id=f"create-{room_id}"), room_id)
    for user in FOUR[1:]:
        await rooms.do(user, JoinRoom(), room_id)
    for user in FOUR:
        await rooms.do(user, SetReady(ready=True, id=f"ready-{user}-{room_id}"), room_id)
        await rooms.do(user, SendChat(text="hello", id=f"hello-{user}-{room_id}"), room_id)
    await rooms.do("ann", StartGame(id=f"start-{room_id}"), room_id)


# --- as it was ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sweeps_often")
async def test_a_room_that_nothing_reaches_rests_until_something_does() -> None:
    async with node(policy=SLEEPY) as first:
        await in_play(first)
        await first.rooms.start()
        actor = only_actor(first)
        assert isinstance(actor.room, Room)
        pass_time(first, SLEEPY.rest_after_s)
        await until(lambda: isinstance(actor.room, Resting))
        again = await first.outcome("bob", SendChat(text="hello", id=f"hello-bob-{ROOM}"))
        assert isinstance(again, Answer) and again.repeated
        await first.do("bob", GameAction(action={"type": "draw"}))
        assert isinstance(actor.room, Room)


@pytest.mark.usefixtures("sweeps_often")
async def test_the_timer_of_a_room_at_rest_fires() -> None:
    async with node(policy=replace(SLEEPY, grace_ms=200)) as first:
        await in_play(first)
        first.rooms.detach(ROOM, "dot", "dot-1")
        await turns()
        await first.rooms.start()
        actor = only_actor(first)
        pass_time(first, SLEEPY.rest_after_s)
        await until(lambda: isinstance(actor.room, Resting))
        await until(lambda: "MEMBER_LEFT" in [record.kind for record in first.records()])


def test_play_that_is_not_journaled_is_as_it_was_after_a_rest() -> None:
    scene = Scene(Relay)
    scene.do("bob", JoinRoom())
    away = scene.copies.pop("bob")
    send = GameAction(action={"type": "send", "data": 1}, id="send")
    first = scene.ask("ann", send)
    scene.rest()
    again = scene.ask("ann", send)
    assert isinstance(first, Answer) and isinstance(again, Answer)
    assert (again.repeated, again.seq, again.data) == (True, first.seq, first.data)
    scene.copies["bob"] = away
    back = scene.ask("bob", JoinRoom(resume=ResumeFrom(away.epoch, away.seq)))
    assert isinstance(back, Answer)
    assert [msgspec.json.decode(frame)["type"] for frame in back.missed] == ["GAME_UPDATED"]


def test_what_unjournaled_play_changed_is_in_the_next_record_after_a_rest_too() -> None:
    scene = Scene(Counter)
    scene.do("ann", SetReady(ready=True))
    scene.do("ann", StartGame())
    scene.do("ann", GameAction(action={"type": "count"}))
    scene.rest()
    scene.do("ann", SendChat(text="hi"))
    assert scene.recovered().state.encoded["play"] == scene.room.state.encoded["play"]


def test_patches_go_on_from_the_same_view_after_a_rest() -> None:
    scene = Scene(Secrets)
    scene.do("bob", JoinRoom())
    for user in ("ann", "bob"):
        scene.do(user, SetReady(ready=True))
    scene.do("ann", StartGame())
    scene.do("ann", GameAction(action={"type": "draw"}))
    scene.rest()
    scene.do("bob", GameAction(action={"type": "draw"}))
    scene.verify()


# --- little memory --------------------------------------------------------------------------------------------


class Forgetful(MemoryJournal):
    """Keeps of each room its last snapshot only, so that what grows is the server's."""

    def append(self, unit: Unit) -> "asyncio.Future[None]":
        stored = super().append(unit)
        self.rooms[unit.room_id].records.clear()
        self.rooms[unit.room_id].birth = msgspec.structs.replace(
            self.rooms[unit.room_id].birth, command_id=None
        )
        return stored

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        await super().save_snapshot(snapshot)
        self.rooms[snapshot.room_id].records.clear()


@contextmanager
def traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("sweeps_often")
async def test_an_idle_room_of_four_takes_less_than_10_kilobytes() -> None:
    count = 100
    journal = Forgetful()
    async with node(journal, policy=SLEEPY) as first:
        await first.rooms.start()
        await in_play(first, "warm-up")
        with traced():
            for number in range(count):
                await in_play(first, f"room-{number}")
            pass_time(first, SLEEPY.rest_after_s)
            await until(
                lambda: all(isinstance(a.room, Resting) for a in first.rooms._actors.values()), patience_s=60
            )
            journal.rooms.clear()  # the database's, elsewhere
            gc.collect()
            each = tracemalloc.get_traced_memory()[0] / count
    assert each < 10_000


class Uncounted(MemoryPlacement):
    """Looks through all rooms for nobody: that is the database's work."""

    async def rooms_of(self, user_id: str) -> list[str]:
        return []


async def test_two_thousand_rooms_are_put_away_and_opened_again_without_growth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep, "SWEEP_S", 0.1)
    monkeypatch.setattr(FailingPlacement, "rooms_of", Uncounted.rooms_of)
    rooms = [f"room-{number}" for number in range(2_000)]
    never = 3_600_000  # what waits so long for its members must not keep its room meanwhile
    async with node(Forgetful(), policy=replace(SLEEPY, confirm_ms=never)) as first:
        for room_id in rooms:
            await first.do("ann", CreateRoom(game="tic-tac-toe"), room_id)
        await first.rooms.start()
        await all_put_away(first, rooms)
        blocks = [await blocks_after_a_cycle(first, rooms) for _ in range(4)]
    # The loop drops cancelled timers when half of all are such, so one cycle may hold more than the one before it;
    # what is never given back grows with every one.
    assert min(later - earlier for earlier, later in pairwise(blocks)) / len(rooms) < 0.1


async def blocks_after_a_cycle(first: Node, rooms: list[str]) -> int:
    """How many pieces of memory are in use once all rooms were opened and put away."""
    for room_id in rooms:
        await first.do("ann", JoinRoom(), room_id)
    await all_put_away(first, rooms)
    gc.collect()
    return sys.getallocatedblocks()


async def all_put_away(first: Node, rooms: list[str]) -> None:
    for room_id in rooms:
        first.rooms.detach(room_id, "ann", "ann-1")
    await until(lambda: all(a.room is None or a.room.is_quiet for a in first.rooms._actors.values()))
    pass_time(first, SLEEPY.evict_after_s)
    await until(lambda: first.rooms.open_now == 0, patience_s=60)
