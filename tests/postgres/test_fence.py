"""Who may write in a room, where several nodes write at once: every interleaving of their sessions."""

import asyncio
from collections.abc import Iterator
from functools import partial
from itertools import count, permutations

import pytest

from gameroom.rooms.journal import Fenced, Listing, Unit
from gameroom.storage.postgres import Postgres
from tests.contract.room_stores import birth, listing, record, unit
from tests.kit.postgres import execute
from tests.postgres.sessions import DEADLINE_S, GATES, Gate, Node, Sessions

ids = count()


@pytest.fixture(scope="module")
def own_url(own_url: str) -> str:
    execute(own_url, *GATES)
    return own_url


def interleavings(*names: str) -> Iterator[tuple[str, ...]]:
    """Every order of the beginnings and ends of these."""
    steps = [name for name in names for _ in range(2)]
    yield from sorted(set(permutations(steps)))


def joined(room_id: str) -> Listing:
    return listing(room_id, members=("ann", "bob"))


class Story:
    """One room, an append that is sent twice by its owner (after a doubt), and a claim by another node.

    Each begins, waits in the middle with all its locks, and ends when it is told to (and nobody is in its way).
    """

    def __init__(self, sessions: Sessions, owner: Node, claimer: Node, ghost: Node) -> None:
        self.sessions = sessions
        self.nodes = {"append": owner, "again": ghost, "claim": claimer}
        self.room_id = f"r{next(ids)}"
        self.gates: dict[str, Gate] = {}
        self.tasks: dict[str, asyncio.Future[object]] = {}

    async def run(self, order: tuple[str, ...], appended: Unit) -> dict[str, object]:
        """What each was told: a result, or an exception."""
        for name in order:
            if name in self.gates:
                self.gates[name].open()
            else:
                self.gates[name] = Gate(self.sessions, name)
                self.tasks[name] = asyncio.ensure_future(self.do(name, appended))
            await self.sessions.until_waiting(name, self.tasks[name])
        async with asyncio.timeout(DEADLINE_S):
            told = await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        return dict(zip(self.tasks, told, strict=True))

    async def do(self, name: str, appended: Unit) -> object:
        node = self.nodes[name]
        if name == "append":
            return await node.journal.append(appended)
        if name == "again":
            return await node.database.append(partial(node.database.backend.settle, unit=appended))
        await node.placement.claim(self.room_id, "claimer")
        return await self.head()

    async def head(self) -> int:
        """What a new owner reads, right after its claim."""
        return (await self.nodes["claim"].journal.read(self.room_id, -1, 100))[-1].seq


@pytest.fixture
async def nodes(sessions: Sessions) -> dict[str, Node]:
    """Three nodes, whose sessions have these names."""
    return {name: await sessions.node(name) for name in ("append", "again", "claim")}


@pytest.mark.parametrize(
    ("who", "listed"),
    [(("append", "claim"), False), (("append", "claim"), True), (("append", "again", "claim"), True)],
)
async def test_the_late_append_of_a_former_owner_in_every_interleaving(
    sessions: Sessions, nodes: dict[str, Node], who: tuple[str, ...], listed: bool
) -> None:
    """What has begun before the claim is stored and seen by it; what comes after is fenced; nothing is both."""
    for order in interleavings(*who):
        story = Story(sessions, nodes["append"], nodes["claim"], nodes["again"])
        await nodes["append"].journal.create(birth(story.room_id))
        appended = unit(record(story.room_id, 2), listing=joined(story.room_id) if listed else None)
        told = await story.run(order, appended)
        in_time = order[0] != "claim"
        assert told["claim"] == (2 if in_time else 1), order
        # Of what is sent twice, the second is told: nobody listens to the first any more.
        assert told[who[-2]] is None if in_time else isinstance(told[who[-2]], Fenced), order
        assert await story.head() == (2 if in_time else 1), order
        members = await nodes["claim"].placement.rooms_of("bob")
        assert (story.room_id in members) == (in_time and listed), order


async def test_two_appends_to_one_room_do_not_block_each_other(
    sessions: Sessions, nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever each of them changes: with shared locks one would be shot as the way out of a deadlock."""
    given_way: list[str | None] = []
    monkeypatch.setattr(Postgres, "gave_way", lambda _, error: given_way.append(str(error.orig)))
    for order in interleavings("append", "again"):
        story = Story(sessions, nodes["append"], nodes["claim"], nodes["again"])
        await nodes["append"].journal.create(birth(story.room_id))
        appended = unit(record(story.room_id, 2), listing=joined(story.room_id))
        assert await story.run(order, appended) == {"append": None, "again": None}
    assert not [error for error in given_way if "deadlock" in error]
