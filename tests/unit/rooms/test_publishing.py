"""What leaves a room: one message for each event, the right view for everybody, no secret and no name."""

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from gameroom.bus.bus import Delivery
from gameroom.games.game import Game
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import GameAction, JoinRoom, LeaveRoom, SendChat, SetReady, StartGame
from tests.unit.rooms.games import Secrets
from tests.unit.rooms.scene import Scene

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


def test_who_wants_no_patches_gets_the_whole_view_with_each_change() -> None:
    scene = Scene(TicTacToe)
    scene.do("bob", JoinRoom(updates="view"))
    scene.do("ann", SetReady(ready=True))
    assert "view" in scene.copies["bob"].frames[-1]
    assert "patch" in scene.copies["ann"].frames[-1]
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
