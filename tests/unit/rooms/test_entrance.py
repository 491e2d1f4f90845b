"""In how many rooms a user may be, and that nothing is overtaken while they are counted."""

import asyncio
from dataclasses import replace

import pytest

from gameroom.errors import GameroomError, TooManyRooms, Unavailable
from gameroom.protocol.commands import CloseRoom, CreateRoom, GetRoom, JoinRoom, LeaveRoom, SendChat
from gameroom.rooms import entrance
from gameroom.rooms.refusals import REFUSAL_MS
from gameroom.rooms.rooms import Answer, Outcome
from tests.unit.rooms.node import Node, node, turns
from tests.unit.rooms.scene import POLICY

RELAY = CreateRoom(game="relay")
TWO = replace(POLICY, rooms_per_user=2)


def code(outcome: Outcome) -> str | None:
    return outcome.code if isinstance(outcome, GameroomError) else None


async def fill(node: Node, user: str = "bob") -> None:
    """The user is in as many rooms as it may be in."""
    for room_id in ("own-1", "own-2"):
        await node.do(user, RELAY, room_id)


async def test_who_is_in_enough_rooms_comes_into_no_other_and_makes_none() -> None:
    async with node(policy=TWO) as first:
        await first.do("ann", RELAY)
        await fill(first)
        for command in (JoinRoom(), JoinRoom(role="spectator")):
            refused = await first.outcome("bob", command)
            assert isinstance(refused, TooManyRooms)
            assert refused.params == {"limit": 2}
        assert code(await first.outcome("bob", RELAY, "own-3")) == "too_many_rooms"
        assert sorted(first.journal.rooms) == ["own-1", "own-2", "the-room"]


@pytest.mark.parametrize("end", [LeaveRoom(), CloseRoom()])
async def test_a_room_that_is_left_or_closed_makes_place(end: LeaveRoom | CloseRoom) -> None:
    async with node(policy=TWO) as first:
        await first.do("ann", RELAY)
        await fill(first)
        await first.do("bob", end, "own-1")
        await first.do("bob", JoinRoom())


async def test_a_member_comes_back_however_many_rooms_it_is_in() -> None:
    async with node(policy=TWO) as first:
        await fill(first)
        first.placement.counted.clear()
        await first.do("bob", JoinRoom(), "own-1")
        assert first.placement.counted == []
    async with node(first.journal, "node-2", policy=replace(POLICY, rooms_per_user=1)) as second:
        await second.do("bob", JoinRoom(), "own-1")
        await second.do("bob", JoinRoom(), "own-2")


async def test_what_was_done_is_answered_again_however_many_rooms_it_is_in() -> None:
    async with node(policy=TWO) as first:
        await first.do("bob", CreateRoom(game="relay", id="c"), "own-1")
        await first.do("ann", RELAY)
        await first.do("bob", JoinRoom(id="j"))
        again = await first.outcome("bob", CreateRoom(game="relay", id="c"), "own-9")
        assert isinstance(again, Answer)
        assert (again.room_id, again.repeated) == ("own-1", True)
        repeated = await first.outcome("bob", JoinRoom(id="j"))
        assert isinstance(repeated, Answer)
        assert repeated.repeated
        other = await first.outcome("bob", CreateRoom(game="relay", name="other", id="c"), "own-9")
        assert code(other) == "id_reused"
        assert (
            code(await first.outcome("bob", CreateRoom(game="relay", id="new"), "own-9")) == "too_many_rooms"
        )


async def test_a_late_copy_of_a_refused_create_makes_no_room() -> None:
    """It made one as soon as its sender had left another."""
    create = CreateRoom(game="relay", id="c")
    async with node(policy=TWO) as first:
        await fill(first)
        assert code(await first.outcome("bob", create, "new")) == "too_many_rooms"
        await first.do("bob", LeaveRoom(), "own-1")
        for _ in range(2):
            late = await first.outcome("bob", create, "new")
            assert isinstance(late, TooManyRooms)
            assert late.message.count("take a new one") == 1
        other = await first.outcome("bob", CreateRoom(game="tic-tac-toe", id="c"), "new")
        assert code(other) == "id_reused"
        await first.do("ann", create, "anns")
        first.clock.moment += REFUSAL_MS
        await first.do("bob", create, "new")


