"""What a room decides by: chance and time that survive, and failures that come before anything is stored."""

import logging
from typing import Any

import pytest

from gameroom.errors import IllegalAction
from gameroom.games.context import Context
from gameroom.games.game import Game, GameState, action, timer
from gameroom.games.random import GameRandom
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import GameAction, JoinRoom, LeaveRoom, SendChat, SetReady, StartGame
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.records import MAX_RECORD_BYTES
from gameroom.rooms.rooms import Sender
from gameroom.rooms.routes import ROUTES, Route, Standing
from gameroom.rooms.turn import Turn
from tests.unit.rooms.games import Secrets
from tests.unit.rooms.scene import START, Scene


class Coin(GameState):
    throws: int = 0


class Gambler(Game[Coin]):
    name = "gambler"
    min_players = max_players = 2

    @action
    def peek(self, state: Coin, ctx: Context) -> None:
        raise IllegalAction("no", saw=ctx.random.randint(1, 1_000_000))


class Clockwork(Game[Coin]):
    name = "clockwork"
    min_players = max_players = 2

    def setup(self, ctx: Context) -> Coin:
        ctx.after(60, self.ring)
        return Coin()

    @action
    def look(self, state: Coin, ctx: Context) -> dict[str, int]:
        return {"now": ctx.now}

    @timer
    def ring(self, state: Coin, ctx: Context) -> None:
        state.throws += 1


class Stubborn(Game[Coin]):
    """Its setup refuses, after the room has seated everybody."""

    name = "stubborn"
    min_players = 2
    max_players = 4

    def setup(self, ctx: Context) -> Coin:
        raise IllegalAction("not today")

    @action
    def throw(self, state: Coin, ctx: Context) -> None:
        state.throws += 1


def started(game: type[Game[Any, Any]], *users: str, **create: Any) -> Scene:
    scene = Scene(game, **create)
    for user in users:
        scene.do(user, JoinRoom())
    for user in ("ann", *users):
        scene.do(user, SetReady(ready=True))
    scene.do("ann", StartGame())
    return scene


# --- chance and time ------------------------------------------------------------------------------------------


def test_chance_goes_on_where_the_last_record_left_it() -> None:
    scene = started(Secrets, "bob")
    drawn = [scene.do("ann", GameAction(action={"type": "draw"}))["card"] for _ in range(10)]
    scene.crash()
    scene.do("ann", JoinRoom())
    drawn += [scene.do("ann", GameAction(action={"type": "draw"}))["card"] for _ in range(10)]
    model = GameRandom(bytes(32))
    dealt = [model.randint(1, 9) for _ in range(2)]
    assert drawn == [model.randint(1, 9) for _ in range(20)]
    assert len(dealt) == 2


def test_what_a_refused_action_drew_is_drawn_again() -> None:
    scene = started(Gambler, "bob")
    for _ in range(5):
        refusal = scene.refused("ann", GameAction(action={"type": "peek"}))
        assert refusal.params == {"reason": "no", "saw": GameRandom(bytes(32)).randint(1, 1_000_000)}


def test_time_does_not_go_back_with_the_clock() -> None:
    scene = started(Clockwork, "bob")
    scene.now = START + 5_000
    scene.do("ann", GameAction(action={"type": "look"}))
    scene.now = START
    assert scene.do("ann", GameAction(action={"type": "look"})) == {"now": START + 5_000}
    scene.crash()
    scene.do("ann", JoinRoom())
    assert scene.do("ann", GameAction(action={"type": "look"})) == {"now": START + 5_000}
    assert [record.at for record in scene.records] == sorted(record.at for record in scene.records)


def test_a_timer_fires_once() -> None:
    scene = started(Clockwork, "bob")
    scene.now += 60_000
    (due,) = scene.room.due(scene.now)
    scene.keep(scene.room.fire(due, scene.now))
    assert scene.room.due(scene.now) == []
    assert scene.room.fire(due, scene.now).records == ()
    assert scene.fresh_view("ann")["deadlines"] == {}
    assert scene.fresh_view("ann")["state"] == {"throws": 1}
    scene.verify()


