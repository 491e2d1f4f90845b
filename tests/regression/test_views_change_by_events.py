"""Bugs by which a view became another one without an event: who resumed after "nothing missed" kept a former one."""

from typing import Any

import msgspec
import pytest

from gameroom.games.game import Game
from gameroom.games.registry import Games, load_game
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import CreateRoom, GetRoom, JoinRoom, ResumeFrom, SetReady, StartGame
from gameroom.rooms.card_book import CardBook, mark_of
from gameroom.rooms.rooms import Answer, Card
from tests.unit.rooms.node import Node, node
from tests.unit.rooms.scene import Scene
from tests.unit.rooms.test_handlers import gathered
from tests.unit.rooms.test_recovery import NewTicTacToe

TIC_TAC_TOE = CreateRoom(game="tic-tac-toe")
PICTURED, PLAIN = Card("Robert", "https://example.org/bob.png"), Card("Robert", None)


def node_of(former: Node, game: type[Game[Any, Any]], home: str) -> Any:
    return node(former.journal, home, games=Games([load_game(game)]))


async def last_seen(first: Node) -> ResumeFrom:
    outcome = await first.outcome("ann", GetRoom())
    assert isinstance(outcome, Answer)
    return ResumeFrom(outcome.epoch, outcome.seq)


async def resume(second: Node, since: ResumeFrom) -> tuple[list[Any], Any]:
    """The events that were missed, and the view that the last of them brings; it must be the present one."""
    outcome = await second.outcome("ann", JoinRoom(resume=since))
    assert isinstance(outcome, Answer)
    assert msgspec.json.decode(outcome.data)["resumed"]
    missed = [msgspec.json.decode(frame) for frame in outcome.missed]
    [operation] = missed[-1]["patch"]
    assert operation["value"] == (await second.do("ann", GetRoom()))["room"]
    return missed, operation["value"]


# --- games ----------------------------------------------------------------------------------------------------


async def in_play(first: Node) -> ResumeFrom:
    await first.do("ann", TIC_TAC_TOE)
    await first.do("bob", JoinRoom())
    for user in ("ann", "bob"):
        await first.do(user, SetReady(ready=True))
    await first.do("ann", StartGame())
    return await last_seen(first)


async def test_who_resumes_gets_what_another_version_of_the_game_has_made_of_its_state() -> None:
    async with node() as first:
        since = await in_play(first)
    async with node_of(first, NewTicTacToe, "node-2") as second:
        missed, view = await resume(second, since)
        assert missed[0]["data"] == {"cause": "version"}
        assert (view["game_version"], view["state"]["moves"]) == ("2", 0)


async def test_a_new_version_is_told_of_before_the_first_round_too() -> None:
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        since = await last_seen(first)
    async with node_of(first, NewTicTacToe, "node-2") as second:
        _, view = await resume(second, since)
        assert view["game_version"] == "2"


async def test_a_new_version_is_told_once() -> None:
    async with node() as first:
        await in_play(first)
    for home in ("node-2", "node-3"):
        async with node_of(first, NewTicTacToe, home) as later:
            await later.do("ann", JoinRoom())
    told = [record for record in later.records() if b'"cause":"version"' in record.body]
    assert len(told) == 1


def test_a_snapshot_of_a_new_version_that_has_not_told_yet_does_not_pass_for_its_word() -> None:
    scene = Scene(TicTacToe)
    scene.game_type = load_game(NewTicTacToe)
    scene.room = scene.recovered()
    scene.keep_snapshot()
    before = len(scene.records)
    scene.crash()
    assert [record.kind for record in scene.records[before:]] == ["GAME_UPDATED"]


# --- cards ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("new", [PICTURED, PLAIN])
async def test_who_resumes_gets_the_names_that_changed_while_the_room_was_not_open(new: Card) -> None:
    async with node() as first:
        await first.do("ann", TIC_TAC_TOE)
        await first.do("bob", JoinRoom())
        since = await last_seen(first)
    async with node(first.journal, "node-2") as second:
        second.everybody.renamed["bob"] = new
        missed, view = await resume(second, since)
        assert missed[0]["data"] == {"user_id": "bob", "changed": ["profile"]}
        assert view["members"]["bob"]["display_name"] == "Robert"


def test_who_stays_connected_while_a_room_is_opened_again_gets_the_new_card_by_a_patch() -> None:
    """The room was lost with the card that was shown: it takes for new whatever is there now."""
    scene = gathered(TicTacToe, "bob")
    scene.show("bob", PICTURED)
    scene.cards["bob"] = PLAIN
    scene.crash()
    assert scene.copies["ann"].frames[-1]["data"]["changed"] == ["profile"]
    scene.verify()


def test_a_card_is_told_once() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.cards["bob"] = PLAIN
    scene.crash()
    before = len(scene.records)
    scene.crash()
    assert len(scene.records) == before


def test_a_card_is_not_taken_for_told_when_its_turn_is_undone() -> None:
    book = CardBook({"bob": PLAIN})
    book.expect(["bob"])
    book.put("bob", PLAIN)
    book.rollback()
    assert (book.card("bob"), book.untold) == (PLAIN, {"bob"})
    book.put("bob", PLAIN)
    book.settle()
    assert (book.card_before("bob"), book.untold) == (PLAIN, frozenset())


def test_members_that_were_stored_without_a_mark_are_not_told_anew() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.room.state.change_member("bob", shown="")
    parts = scene.room.state.changes()
    assert parts["member:bob"] is not None
    scene.room.state.commit(parts)
    scene.keep_snapshot()
    before = len(scene.records)
    scene.crash()
    assert len(scene.records) == before


def test_a_mark_tells_nothing_without_the_key() -> None:
    marks = {mark_of("bob", PLAIN, key) for key in (b"one", b"two")}
    assert len(marks) == 2
    assert len({mark_of("bob", card, b"one") for card in (PLAIN, PICTURED)}) == 2
    assert mark_of("ann", PLAIN, b"one") not in marks
