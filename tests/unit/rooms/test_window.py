"""The window of command ids."""

import pytest

from gameroom.errors import GameroomError, IdReused, NotMember
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import (
    CloseRoom,
    GameAction,
    GetRoom,
    JoinRoom,
    LeaveRoom,
    SendChat,
    SetReady,
    StartGame,
)
from gameroom.rooms.refusals import REFUSAL_MS
from gameroom.rooms.rooms import Answer
from gameroom.rooms.window import AFTERLIFE_MS, MEMBER_WINDOW, VOLATILE_WINDOW
from tests.unit.rooms.scene import Scene


@pytest.fixture
def scene() -> Scene:
    scene = Scene(TicTacToe)
    scene.do("bob", JoinRoom(id="join"))
    return scene


def chat(number: int, text: str = "hi") -> SendChat:
    return SendChat(text=text, id=f"chat-{number}")


def repeated(outcome: Answer | GameroomError) -> bool:
    return isinstance(outcome, Answer) and outcome.repeated


def reason(outcome: Answer | GameroomError) -> object:
    assert isinstance(outcome, IdReused), outcome
    assert outcome.params is not None
    return outcome.params["reason"]


def test_a_repeat_is_done_once_and_answered_the_same(scene: Scene) -> None:
    first = scene.ask("bob", chat(1))
    scene.do("ann", SendChat(text="between"))
    again = scene.ask("bob", chat(1))
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert (again.data, again.epoch, again.seq, again.repeated) == (first.data, first.epoch, first.seq, True)


def test_the_same_id_with_other_content_is_refused(scene: Scene) -> None:
    scene.do("bob", chat(1))
    assert reason(scene.refused("bob", chat(1, "something else"))) == "other_content"


def test_ids_are_each_users_own(scene: Scene) -> None:
    scene.do("bob", chat(1))
    assert not repeated(scene.ask("ann", chat(1)))


def test_a_members_last_128_are_answered_and_older_ones_refused(scene: Scene) -> None:
    for number in range(MEMBER_WINDOW + 1):
        scene.do("bob", chat(number))
    assert reason(scene.refused("bob", chat(0))) == "expired"
    assert repeated(scene.ask("bob", chat(1)))


def test_a_leavers_ids_are_answered_for_ten_minutes(scene: Scene) -> None:
    for number in range(MEMBER_WINDOW + 1):
        scene.do("bob", chat(number))
    scene.do("bob", LeaveRoom(id="leave"))
    assert repeated(scene.ask("bob", chat(0)))
    assert repeated(scene.ask("bob", LeaveRoom(id="leave")))
    scene.pass_time(AFTERLIFE_MS)
    assert reason(scene.refused("bob", chat(0))) == "expired"


def test_the_close_of_a_room_is_answered_again_after_it(scene: Scene) -> None:
    scene.do("ann", CloseRoom(id="close"))
    assert repeated(scene.ask("ann", CloseRoom(id="close")))
    assert scene.refused("ann", CloseRoom(id="another")).code == "room_closed"
    scene.pass_time(AFTERLIFE_MS)
    assert reason(scene.refused("ann", CloseRoom(id="close"))) == "expired"


def test_a_refusal_is_remembered_for_a_minute(scene: Scene) -> None:
    whisper = SendChat(text="psst", to="cid", id="whisper")
    assert scene.refused("bob", whisper).code == "member_not_found"
    scene.do("cid", JoinRoom(role="spectator"))
    again = scene.refused("bob", whisper)
    assert again.code == "member_not_found"
    assert "take a new one" in again.message
    assert reason(scene.refused("bob", SendChat(text="other", id="whisper"))) == "other_content"
    scene.pass_time(REFUSAL_MS)
    assert not repeated(scene.ask("bob", whisper))


def test_a_repeated_join_attaches_and_does_not_let_a_leaver_in_again(scene: Scene) -> None:
    again = scene.ask("bob", JoinRoom(id="join"), connection="2")
    assert repeated(again)
    assert scene.room.presence.is_attached("bob", "bob-2")
    scene.do("bob", LeaveRoom(), connection="2")
    assert isinstance(scene.refused("bob", JoinRoom(id="join")), NotMember)
    assert not repeated(scene.ask("bob", JoinRoom(id="anew")))


def test_get_only_echoes_its_id(scene: Scene) -> None:
    scene.do("bob", GetRoom(id="x"))
    scene.do("bob", SetReady(ready=True, id="x"))
    assert not repeated(scene.ask("bob", GetRoom(id="x")))


def test_a_repeat_is_known_before_membership_and_status_are_asked(scene: Scene) -> None:
    scene.do("bob", SetReady(ready=True, id="ready"))
    assert repeated(scene.ask("bob", SetReady(ready=True, id="ready"), connection="never joined"))


def test_play_that_is_not_journaled_is_remembered_within_its_epoch() -> None:
    scene = Scene(Relay)
    send = GameAction(action={"type": "send", "data": [1]}, id="send")
    first = scene.ask("ann", send)
    again = scene.ask("ann", send)
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert (again.repeated, again.seq, again.data) == (True, first.seq, first.data)


def test_memory_of_unjournaled_play_is_bounded() -> None:
    scene = Scene(Relay)
    for number in range(VOLATILE_WINDOW + 1):
        scene.do("ann", GameAction(action={"type": "send", "data": 1}, id=str(number)))
    assert len(scene.room.window.unrecorded()) == MEMBER_WINDOW
    for old in ("0", "1"):
        assert (
            reason(scene.refused("ann", GameAction(action={"type": "send", "data": 1}, id=old))) == "expired"
        )


def test_a_refusal_that_is_remembered_keeps_neither_traceback_nor_growing_sentence(scene: Scene) -> None:
    start = StartGame(id="start")
    first = scene.refused("ann", start)
    again = [scene.refused("ann", start) for _ in range(3)]
    assert {(e.code, e.message, str(e.params)) for e in again} == {
        (first.code, again[0].message, str(first.params))
    }
    assert all(e.__traceback__ is None for e in again)


def test_a_late_copy_of_a_join_that_only_attached_lets_no_leaver_in_again(scene: Scene) -> None:
    scene.do("bob", JoinRoom(id="back"))
    scene.do("bob", LeaveRoom())
    assert isinstance(scene.refused("bob", JoinRoom(id="back")), NotMember)
