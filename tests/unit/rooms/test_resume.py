"""Resuming: all that was missed, as one viewer may have it, or the whole view; never something in between."""

import msgspec
import pytest

from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import (
    GameAction,
    JoinRoom,
    LeaveRoom,
    ResumeFrom,
    SendChat,
    SetReady,
    StartGame,
)
from gameroom.protocol.limits import MAX_RESUME
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.rooms import Answer
from tests.unit.rooms.games import Secrets
from tests.unit.rooms.scene import Copy, Scene


def with_bob(kind: type[TicTacToe] | type[Relay] | type[Secrets] = TicTacToe) -> Scene:
    scene = Scene(kind)
    scene.do("bob", JoinRoom())
    return scene


def resume(scene: Scene, copy: Copy, user: str = "bob") -> Answer:
    """Come back with what the copy has; what was missed is applied to it."""
    scene.copies[user] = copy
    outcome = scene.ask(user, JoinRoom(resume=ResumeFrom(copy.epoch, copy.seq)))
    assert isinstance(outcome, Answer)
    return outcome


def resumed(outcome: Answer) -> bool:
    said = msgspec.json.decode(outcome.data)
    assert said["resumed"] is ("room" not in said)
    return bool(said["resumed"])


@pytest.mark.parametrize("from_journal", [False, True])
def test_missed_events_come_without_a_gap_and_the_last_one_brings_the_view(from_journal: bool) -> None:
    scene = with_bob()
    away = scene.copies.pop("bob")
    scene.do("ann", SendChat(text="one"))
    scene.do("ann", SetReady(ready=True))
    scene.do("ann", SendChat(text="two"))
    if from_journal:
        scene.crash()
    outcome = resume(scene, away)
    missed = [msgspec.json.decode(frame) for frame in outcome.missed]
    assert resumed(outcome)
    assert [frame["seq"] for frame in missed] == [3, 4, 5]
    assert ["patch" in frame for frame in missed] == [False, False, True]
    scene.do("ann", JoinRoom())
    scene.verify()


def test_what_was_whispered_to_others_stays_hidden() -> None:
    scene = with_bob()
    scene.do("cid", JoinRoom(role="spectator"))
    away = scene.copies.pop("bob")
    scene.do("ann", SendChat(text="psst", to="cid"))
    scene.do("ann", SendChat(text="hello"))
    outcome = resume(scene, away)
    assert [msgspec.json.decode(frame)["type"] for frame in outcome.missed] == ["HIDDEN", "CHAT_MESSAGE"]
    assert b"psst" not in b"".join(outcome.missed)
    scene.verify()


def test_announcements_to_other_seats_are_not_among_the_missed() -> None:
    scene = with_bob(Relay)
    scene.do("cid", JoinRoom())
    away = scene.copies.pop("bob")
    for seats in ([1], [2]):
        scene.do("ann", GameAction(action={"type": "send", "data": f"to {seats}", "to": seats}))
    outcome = resume(scene, away)
    heard = [msgspec.json.decode(frame).get("announcements", []) for frame in outcome.missed]
    assert [[said["data"] for said in each] for each in heard] == [["to [1]"], []]


def test_256_may_be_missed_and_no_more() -> None:
    scene = with_bob()
    away = scene.copies.pop("bob")
    for number in range(MAX_RESUME):
        scene.do("ann", SendChat(text=str(number)))
    later = Copy(away.view, away.epoch, away.seq)
    assert resumed(resume(scene, away))
    scene.do("ann", SendChat(text="one more"))
    assert not resumed(resume(scene, later))


@pytest.mark.parametrize(("data", "fits"), [("x" * 2_000, True), ([0.5] * 500, False)])
def test_what_would_be_too_long_in_any_encoding_is_not_caught_up_with(data: object, fits: bool) -> None:
    scene = Scene(Relay, policy=RoomPolicy(max_frame_bytes=20_000))
    scene.do("bob", JoinRoom())
    away = scene.copies.pop("bob")
    for _ in range(6):
        scene.do("ann", GameAction(action={"type": "send", "data": data}))
    assert resumed(resume(scene, away)) is fits


@pytest.mark.parametrize(
    ("epoch", "seq"), [(0, 2), (2, 2), (1, 1), (1, 4)], ids=["past", "future", "before joining", "ahead"]
)
def test_a_position_that_cannot_be_resumed_from_gets_the_whole_view(epoch: int, seq: int) -> None:
    scene = with_bob()
    scene.do("ann", SendChat(text="hi"))
    outcome = scene.ask("bob", JoinRoom(resume=ResumeFrom(epoch, seq)))
    assert isinstance(outcome, Answer)
    assert not resumed(outcome)
    assert outcome.missed == ()


def test_who_was_moved_to_another_seat_gets_the_whole_view() -> None:
    scene = with_bob(Secrets)
    scene.do("cid", JoinRoom())
    away = scene.copies.pop("cid")
    scene.do("bob", LeaveRoom())
    for user in ("ann", "cid"):
        scene.do(user, SetReady(ready=True))
    scene.do("ann", StartGame())
    assert not resumed(resume(scene, away, "cid"))
    scene.verify()
