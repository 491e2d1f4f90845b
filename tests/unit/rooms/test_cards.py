"""News of accounts: how members are shown, and members whose account is gone."""

import pytest

from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import CloseRoom, JoinRoom, LeaveRoom, ResumeFrom, SendChat
from gameroom.rooms.rooms import Card
from tests.unit.rooms.games import Secrets
from tests.unit.rooms.scene import Scene
from tests.unit.rooms.test_handlers import gathered, kinds, started

NEW = Card("Robert", "https://example.org/bob.png")


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
    assert b"parts" not in scene.records[-1].body


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


def test_a_card_that_cannot_be_shown_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = gathered(TicTacToe, "bob")
    former = scene.room.viewpoint.cards["bob"]
    monkeypatch.setattr(scene.room, "_must", _broken)
    with pytest.raises(ValueError, match="broken"):
        hear(scene, "bob", NEW)
    assert scene.room.viewpoint.cards["bob"] == former


def _broken(*_: object) -> None:
    raise ValueError("broken")


def test_who_comes_again_is_shown_as_it_is_called_now() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.do("bob", LeaveRoom())
    scene.room.viewpoint.cards["bob"] = NEW
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
    del scene.room.viewpoint.cards["bob"]
    assert scene.room.without_account() == ["bob"]
    scene.do("ann", CloseRoom())
    assert scene.room.without_account() == []
