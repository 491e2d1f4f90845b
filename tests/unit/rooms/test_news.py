"""News of accounts find their way to the rooms, or the rooms find out when they are opened."""

import asyncio

import msgspec
import pytest

from gameroom.errors import InternalError, RoomFull, Unavailable
from gameroom.protocol.commands import CreateRoom, GetRoom, JoinRoom, SendChat
from gameroom.rooms import news
from gameroom.rooms.entries import CardNews
from gameroom.rooms.journal import MemoryJournal
from gameroom.rooms.rooms import Card, Outcome
from tests.unit.rooms.node import ROOM, Node, SlowAppends, node, turns, until

RELAY = CreateRoom(game="relay")
TIC_TAC_TOE = CreateRoom(game="tic-tac-toe")
NEW = Card("Robert", None)
NEWER = Card("Bobby", None)


async def names(node: Node) -> list[str]:
    view = (await node.do("ann", GetRoom()))["room"]
    return [member["display_name"] for member in view["members"].values()]


def kinds(node: Node, room_id: str = ROOM) -> list[str]:
    return [record.kind for record in node.records(room_id)]


async def test_an_open_room_shows_a_new_card() -> None:
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        await first.do("bob", JoinRoom())
        first.rooms.card_changed("bob", NEW)
        await until(lambda: kinds(first)[-1] == "MEMBER_UPDATED")
        assert await names(first) == ["Ann", "Robert"]


async def test_a_room_that_is_not_open_is_left_alone_and_reads_the_card_later() -> None:
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        await first.do("bob", JoinRoom())
    async with node(first.journal, "node-2") as second:
        second.everybody.renamed["bob"] = NEW
        second.rooms.card_changed("bob", NEW)
        await until(lambda: second.placement.counted == ["bob"])
        await turns()
        assert second.placement.claimed == []
        before = len(second.records())
        await second.do("ann", JoinRoom())
        assert await names(second) == ["Ann", "Robert"]
        assert [record.kind for record in second.records()[before:]] == ["MEMBER_UPDATED"]


async def test_of_many_news_that_wait_the_room_hears_the_last() -> None:
    journal = SlowAppends()
    async with node(journal) as first:
        await first.do("ann", TIC_TAC_TOE)
        await first.do("bob", JoinRoom())
        journal.go.clear()
        said = first.ask("bob", SendChat(text="an append that takes its time"))
        await turns()
        for card in (NEW, NEWER):
            first.rooms.card_changed("bob", card)
            await turns()
        journal.go.set()
        await said
        await until(lambda: kinds(first)[-1] == "MEMBER_UPDATED")
        await turns()
        assert kinds(first).count("MEMBER_UPDATED") == 1
        assert await names(first) == ["Ann", "Bobby"]


async def test_who_deletes_its_account_leaves_every_room_open_or_not() -> None:
    async with node() as first:
        for room_id in (ROOM, "other"):
            await first.do("ann", TIC_TAC_TOE, room_id)
            await first.do("bob", JoinRoom(), room_id)
    async with node(first.journal, "node-2") as second:
        await second.do("ann", JoinRoom())
        second.everybody.gone.add("bob")
        second.rooms.account_deleted("bob")
        await until(lambda: all("MEMBER_LEFT" in kinds(second, room_id) for room_id in (ROOM, "other")))
        left = [record for record in second.records() if record.kind == "MEMBER_LEFT"]
        assert msgspec.json.decode(left[0].body)["data"] == {"user_id": "bob", "reason": "account_deleted"}
        assert await second.placement.rooms_of("bob") == []


async def test_a_death_before_the_rooms_have_heard_changes_nothing_of_that() -> None:
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        await first.do("bob", JoinRoom())
    async with node(first.journal, "node-2") as second:
        second.everybody.gone.add("bob")
        await second.do("ann", JoinRoom())
        await until(lambda: kinds(second)[-1] == "MEMBER_LEFT")
        assert await names(second) == ["Ann"]


async def test_a_late_card_does_not_bring_back_a_deleted_account_on_the_way() -> None:
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        await first.do("bob", JoinRoom())
        first.placement.may_count.clear()
        first.rooms.account_deleted("bob")
        first.rooms.card_changed("bob", NEW)
        first.placement.may_count.set()
        await until(lambda: kinds(first)[-1] == "MEMBER_LEFT")


async def test_a_late_card_does_not_bring_back_a_deleted_account_before_the_room() -> None:
    journal = SlowAppends()
    async with node(journal) as first:
        await first.do("ann", TIC_TAC_TOE)
        await first.do("bob", JoinRoom())
        journal.go.clear()
        first.ask("ann", SendChat(text="an append that takes its time"))
        await turns()
        first.rooms.account_deleted("bob")
        await turns()
        first.rooms.card_changed("bob", NEW)
        await turns()
        journal.go.set()
        await until(lambda: kinds(first)[-1] == "MEMBER_LEFT")


