"""News of accounts: how members are shown, and members whose account is gone."""

import pytest

from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import CloseRoom, JoinRoom, LeaveRoom, ResumeFrom, SendChat
from gameroom.rooms.card_book import NOBODY, CardBook
from gameroom.rooms.records import unseal
from gameroom.rooms.rooms import Card
from gameroom.rooms.window import AFTERLIFE_MS
from tests.unit.rooms.games import Secrets
from tests.unit.rooms.scene import Scene
from tests.unit.rooms.test_handlers import gathered, kinds, started

NEW = Card("Robert", "https://example.org/bob.png")
NEWER = Card("Bobby", None)


def hear(scene: Scene, user: str, card: Card | None) -> None:
    scene.keep(scene.room.hear(user, card, scene.now))


def test_a_new_card_is_shown_to_everybody() -> None:
    scene = gathered(Secrets, "bob")
    scene.do("cid", JoinRoom(updates="view"))
    hear(scene, "bob", NEW)
    for user in ("ann", "bob", "cid"):
        event = scene.copies[user].frames[-1]
        assert (event["type"], event["data"]) == (
            "MEMBER_UPDATED",
            {"user_id": "bob", "changed": ["profile"]},
        )
        member = scene.copies[user].view["members"]["bob"]
        assert (member["display_name"], member["avatar_url"]) == ("Robert", NEW.avatar_url)
    scene.verify()


def test_no_record_has_the_card() -> None:
    scene = gathered(TicTacToe, "bob")
    hear(scene, "bob", NEW)
    assert b"Robert" not in scene.records[-1].body
    assert list(unseal(scene.records[-1]).parts) == ["member:bob"]


@pytest.mark.parametrize("user", ["bob", "eve"])
def test_what_is_no_news_to_the_room_is_no_event(user: str) -> None:
    """It is shown so already, or is not there."""
    scene = gathered(TicTacToe, "bob")
    hear(scene, "bob", NEW)
    before = len(scene.records)
    hear(scene, user, NEW)
    assert len(scene.records) == before


def test_a_closed_room_hears_no_news() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.do("ann", CloseRoom())
    before = len(scene.records)
    hear(scene, "bob", NEW)
    hear(scene, "bob", None)
    assert len(scene.records) == before


def test_what_a_turn_changed_of_cards_is_undone_with_it() -> None:
    book = CardBook({"ann": NEWER, "bob": NEW})
    book.put("ann", NEW)
    book.forget("bob")
    book.put("cid", NEW)
    assert [book.card_before(user) for user in ("ann", "bob", "cid")] == [NEWER, NEW, NOBODY]
    book.rollback()
    assert [book.card(user) for user in ("ann", "bob", "cid")] == [NEWER, NEW, NOBODY]


def test_who_comes_again_is_shown_as_it_is_called_now() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.do("bob", LeaveRoom())
    scene.room.viewpoint.cards.put("bob", NEW)
    assert scene.do("bob", JoinRoom())["room"]["members"]["bob"]["display_name"] == "Bob"
    scene.verify()


def test_who_has_no_account_any_more_is_no_member_any_more() -> None:
    scene = started(TicTacToe, "bob")
    before = len(scene.records)
    hear(scene, "ann", None)
    assert kinds(scene, before) == ["MEMBER_LEFT", "HOST_CHANGED", "GAME_ENDED"]
    left = scene.copies["bob"].frames[-3]
    assert left["data"] == {"user_id": "ann", "reason": "account_deleted"}
    assert "ann" not in scene.copies
    scene.verify()


def test_what_a_deleted_user_has_said_is_still_there() -> None:
    scene = gathered(Relay, "bob")
    copy = scene.resuming["ann"] = scene.copies.pop("ann")
    scene.do("bob", SendChat(text="hi"))
    hear(scene, "bob", None)
    scene.do("ann", JoinRoom(resume=ResumeFrom(copy.epoch, copy.seq)))
    assert [frame["type"] for frame in copy.frames[-2:]] == ["CHAT_MESSAGE", "MEMBER_LEFT"]
    assert copy.frames[-2]["data"]["user_id"] == "bob"


def test_an_opened_room_knows_whose_account_is_gone() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.room.viewpoint.cards.forget("bob")
    assert scene.room.without_account() == ["bob"]
    scene.do("ann", CloseRoom())
    assert scene.room.without_account() == []


def test_a_deleted_account_is_shown_as_nobody_to_who_resumes() -> None:
    """Its name stood in the MEMBER_JOINED of a resume, for as long as the room was open."""
    scene = gathered(TicTacToe)
    copy = scene.resuming["ann"] = scene.copies.pop("ann")
    scene.do("bob", JoinRoom())
    hear(scene, "bob", None)
    scene.do("ann", JoinRoom(resume=ResumeFrom(copy.epoch, copy.seq)))
    joined = next(frame for frame in copy.frames if frame["type"] == "MEMBER_JOINED")
    assert joined["data"]["member"]["display_name"] == "?"


def test_cards_of_leavers_are_forgotten_with_their_command_ids() -> None:
    """One card stayed of everybody who had ever joined."""
    scene = gathered(TicTacToe, "bob")
    scene.do("bob", LeaveRoom())
    scene.do("cid", JoinRoom())
    assert "bob" in scene.room.viewpoint.cards
    scene.pass_time(AFTERLIFE_MS)
    scene.do("cid", LeaveRoom())
    assert "bob" not in scene.room.viewpoint.cards
    assert len(scene.room.viewpoint.cards) == 2


def test_who_has_come_again_keeps_its_card_when_its_leaving_is_forgotten() -> None:
    scene = gathered(Relay, "bob", "cid")
    scene.do("bob", LeaveRoom())
    scene.do("bob", JoinRoom())
    scene.pass_time(AFTERLIFE_MS)
    scene.do("cid", LeaveRoom())
    assert scene.fresh_view("ann")["members"]["bob"]["display_name"] == "Bob"