# --- what fails, fails before anything is stored --------------------------------------------------------------


def test_a_start_that_the_game_refuses_leaves_seats_and_round_as_they_were() -> None:
    scene = Scene(Stubborn)
    for user in ("bob", "cid"):
        scene.do(user, JoinRoom())
    scene.do("bob", LeaveRoom())
    for user in ("ann", "cid"):
        scene.do(user, SetReady(ready=True))
    before = scene.fresh_view("ann")
    assert scene.refused("ann", StartGame()).code == "illegal_action"
    assert scene.fresh_view("ann") == before
    assert before["members"]["cid"]["seat"] == 2
    scene.do("ann", SendChat(text="well"))
    scene.verify()


def test_an_event_that_is_too_big_to_be_sent_is_refused() -> None:
    scene = Scene(Relay, policy=RoomPolicy(max_frame_bytes=5_000))
    assert scene.refused("ann", big_message(5_000)).code == "message_too_big"
    assert scene.do("ann", big_message(3_000)) == {}
    scene.verify()


def test_an_event_that_is_too_big_in_an_encoding_that_nobody_may_use_is_refused() -> None:
    """Who listens in which encoding is not known where it is decided."""
    scene = Scene(Relay, policy=RoomPolicy(max_frame_bytes=8_000))
    floats = GameAction(action={"type": "send", "data": [0.5] * 1_000})
    assert scene.refused("ann", floats).code == "message_too_big"
    assert scene.do("ann", big_message(4_000)) == {}
    scene.verify()


class Talkative(Game[None]):
    name = "talkative"
    min_players = max_players = 1

    @action
    def talk(self, state: None, ctx: Context, words: int = 0, numbers: int = 0) -> dict[str, object]:
        return {"words": "x" * words, "numbers": [0.5] * numbers}


def test_an_answer_that_is_too_big_in_any_encoding_is_refused_its_head_included() -> None:
    scene = Scene(Talkative, policy=RoomPolicy(max_frame_bytes=8_000))
    scene.do("ann", SetReady(ready=True))
    scene.do("ann", StartGame())
    for too_much in ({"words": 7_500}, {"numbers": 1_000}):
        refusal = scene.refused("ann", GameAction(action={"type": "talk", **too_much}))
        assert (refusal.code, refusal.params) == ("message_too_big", {"limit": 8_000})
    for much in ({"words": 6_500}, {"numbers": 700}):
        scene.do("ann", GameAction(action={"type": "talk", **much}))
    scene.verify()


def big_message(size: int) -> GameAction:
    return GameAction(action={"type": "send", "data": "x" * size})


def test_a_record_that_is_too_big_to_be_stored_is_refused() -> None:
    scene = Scene(TicTacToe, policy=RoomPolicy(max_frame_bytes=4 * MAX_RECORD_BYTES))
    bulky = SendChat(text="x" * MAX_RECORD_BYTES)
    assert scene.refused("ann", bulky).code == "message_too_big"
    scene.do("ann", SendChat(text="x"))
    scene.verify()


def test_a_bug_of_ours_in_a_command_changes_nothing_and_the_room_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def forgetful(turn: Turn, sender: Sender, command: SendChat) -> None:
        turn.state.change_room(name="half done")
        raise KeyError("the bug")

    scene = Scene(TicTacToe)
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setitem(ROUTES, SendChat, Route(command=SendChat, handler=forgetful, by=Standing.MEMBER))
        refusal = scene.refused("ann", SendChat(text="hi"))
    assert refusal.code == "internal"
    assert "the bug" in caplog.text and "the bug" not in refusal.message
    scene.do("ann", SendChat(text="hi"))
    scene.verify()