async def being_counted(node: Node) -> "tuple[asyncio.Future[Outcome], asyncio.Event]":
    """Bob's JOIN, and what lets it go on. Others are not held up."""
    counted = node.placement.may_count
    counted.clear()
    coming = node.ask("bob", JoinRoom())
    await turns()
    node.placement.may_count = asyncio.Event()
    node.placement.may_count.set()
    return coming, counted


async def test_a_new_card_does_not_overtake_who_comes_in() -> None:
    """The room was not among the user's yet, and showed the former card for as long as it was open."""
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        coming, counted = await being_counted(first)
        for card in (NEW, NEWER):
            first.rooms.card_changed("bob", card)
            await turns()
        counted.set()
        await coming
        await until(lambda: kinds(first)[-1] == "MEMBER_UPDATED")
        await turns()
        assert kinds(first) == ["MEMBER_JOINED", "MEMBER_JOINED", "MEMBER_UPDATED"]
        assert await names(first) == ["Ann", "Bobby"]


async def test_a_new_card_does_not_overtake_who_makes_a_room() -> None:
    async with node() as first:
        first.placement.may_count.clear()
        made = first.ask("ann", TIC_TAC_TOE)
        first.rooms.card_changed("ann", NEW)
        await turns()
        first.placement.may_count.set()
        await made
        await until(lambda: kinds(first)[-1] == "MEMBER_UPDATED")
        assert await names(first) == ["Robert"]


async def test_the_end_of_an_account_does_not_overtake_who_comes_in() -> None:
    """A deleted account became a member, until its grace ended."""
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        coming, counted = await being_counted(first)
        first.rooms.account_deleted("bob")
        await turns()
        first.rooms.card_changed("bob", NEW)
        await turns()
        counted.set()
        await coming
        await until(lambda: kinds(first)[-1] == "MEMBER_LEFT")
        assert await names(first) == ["Ann"]


async def test_news_wait_for_the_last_of_many_joins() -> None:
    """The first one cannot be counted, and what waited behind it comes in."""
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        first.placement.failures["rooms_of"] = [ValueError("a bug")]
        refused = first.ask("bob", JoinRoom())
        coming = first.ask("bob", JoinRoom())
        first.rooms._entrance.hear(ROOM, CardNews("bob", NEW))  # as if its rooms were known already
        assert isinstance(await refused, InternalError)
        await coming
        await until(lambda: kinds(first)[-1] == "MEMBER_UPDATED")
        assert await names(first) == ["Ann", "Robert"]


async def test_news_of_who_is_refused_are_no_event() -> None:
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        await first.do("bob", JoinRoom())
        first.placement.may_count.clear()
        refused = first.ask("eve", JoinRoom())
        first.rooms.card_changed("eve", NEW)
        await turns()
        first.placement.may_count.set()
        assert isinstance(await refused, RoomFull)
        await turns()
        assert kinds(first) == ["MEMBER_JOINED", "MEMBER_JOINED"]


async def test_a_stop_does_not_wait_for_news_while_the_database_is_away() -> None:
    """It took the whole deadline of the stop."""
    first = Node(MemoryJournal())
    await first.do("ann", TIC_TAC_TOE)
    first.placement.failures["rooms_of"] = [Unavailable("away")] * 100
    first.rooms.card_changed("ann", NEW)
    await until(lambda: len(first.placement.failures["rooms_of"]) == 99)
    async with asyncio.timeout(news.PAUSE_S / 2):
        await first.rooms.stop()


@pytest.mark.parametrize("failure", [Unavailable("away"), ValueError("a bug")])
async def test_news_of_others_come_through_whatever_happens(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "PAUSE_S", 0)
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        await first.do("bob", JoinRoom())
        first.placement.failures["rooms_of"] = [failure]
        first.rooms.card_changed("eve", NEW)
        first.rooms.card_changed("bob", NEW)
        await until(lambda: kinds(first)[-1] == "MEMBER_UPDATED")


async def test_there_is_an_end_of_cards_that_wait_and_none_of_deletions(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(news, "MAX_WAITING", 1)
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        await first.do("bob", JoinRoom())
        first.placement.may_count.clear()
        first.placement.counted.clear()
        for user in ("eve", "ann", "eve"):
            first.rooms.card_changed(user, NEW)
        first.rooms.account_deleted("bob")
        first.placement.may_count.set()
        await until(lambda: kinds(first)[-1] == "MEMBER_LEFT")
        assert first.placement.counted == ["eve", "bob"]
        assert "a new card is dropped" in caplog.text
