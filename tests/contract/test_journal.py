"""What every journal promises; see `rooms.journal.Journal`."""

import asyncio
from collections.abc import Awaitable, Iterable
from itertools import product

import pytest

from gameroom.errors import Unavailable
from gameroom.rooms.journal import AppliedCommand, Born, Fenced, Refused, SealedRecord
from tests.contract.room_stores import Stores, birth, listing, record, snapshot, unit


async def seqs(stores: Stores, room_id: str) -> list[int]:
    """The seqs of all records that the room has."""
    return [stored.seq for stored in await stores.journal.read(room_id, -1, 10_000)]


# --- append ---------------------------------------------------------------------------------------------------


async def test_records_come_back_in_order_and_byte_for_byte(stores: Stores) -> None:
    await stores.journal.create(birth("r"))
    units = [
        unit(record("r", 2, body=b"\x00\xff"), record("r", 3)),
        unit(record("r", 4, command=("ann", "c1"))),
    ]
    for each in units:
        await stores.journal.append(each)
    stored = await stores.journal.read("r", 1, 10)
    assert stored == [*units[0].records, *units[1].records]


async def test_records_are_ordered_by_number(stores: Stores) -> None:
    await stores.journal.create(birth("r"))
    for seq in range(2, 120):
        await stores.journal.append(unit(record("r", seq)))
    assert await seqs(stores, "r") == list(range(1, 120))


async def test_read_starts_after_a_seq_and_stops_at_the_limit(stores: Stores) -> None:
    await stores.journal.create(birth("r"))
    await stores.journal.append(unit(*(record("r", seq) for seq in range(2, 10))))
    assert [stored.seq for stored in await stores.journal.read("r", 4, 3)] == [5, 6, 7]
    assert await stores.journal.read("r", 9, 3) == []
    assert await stores.journal.read("elsewhere", 0, 3) == []


async def test_the_same_unit_again_is_stored_once(stores: Stores) -> None:
    await stores.journal.create(birth("r"))
    again = unit(record("r", 2, command=("ann", "c1")), record("r", 3))
    await stores.journal.append(again)
    await stores.journal.append(again)
    assert await seqs(stores, "r") == [1, 2, 3]


async def test_another_record_of_the_same_seq_is_refused(stores: Stores) -> None:
    await stores.journal.create(birth("r"))
    await stores.journal.append(unit(record("r", 2)))
    with pytest.raises(Refused):
        await stores.journal.append(unit(record("r", 2, body=b"another")))
    assert [stored.body for stored in await stores.journal.read("r", 1, 10)] == [b"r/2"]


async def test_a_command_id_is_taken_once_per_user_and_room(stores: Stores) -> None:
    for room_id in ("r", "s"):
        await stores.journal.create(birth(room_id))
    await stores.journal.append(unit(record("r", 2, command=("ann", "c1"))))
    with pytest.raises(Refused):
        await stores.journal.append(unit(record("r", 3, command=("ann", "c1"))))
    await stores.journal.append(unit(record("r", 3, command=("bob", "c1"))))
    await stores.journal.append(unit(record("s", 2, command=("ann", "c1"))))
    assert await seqs(stores, "r") == [1, 2, 3]
    assert await seqs(stores, "s") == [1, 2]


@pytest.mark.parametrize("last", [record("r", 2), record("r", 4, command=("ann", "c1"))])
async def test_a_unit_is_stored_whole_or_not_at_all(stores: Stores, last: SealedRecord) -> None:
    await stores.journal.create(birth("r"))
    await stores.journal.append(unit(record("r", 2, body=b"first", command=("ann", "c1"))))
    with pytest.raises(Refused):
        closed = listing("r", status="closed")
        await stores.journal.append(unit(record("r", 3), last, listing=closed))
    assert await seqs(stores, "r") == [1, 2]
    assert await stores.placement.rooms_of("ann") == ["r"]


