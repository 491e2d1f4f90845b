"""What only REST asks of a room: to be looked at, and to be ended."""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from gameroom.errors import GameroomError
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import CloseRoom, JoinRoom, LeaveRoom
from gameroom.rooms.rest_commands import EndRoom, InspectRoom
from gameroom.rooms.rooms import Answer, Request, Sender
from tests.kit.summaries import summary_of_waiting_table
from tests.unit.rooms.scene import ROOM_ID, Scene, card_of


@dataclass
class Caller:
    """Somebody at REST: without a connection."""

    scene: Scene
    user: str
    admin: bool = False

    def ask(self, command: InspectRoom | EndRoom) -> Answer | GameroomError:
        sender = Sender(user_id=self.user, card=card_of(self.user), admin=self.admin)
        request = Request(room_id=ROOM_ID, sender=sender, command=command)
        decision = self.scene.room.decide(request, self.scene.now)
        self.scene.keep(decision)
        assert isinstance(decision.outcome, Answer | GameroomError)
        return decision.outcome

    def seen(self) -> Any:
        answer = self.ask(InspectRoom())
        assert isinstance(answer, Answer), answer
        return msgspec.json.decode(answer.data)["room"]

    def code(self, command: InspectRoom | EndRoom) -> str | None:
        outcome = self.ask(command)
        return outcome.code if isinstance(outcome, GameroomError) else None


def ban(scene: Scene, user: str) -> None:
    scene.room.state.change_room(bans=(user,))
    scene.room.state.commit(scene.room.state.changes())


# --- looking --------------------------------------------------------------------------------------------------


def test_a_member_sees_its_view_at_the_rooms_position() -> None:
    scene = Scene(TicTacToe)
    scene.do("ben", JoinRoom())
    answer = Caller(scene, "ben").ask(InspectRoom())
    assert isinstance(answer, Answer)
    assert answer.holds_view
    assert (answer.epoch, answer.seq) == (scene.room.position.epoch, scene.room.position.seq)
    assert msgspec.json.decode(answer.data)["room"] == scene.fresh_view("ben")


def test_a_stranger_sees_a_summary_and_leaves_no_trace() -> None:
    scene = Scene(TicTacToe, name="Ours", password="mac")
    before = scene.room.position
    answer = Caller(scene, "zoe").ask(InspectRoom())
    assert isinstance(answer, Answer)
    assert not answer.holds_view
    seen = msgspec.json.decode(answer.data)["room"]
    assert seen == summary_of_waiting_table(ROOM_ID, "Ours", "2023-11-14T22:13:20.000Z")
    assert scene.room.position == before
    assert "zoe" not in scene.room.viewpoint.cards


def test_a_leaver_is_a_stranger_again() -> None:
    scene = Scene(TicTacToe)
    scene.do("ben", JoinRoom())
    scene.do("ben", LeaveRoom())
    assert "members" not in Caller(scene, "ben").seen()


@pytest.mark.parametrize("command", [InspectRoom(), EndRoom()], ids=["inspect", "end"])
def test_to_a_stranger_there_is_no_private_room(command: InspectRoom | EndRoom) -> None:
    scene = Scene(TicTacToe, visibility="private")
    assert Caller(scene, "zoe").code(command) == "room_not_found"


def test_to_who_is_banned_there_is_no_such_room() -> None:
    scene = Scene(TicTacToe)
    ban(scene, "zoe")
    assert Caller(scene, "zoe").code(InspectRoom()) == "room_not_found"
    assert Caller(scene, "yan").code(InspectRoom()) is None


def test_an_admin_sees_the_summary_of_a_private_room() -> None:
    scene = Scene(TicTacToe, visibility="private")
    assert Caller(scene, "root", admin=True).seen()["room_id"] == ROOM_ID


def test_a_closed_room_cannot_be_looked_at() -> None:
    scene = Scene(TicTacToe)
    scene.do("ann", CloseRoom())
    assert Caller(scene, "ann").code(InspectRoom()) == "room_closed"
    assert Caller(scene, "zoe").code(InspectRoom()) == "room_closed"


# --- ending ---------------------------------------------------------------------------------------------------


def test_the_host_ends_the_room_once_however_often_it_asks() -> None:
    scene = Scene(TicTacToe)
    host = Caller(scene, "ann")
    assert host.code(EndRoom()) is None
    assert scene.records[-1].kind == "GAME_ROOM_GROUP_CLOSED"
    before = len(scene.records)
    assert host.code(EndRoom()) is None
    assert len(scene.records) == before


def test_who_may_not_end_a_room_may_not_end_a_closed_one_either() -> None:
    scene = Scene(TicTacToe)
    scene.do("ben", JoinRoom())
    for _ in range(2):
        assert Caller(scene, "ben").code(EndRoom()) == "not_host"
        assert Caller(scene, "zoe").code(EndRoom()) == "not_member"
        Caller(scene, "ann").ask(EndRoom())


def test_a_stranger_is_told_so_in_words_of_their_door() -> None:
    """Regression: who came by REST was asked to join on this connection first."""
    scene = Scene(TicTacToe)
    refused = Caller(scene, "zoe").ask(EndRoom())
    assert isinstance(refused, GameroomError) and refused.message == "You are no member of this room"
    assert scene.refused("zoe", CloseRoom()).message == "Join the room on this connection first"


def test_an_admin_ends_any_room() -> None:
    scene = Scene(TicTacToe, visibility="private")
    assert Caller(scene, "root", admin=True).code(EndRoom()) is None
    assert scene.room.is_closed
