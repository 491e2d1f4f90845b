"""A damaged journal closes its room, tells everybody so, and costs nobody else anything."""

import logging

import pytest
from msgspec import structs

from gameroom.bus.bus import RoomOver
from gameroom.errors import RoomClosed, RoomNotFound, Unavailable
from gameroom.protocol.commands import CreateRoom, JoinRoom, ResumeFrom, SendChat
from gameroom.rooms.journal import MemoryJournal, SealedRecord
from gameroom.rooms.rooms import Answer
from tests.unit.rooms.node import ROOM, Node, SlowAppends, node, turns, until

TIC_TAC_TOE = CreateRoom(game="tic-tac-toe")
PRIVATE = CreateRoom(game="tic-tac-toe", visibility="private")


def flip(journal: MemoryJournal, seq: int, room_id: str = ROOM) -> None:
    """Change a byte of the record."""
    record = journal.rooms[room_id].records[seq]
    journal.rooms[room_id].records[seq] = structs.replace(record, body=record.body[:-1] + b"?")


async def damaged_room(create: CreateRoom = TIC_TAC_TOE) -> MemoryJournal:
    """A room of ann's that its node has left, with a byte changed."""
    journal = MemoryJournal()
    await Node(journal).do("ann", create)
    flip(journal, 1)
    return journal


def stored(journal: MemoryJournal, room_id: str = ROOM) -> tuple[list[SealedRecord], object, object]:
    room = journal.rooms[room_id]
    return room.after(-1), room.snapshot, room.listing


async def test_a_damaged_room_is_closed_to_all_and_stays_as_it_was_stored() -> None:
    journal = await damaged_room()
    before = stored(journal)
    async with node(journal, "node-2") as present:
        for user in ("ann", "bob", "ann"):
            assert isinstance(await present.outcome(user, JoinRoom()), RoomClosed)
        assert present.placement.claimed == [ROOM]
    assert stored(journal) == before


async def test_who_looks_after_the_server_reads_where_the_damage_is(caplog: pytest.LogCaptureFixture) -> None:
    async with node(await damaged_room(), "node-2") as present:
        for _ in range(2):
            await present.outcome("ann", JoinRoom())
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert f"room {ROOM}" in line and "seq 1" in line and f"gameroom journal verify {ROOM}" in line


async def test_a_damaged_private_room_is_none_to_an_outsider() -> None:
    async with node(await damaged_room(PRIVATE), "node-2") as present:
        for _ in range(2):
            assert isinstance(await present.outcome("eve", JoinRoom()), RoomNotFound)
            assert isinstance(await present.outcome("ann", JoinRoom()), RoomClosed)
        present.placement.failures["rooms_of"].append(Unavailable("away"))
        assert isinstance(await present.outcome("eve", SendChat(text="hi")), Unavailable)


async def two_in_a_room(first: Node) -> None:
    await first.do("ann", TIC_TAC_TOE)
    await first.do("bob", JoinRoom())
    await first.do("ann", SendChat(text="hi", id="said"))
    await first.listen()


async def test_a_repeat_whose_record_is_damaged_closes_the_room() -> None:
    journal = MemoryJournal()
    async with node(journal) as first:
        await two_in_a_room(first)
        await first.do("cid", TIC_TAC_TOE, "another")
        flip(journal, 3)
        before = stored(journal)
        assert isinstance(await first.outcome("ann", SendChat(text="hi", id="said")), RoomClosed)
        await until(lambda: bool(first.heard))
        assert first.heard == [RoomOver(ROOM, "damaged")]
        assert isinstance(await first.outcome("bob", SendChat(text="are we on?")), RoomClosed)
        await first.do("cid", SendChat(text="we are"), "another")
    assert stored(journal) == before


async def test_a_resume_that_finds_a_record_missing_closes_the_room() -> None:
    journal = MemoryJournal()
    await two_in_a_room(Node(journal))
    async with node(journal, "node-2") as present:
        await present.do("ann", JoinRoom())
        del journal.rooms[ROOM].records[2]
        assert isinstance(await present.outcome("ann", JoinRoom(resume=ResumeFrom(1, 1))), RoomClosed)


async def test_what_was_decided_before_the_damage_was_seen_is_told_as_it_comes_out() -> None:
    journal = SlowAppends()
    async with node(journal) as first:
        await two_in_a_room(first)
        flip(journal, 3)
        journal.go.clear()
        again = first.ask("ann", SendChat(text="hi", id="said"))
        await turns(1)
        decided = first.ask("bob", SendChat(text="is decided"))
        assert isinstance(await again, RoomClosed)
        assert not decided.done() and first.heard == []
        journal.go.set()
        assert isinstance(await decided, Answer)
        await until(lambda: len(first.heard) == 2)
        assert first.heard[-1] == RoomOver(ROOM, "damaged")
        assert isinstance(await first.outcome("ann", SendChat(text="more")), RoomClosed)