async def test_a_refused_unit_harms_no_other_of_its_batch(stores: Stores) -> None:
    rooms = [f"r{n:02}" for n in range(30)]
    for room_id in rooms:
        await stores.journal.create(birth(room_id))
    await stores.journal.append(unit(record("r17", 2)))
    appends = [stores.journal.append(unit(record(room_id, 2, body=b"new"))) for room_id in rooms]
    outcomes = await asyncio.gather(*appends, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {type(None), Refused}
    assert [room_id for room_id, outcome in zip(rooms, outcomes, strict=True) if outcome] == ["r17"]
    for room_id in rooms:
        expected = b"r17/2" if room_id == "r17" else b"new"
        assert [stored.body for stored in await stores.journal.read(room_id, 1, 10)] == [expected]


async def test_the_next_unit_of_a_refused_room_is_stored(stores: Stores) -> None:
    await stores.journal.create(birth("r"))
    with pytest.raises(Refused):
        await stores.journal.append(unit(record("r", 1, body=b"another")))
    await stores.journal.append(unit(record("r", 2)))
    assert await seqs(stores, "r") == [1, 2]


# --- the fence ------------------------------------------------------------------------------------------------


async def test_an_append_to_a_room_that_is_not_there_is_fenced(stores: Stores) -> None:
    with pytest.raises(Fenced):
        await stores.journal.append(unit(record("nowhere", 1)))
    assert await seqs(stores, "nowhere") == []


async def test_the_fence_in_every_order_of_three_steps(stores: Stores) -> None:
    """Two nodes claim, release, append and save in any order: stored is what the present owner wrote, no more."""
    steps = product(("claim", "release", "append", "save"), "ab")
    for number, order in enumerate(product(steps, repeat=3)):
        await _Fencing(stores, f"r{number}").run(order)


class _Fencing:
    """One room that is created by node a, and a model of who owns it."""

    def __init__(self, stores: Stores, room_id: str) -> None:
        self.stores = stores
        self.room_id = room_id
        self.terms = {"a": 1, "b": 0}
        self.owner: str | None = "a"
        self.term = 1
        self.stored = [1]
        self.saved: int | None = None

    async def run(self, order: Iterable[tuple[str, str]]) -> None:
        await self.stores.journal.create(birth(self.room_id, home="a"))
        steps = {"claim": self.claim, "release": self.release, "append": self.append, "save": self.save}
        for step, node in order:
            await steps[step](node)
        for node in "ab":
            await self.append(node)
            await self.save(node)
        recovery = await self.stores.journal.recover(self.room_id)
        assert (recovery.snapshot.seq if recovery.snapshot else None) == self.saved
        assert await seqs(self.stores, self.room_id) == self.stored

    async def claim(self, node: str) -> None:
        claim = await self.stores.placement.claim(self.room_id, node)
        assert claim is not None
        assert claim.term == self.term + 1
        self.owner, self.term = node, claim.term
        self.terms[node] = claim.term

    async def release(self, node: str) -> None:
        await self.stores.placement.release(self.room_id, self.terms[node])
        if self.terms[node] == self.term:
            self.owner = None

    async def append(self, node: str) -> None:
        seq = self.stored[-1] + 1
        appended = unit(record(self.room_id, seq, term=self.terms[node]))
        if await self._allowed(node, self.stores.journal.append(appended)):
            self.stored.append(seq)

    async def save(self, node: str) -> None:
        saved = snapshot(self.room_id, self.stored[-1], term=self.terms[node])
        if await self._allowed(node, self.stores.journal.save_snapshot(saved)):
            self.saved = self.stored[-1]

    async def _allowed(self, node: str, written: Awaitable[None]) -> bool:
        try:
            await written
        except Fenced:
            assert not self._owns(node)
            return False
        assert self._owns(node)
        return True

    def _owns(self, node: str) -> bool:
        return self.owner is not None and self.terms[node] == self.term


async def test_appends_that_race_with_a_claim_are_stored_or_fenced_never_both(stores: Stores) -> None:
    rooms = [f"r{n:02}" for n in range(40)]
    for room_id in rooms:
        await stores.journal.create(birth(room_id))
    early = [stores.journal.append(unit(record(room_id, 2))) for room_id in rooms[:20]]
    claims = [asyncio.ensure_future(stores.placement.claim(room_id, "node-b")) for room_id in rooms]
    await asyncio.wait(claims, return_when=asyncio.FIRST_COMPLETED)
    late = [stores.journal.append(unit(record(room_id, 2))) for room_id in rooms[20:]]
    heads = [await _head_after(stores, claim, room_id) for claim, room_id in zip(claims, rooms, strict=True)]
    outcomes = await asyncio.gather(*early, *late, return_exceptions=True)
    for room_id, head, outcome in zip(rooms, heads, outcomes, strict=True):
        assert outcome is None or isinstance(outcome, Fenced)
        assert head == (2 if outcome is None else 1)
        assert await seqs(stores, room_id) == list(range(1, head + 1))


async def _head_after(stores: Stores, claim: Awaitable[object], room_id: str) -> int:
    """The last seq that the new owner sees; nothing of the old one may come after it."""
    await claim
    return (await seqs(stores, room_id))[-1]


async def test_a_fenced_unit_harms_no_other_of_its_batch(stores: Stores) -> None:
    rooms = [f"r{n:02}" for n in range(30)]
    for room_id in rooms:
        await stores.journal.create(birth(room_id))
    await stores.placement.claim("r05", "node-b")
    appends = [stores.journal.append(unit(record(room_id, 2))) for room_id in rooms]
    outcomes = await asyncio.gather(*appends, return_exceptions=True)
    lost = [room_id for room_id, outcome in zip(rooms, outcomes, strict=True) if isinstance(outcome, Fenced)]
    assert lost == ["r05"]
    assert [len(await seqs(stores, room_id)) for room_id in rooms] == [1 if r == "r05" else 2 for r in rooms]


# --- create ---------------------------------------------------------------------------------------------------


async def test_a_new_room_has_its_first_records(stores: Stores) -> None:
    born = await stores.journal.create(birth("r", command_id="c1"))
    assert (born.room_id, born.input_hash, born.repeated) == ("r", b"input", False)
    assert await stores.journal.read("r", -1, 10) == [record("r", 1)]


async def test_the_same_create_makes_one_room(stores: Stores) -> None:
    await stores.journal.create(birth("r", command_id="c1", input_hash=b"first"))
    again = await stores.journal.create(birth("s", command_id="c1", input_hash=b"second"))
    assert (again.room_id, again.input_hash, again.repeated) == ("r", b"first", True)
    assert await seqs(stores, "s") == []
    assert (await stores.journal.create(birth("r", command_id="c1"))).repeated


async def test_the_room_that_a_create_made_is_found(stores: Stores) -> None:
    await stores.journal.create(birth("r", creator="ann", command_id="c1", input_hash=b"first"))
    assert await stores.journal.born("ann", "c1") == Born("r", b"first", repeated=True)
    assert await stores.journal.born("ann", "c2") is None
    assert await stores.journal.born("bob", "c1") is None


async def test_others_may_use_the_same_id_to_create(stores: Stores) -> None:
    await stores.journal.create(birth("r", creator="ann", command_id="c1"))
    born = await stores.journal.create(birth("s", creator="bob", command_id="c1"))
    assert (born.room_id, born.repeated) == ("s", False)


async def test_creates_without_an_id_are_never_repeats(stores: Stores) -> None:
    born = [await stores.journal.create(birth(room_id)) for room_id in ("r", "s")]
    assert [each.room_id for each in born if not each.repeated] == ["r", "s"]


async def test_of_the_same_create_at_once_one_makes_the_room(stores: Stores) -> None:
    births = [birth(f"r{n}", command_id="c1") for n in range(10)]
    born = await asyncio.gather(*(stores.journal.create(each) for each in births))
    assert len({each.room_id for each in born}) == 1
    assert sorted(each.repeated for each in born) == [False, *[True] * 9]
    assert sorted(await stores.placement.rooms_of("ann")) == [born[0].room_id]


async def test_a_room_id_or_an_invite_code_that_is_taken_makes_no_room(stores: Stores) -> None:
    await stores.journal.create(birth("r", listed=listing("r", code="ABCD")))
    with pytest.raises(Unavailable):
        await stores.journal.create(birth("s", listed=listing("s", code="ABCD")))
    with pytest.raises(Unavailable):
        await stores.journal.create(birth("r", listed=listing("r", code="OTHER")))
    assert await seqs(stores, "s") == []
    assert await stores.placement.room_of_code("ABCD") == "r"
    assert await stores.placement.room_of_code("OTHER") is None


async def test_the_invite_code_of_a_closed_room_is_free_again(stores: Stores) -> None:
    await stores.journal.create(birth("r", listed=listing("r", code="ABCD")))
    await stores.journal.append(unit(record("r", 2), listing=listing("r", code="ABCD", status="closed")))
    await stores.journal.create(birth("s", listed=listing("s", code="ABCD")))
    assert await stores.placement.room_of_code("ABCD") == "s"


# --- recovery -------------------------------------------------------------------------------------------------


async def test_a_room_without_snapshot_is_recovered_from_all_its_records(stores: Stores) -> None:
    await stores.journal.create(birth("r"))
    await stores.journal.append(unit(record("r", 2)))
    recovery = await stores.journal.recover("r")
    assert recovery.snapshot is None
    assert recovery.records == [record("r", 1), record("r", 2)]


async def test_a_room_is_recovered_from_its_snapshot_and_what_came_after(stores: Stores) -> None:
    await stores.journal.create(birth("r"))
    for seq in range(2, 8):
        await stores.journal.append(unit(record("r", seq)))
    await stores.journal.save_snapshot(snapshot("r", 3))
    await stores.journal.save_snapshot(snapshot("r", 5))
    recovery = await stores.journal.recover("r")
    assert recovery.snapshot == snapshot("r", 5)
    assert recovery.records == [record("r", 6), record("r", 7)]


async def test_recovery_knows_the_commands_from_before_the_snapshot(stores: Stores) -> None:
    await stores.journal.create(birth("r"))
    await stores.journal.append(unit(record("r", 2, command=("ann", "c1")), record("r", 3)))
    await stores.journal.save_snapshot(snapshot("r", 3))
    await stores.journal.append(unit(record("r", 4, command=("bob", "c1"))))
    recovery = await stores.journal.recover("r")
    assert recovery.commands == [
        AppliedCommand("ann", "c1", b"input", 2),
        AppliedCommand("bob", "c1", b"input", 4),
    ]


async def test_a_room_that_is_not_there_recovers_as_nothing(stores: Stores) -> None:
    recovery = await stores.journal.recover("nowhere")
    assert (recovery.snapshot, recovery.records, recovery.commands) == (None, [], [])


async def test_a_late_snapshot_does_not_replace_a_newer_one(stores: Stores) -> None:
    await stores.journal.create(birth("r"))
    for seq in (2, 3):
        await stores.journal.append(unit(record("r", seq)))
    for seq in (3, 2):
        await stores.journal.save_snapshot(snapshot("r", seq))
    assert (await stores.journal.recover("r")).snapshot == snapshot("r", 3)


async def test_the_snapshot_of_a_former_owner_is_fenced(stores: Stores) -> None:
    await stores.journal.create(birth("r"))
    await stores.journal.save_snapshot(snapshot("r", 1))
    await stores.placement.claim("r", "node-b")
    with pytest.raises(Fenced):
        await stores.journal.save_snapshot(snapshot("r", 2, term=1))
    assert (await stores.journal.recover("r")).snapshot == snapshot("r", 1)


async def test_a_fenced_snapshot_harms_no_other_that_is_kept_with_it(stores: Stores) -> None:
    rooms = [f"r{number}" for number in range(5)]
    for room_id in rooms:
        await stores.journal.create(birth(room_id))
    await stores.placement.claim("r1", "node-b")
    await stores.placement.release("r3", 1)
    saving = (stores.journal.save_snapshot(snapshot(room_id, 1)) for room_id in rooms)
    outcomes = await asyncio.gather(*saving, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), Fenced, type(None), Fenced, type(None)]
    kept = [(await stores.journal.recover(room_id)).snapshot for room_id in rooms]
    assert kept == [snapshot("r0", 1), None, snapshot("r2", 1), None, snapshot("r4", 1)]


async def test_closing_and_opening_keeps_all_that_was_acknowledged(stores: Stores) -> None:
    await stores.journal.create(birth("r", command_id="c0", input_hash=b"first"))
    await stores.journal.append(unit(record("r", 2, command=("ann", "c1"))))
    await stores.journal.save_snapshot(snapshot("r", 2))
    await stores.journal.append(unit(record("r", 3), listing=listing("r", members=("ann", "bob"))))
    before = await stores.journal.recover("r")
    await stores.reopen()
    assert await stores.journal.recover("r") == before
    assert await seqs(stores, "r") == [1, 2, 3]
    assert await stores.placement.rooms_of("bob") == ["r"]
    again = await stores.journal.create(birth("s", command_id="c0"))
    assert (again.room_id, again.input_hash, again.repeated) == ("r", b"first", True)
    await stores.journal.append(unit(record("r", 3), listing=None))
    with pytest.raises(Refused):
        await stores.journal.append(unit(record("r", 4, command=("ann", "c1"))))
