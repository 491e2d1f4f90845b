"""What leaves a room, and what must not: one message for each event, no secret, no name, no past."""

import base64
import logging
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.unit.rooms.games import Secrets
from tests.unit.rooms.scene import POLICY, START, Scene

from gameroom.bus.bus import Delivery
from gameroom.errors import GameroomError, IllegalAction
from gameroom.games.context import Context
from gameroom.games.game import Game, GameState, action
from gameroom.games.random import GameRandom
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import (
    CreateRoom,
    GameAction,
    JoinRoom,
    LeaveRoom,
    SendChat,
    SetReady,
    StartGame,
)
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.records import MAX_RECORD_BYTES
from gameroom.rooms.router import ROUTES, Route, Standing
from gameroom.rooms.rooms import Sender
from gameroom.rooms.turn import Turn

KEY = bytes(range(32))


def started(game: type[Game[Any, Any]], *users: str, **create: Any) -> Scene:
    scene = Scene(game, **create)
    for user in users:
        scene.do(user, JoinRoom())
    for user in ("ann", *users):
        scene.do(user, SetReady(ready=True))
    scene.do("ann", StartGame())
    return scene


class Recorder(Scene):
    """A scene that keeps every message for the bus."""

    def __init__(self, game: type[Game[Any, Any]], **create: Any) -> None:
        self.messages: list[Delivery] = []
        super().__init__(game, **create)

    def deliver(self, delivery: Delivery) -> None:
        self.messages.append(delivery)
        super().deliver(delivery)

    def frames(self) -> Iterator[bytes]:
        for message in self.messages:
            for share in message.shares:
                yield share.frame


# --- one message for each event -------------------------------------------------------------------------------


def test_one_message_carries_an_event_as_each_viewer_sees_it() -> None:
    scene = Recorder(Secrets)
    for user in ("bob", "cid"):
        scene.do(user, JoinRoom())
    before = len(scene.messages)
    scene.do("ann", SendChat(text="psst", to="bob"))
    (message,) = scene.messages[before:]
    shown = {share.users: msgspec.json.decode(share.frame)["type"] for share in message.shares}
    assert shown == {frozenset(("ann", "bob")): "CHAT_MESSAGE", None: "HIDDEN"}


def test_each_message_names_the_position_before_it() -> None:
    scene = Recorder(TicTacToe)
    scene.do("bob", JoinRoom())
    scene.do("ann", LeaveRoom())
    assert [(message.prev_seq, message.seq) for message in scene.messages] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert {message.epoch for message in scene.messages} == {1}


def test_a_viewer_whose_seat_changed_gets_a_whole_view() -> None:
    """The spectator of the last round sees the final state; with a seat it sees the cards of that seat too."""
    scene = started(Secrets, "bob")
    scene.do("ann", GameAction(action={"type": "finish"}))
    scene.do("cid", JoinRoom())
    for user in ("ann", "bob", "cid"):
        scene.do(user, SetReady(ready=True))
    scene.do("ann", StartGame())
    assert scene.copies["cid"].frames[-1]["patch"][0]["path"] == ""
    scene.verify()


# --- no secret, no name ---------------------------------------------------------------------------------------


def test_records_know_people_by_their_ids_only() -> None:
    scene = Recorder(TicTacToe)
    scene.do("bob", JoinRoom())
    scene.keep_snapshot()
    assert any(b'"display_name":"Bob"' in frame for frame in scene.frames())
    stored = [record.body for record in scene.records]
    assert scene.snapshot is not None
    assert not any(name in body for name in (b"Ann", b"Bob") for body in [*stored, scene.snapshot.body])


def test_the_key_of_chance_is_in_no_frame() -> None:
    scene = Recorder(Secrets)
    scene.room.state.change_play(random_key=KEY)
    scene.room.state.commit(scene.room.state.changes())
    scene.do("bob", JoinRoom())
    for user in ("ann", "bob"):
        scene.do(user, SetReady(ready=True))
    scene.do("ann", StartGame())
    scene.do("ann", GameAction(action={"type": "draw"}))
    answers = [msgspec.json.encode(scene.fresh_view(user)) for user in ("ann", "bob")]
    spellings = [KEY.hex().encode(), base64.b64encode(KEY)]
    assert any(spelling in scene.room.state.encoded["play"] for spelling in spellings)
    assert not any(spelling in frame for spelling in spellings for frame in [*scene.frames(), *answers])


def test_what_a_room_password_opens_is_in_no_frame() -> None:
    scene = Recorder(TicTacToe, password="the mac of it")
    scene.do("bob", JoinRoom(password="the mac of it"))
    assert scene.fresh_view("bob")["has_password"] is True
    assert not any(b"the mac of it" in frame for frame in scene.frames())


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

    @action
    def look(self, state: Coin, ctx: Context) -> dict[str, int]:
        return {"now": ctx.now}


# --- what fails, fails before anything is stored --------------------------------------------------------------


class Stubborn(Game[Coin]):
    """Its setup refuses, after the room has seated everybody."""

    name = "stubborn"
    min_players = 2
    max_players = 4

    def setup(self, ctx: Context) -> Coin:
        raise IllegalAction("not today")


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
        patch.setitem(ROUTES, SendChat, Route(handler=forgetful, by=Standing.MEMBER))
        refusal = scene.refused("ann", SendChat(text="hi"))
    assert refusal.code == "internal"
    assert "the bug" in caplog.text and "the bug" not in refusal.message
    scene.do("ann", SendChat(text="hi"))
    scene.verify()


def test_nothing_is_refused_only_for_who_is_looking() -> None:
    scene = Scene(TicTacToe, policy=POLICY)
    outcome = scene.ask("bob", JoinRoom(updates="view"))
    assert not isinstance(outcome, GameroomError)
    scene.do("ann", SetReady(ready=True))
    assert "view" in scene.copies["bob"].frames[-1]
    assert "patch" in scene.copies["ann"].frames[-1]
    scene.verify()