async def test_the_room_of_a_create_is_found_whatever_its_id_was_refused_for_later() -> None:
    create = CreateRoom(game="relay", id="c")
    async with node() as first:
        await first.do("bob", create, "own")
        for game in ("tic-tac-toe", "no-such-game"):
            assert code(await first.outcome("bob", CreateRoom(game=game, id="c"), "new")) == "id_reused"
        again = await first.outcome("bob", create, "new")
        assert isinstance(again, Answer)
        assert again.room_id == "own"


async def test_of_two_that_are_under_way_at_the_limit_the_first_comes_in() -> None:
    async with node(policy=TWO) as first:
        await first.do("ann", RELAY)
        await first.do("ann", RELAY, "other")
        await first.do("bob", RELAY, "own")
        asked = [
            first.ask("bob", JoinRoom()),
            first.ask("bob", JoinRoom(), "other"),
            first.ask("bob", RELAY, "new"),
        ]
        outcomes = [code(await told) for told in asked]
        assert outcomes == [None, "too_many_rooms", "too_many_rooms"]
        await first.do("bob", LeaveRoom())
        await first.do("bob", JoinRoom(), "other")


async def test_a_member_that_leaves_while_it_comes_back_has_kept_its_place() -> None:
    async with node(policy=TWO) as first:
        await first.do("ann", RELAY)
        await first.do("bob", JoinRoom())
        await first.do("bob", RELAY, "own")
        asked = [first.ask("bob", LeaveRoom()), first.ask("bob", JoinRoom()), first.ask("bob", RELAY, "new")]
        assert [code(await told) for told in asked] == [None, None, "too_many_rooms"]


async def test_nothing_overtakes_a_newcomer_that_is_being_counted() -> None:
    async with node() as first:
        await first.do("ann", RELAY)
        first.placement.may_count.clear()
        order: list[str] = []
        for name, command in {"join": JoinRoom(), "chat": SendChat(text="hi"), "get": GetRoom()}.items():
            first.submit("bob", command, lambda outcome, name=name: order.append(f"{name} {code(outcome)}"))
        await turns()
        assert order == []
        await first.do("ann", SendChat(text="nobody else waits"))
        first.placement.may_count.set()
        await first.outcome("bob", GetRoom())
        assert order == ["join None", "chat None", "get None"]


async def test_a_connection_that_goes_while_its_join_is_counted_does_not_stay() -> None:
    async with node() as first:
        await first.do("ann", RELAY)
        first.placement.may_count.clear()
        joined = first.ask("bob", JoinRoom())
        await turns()
        first.rooms.detach("the-room", "bob", "bob-1")
        first.placement.may_count.set()
        assert isinstance(await joined, Answer)
        assert (await first.do("ann", GetRoom()))["room"]["members"]["bob"]["connected"] is False


async def test_there_is_an_end_of_what_waits_behind_a_join(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "MAX_BEHIND", 1)
    async with node() as first:
        await first.do("ann", RELAY)
        first.placement.may_count.clear()
        first.ask("bob", JoinRoom())
        waiting, refused = first.ask("bob", GetRoom()), first.ask("bob", GetRoom())
        assert code(await refused) == "unavailable"
        first.placement.may_count.set()
        assert isinstance(await waiting, Answer)


@pytest.mark.parametrize(
    ("failure", "expected"), [(Unavailable("away"), "unavailable"), (ValueError("a bug"), "internal")]
)
async def test_who_cannot_be_counted_is_told(failure: Exception, expected: str) -> None:
    async with node() as first:
        await first.do("ann", RELAY)
        for command, room_id in ((JoinRoom(), "the-room"), (RELAY, "new")):
            first.placement.failures["rooms_of"] = [failure]
            assert code(await first.outcome("bob", command, room_id)) == expected
        await first.do("bob", JoinRoom())


async def test_who_is_counted_for_too_long_is_told_in_time() -> None:
    async with node(policy=replace(POLICY, command_deadline_s=0.05)) as first:
        await first.do("ann", RELAY)
        first.placement.may_count.clear()
        assert code(await first.outcome("bob", JoinRoom())) == "unavailable"
        first.placement.may_count.set()
        await first.do("bob", JoinRoom())


async def test_who_is_counted_when_the_server_stops_is_told() -> None:
    first = Node((await _with_room()).journal)
    first.placement.may_count.clear()
    joined = first.ask("bob", JoinRoom())
    await turns()
    stop = asyncio.create_task(first.rooms.stop())
    await turns()
    first.placement.may_count.set()
    await stop
    assert code(await joined) == "unavailable"


async def _with_room() -> Node:
    async with node() as first:
        await first.do("ann", RELAY)
    return first
