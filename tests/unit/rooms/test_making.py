"""How many rooms one user may make in a minute."""

from dataclasses import replace

from gameroom.errors import RateLimited
from gameroom.protocol.commands import CreateRoom, LeaveRoom
from gameroom.rooms.making import WINDOW_S
from gameroom.rooms.rooms import Answer
from tests.unit.rooms.node import Node, node
from tests.unit.rooms.scene import POLICY

RELAY = CreateRoom(game="relay")
TWO = replace(POLICY, rooms_made=2)


async def make_two(node: Node) -> None:
    """And leave them, so that how many rooms the user is in is another matter."""
    for number in (1, 2):
        await node.do("ann", CreateRoom(game="relay", id=f"c{number}"), f"room-{number}")
        await node.do("ann", LeaveRoom(), f"room-{number}")


async def test_who_makes_rooms_without_end_is_told_to_wait() -> None:
    """Found by a reader: REST was limited, and a socket made 90 rooms in a quarter of a second."""
    async with node(policy=TWO) as first:
        await make_two(first)
        refused = await first.outcome("ann", RELAY, "room-3")
        assert isinstance(refused, RateLimited)
        assert refused.retryable and refused.retry_after_ms
        assert refused.retry_after_ms <= WINDOW_S * 1000 + 1
        assert "room-3" not in first.journal.rooms
        await first.do("bob", RELAY, "room-4")
        first.clock.moment += refused.retry_after_ms
        await first.do("ann", RELAY, "room-3")


async def test_who_makes_too_many_rooms_still_hears_of_those_made() -> None:
    async with node(policy=TWO) as first:
        await make_two(first)
        again = await first.outcome("ann", CreateRoom(game="relay", id="c1"), "another")
        assert isinstance(again, Answer)
        assert (again.room_id, again.repeated) == ("room-1", True)
