"""Any past moment, as any seat saw it: nothing more, nothing less, and in the order in which it happened."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from gameroom.errors import GameFailed
from gameroom.games.registry import load_game
from gameroom.games.relay import Relay
from gameroom.protocol.commands import GameAction, JoinRoom, LeaveRoom, SendChat, SetReady, SetRole, StartGame
from gameroom.protocol.operation import Operation
from gameroom.protocol.patch import apply
from gameroom.rooms.records import Damaged, unseal
from gameroom.rooms.replay import Replay, Viewer
from tests.unit.rooms.games import Secrets
from tests.unit.rooms.kept import SceneArchive, sights
from tests.unit.rooms.scene import ROOM_ID, Scene

SPECTATOR = Viewer()


def played() -> Scene:
    scene = Scene(Secrets)
    scene.do("bob", JoinRoom())
    scene.do("eve", JoinRoom(role="spectator"))
    for user in ("ann", "bob"):
        scene.do(user, SetReady(ready=True))
    scene.do("ann", StartGame())
    scene.do("ann", GameAction(action={"type": "draw"}))
    scene.do("bob", GameAction(action={"type": "draw"}))
    scene.do("ann", GameAction(action={"type": "show", "to": [1]}))
    scene.do("ann", SendChat(text="psst", to="bob"))
    scene.do("ann", SendChat(text="hello"))
    return scene


def walked(scene: Scene, viewer: Viewer, start: int = 1) -> list[dict[str, Any]]:
    replay = Replay(ROOM_ID, scene.game_type, viewer, SceneArchive(scene).cards)
    return list(replay.walk(map(unseal, scene.records), start))


def views(events: list[dict[str, Any]]) -> Iterator[Any]:
    """The view after each event, as the viewer patches it."""
    view: Any = None
    for event in events:
        patch = [msgspec.convert(operation, Operation) for operation in event.get("patch", ())]
        view = event.get("view", apply(view, patch))
        yield view


@pytest.mark.parametrize("user", ["ann", "bob", "eve"])
def test_every_viewer_hears_again_what_it_heard(user: str) -> None:
    scene = played()
    heard = [frame for frame in scene.copies[user].frames if frame["seq"] > 3]
    again = walked(scene, Viewer(user_id=user), start=4)
    assert len(heard) == len(again) == len(scene.records) - 3
    for live, replayed in zip(heard, again, strict=True):
        told = ("type", "seq", "epoch", "at", "data", "announcements")
        assert {k: live.get(k) for k in told if live["type"] != "HIDDEN"} == {
            k: replayed.get(k) for k in told if live["type"] != "HIDDEN"
        }
        assert (live["type"], live["seq"]) == (replayed["type"], replayed["seq"])
    assert list(views(again))[-1] == scene.copies[user].view


def test_each_seat_sees_its_own_hand_and_a_spectator_none() -> None:
    scene = played()
    first, second, watcher = (
        sights(scene, viewer)[-1].view for viewer in (Viewer(seat=0), Viewer(seat=1), SPECTATOR)
    )
    assert first == scene.fresh_view("ann")
    assert second == scene.fresh_view("bob")
    assert watcher == scene.fresh_view("eve")
    assert first != second != watcher


def test_who_has_the_seat_at_that_moment_looks() -> None:
    scene = Scene(Secrets)
    scene.do("bob", JoinRoom())
    scene.do("bob", SetRole(role="spectator"))
    scene.do("cid", JoinRoom())
    assert [sight.user_id for sight in sights(scene, Viewer(seat=1))] == [None, "bob", None, "cid"]
    assert [event["seq"] for event in walked(scene, Viewer(seat=1))] == [2, 3, 4]


def test_who_is_not_there_sees_nothing_and_hears_its_leaving_last() -> None:
    scene = Scene(Secrets)
    scene.do("bob", JoinRoom())
    scene.do("ann", SendChat(text="hello"))
    scene.do("bob", LeaveRoom())
    scene.do("ann", SendChat(text="gone?"))
    events = walked(scene, Viewer(user_id="bob"))
    assert [event["type"] for event in events] == ["MEMBER_JOINED", "CHAT_MESSAGE", "MEMBER_LEFT"]
    assert [event.keys() & {"view", "patch"} for event in events] == [{"view"}, set(), set()]
    assert sights(scene, Viewer(user_id="bob"))[-1].view is None


def test_whispers_stay_between_two() -> None:
    scene = played()
    shown = {
        user: next(
            event for event in walked(scene, Viewer(user_id=user)) if event["seq"] == len(scene.records) - 1
        )
        for user in ("ann", "bob", "eve")
    }
    assert shown["ann"]["data"]["text"] == shown["bob"]["data"]["text"] == "psst"
    assert (shown["eve"]["type"], "data" in shown["eve"]) == ("HIDDEN", False)
    assert "psst" not in str(walked(scene, SPECTATOR))


def test_what_the_state_of_another_version_is_shown_as() -> None:
    class Newer(Secrets):
        version = "2"

        def migrate_state(self, old: dict[str, Any], from_version: str) -> dict[str, Any]:
            return {**old, "late": 99}

    scene = played()
    scene.game_type = load_game(Newer)
    view: Any = sights(scene, SPECTATOR)[-1].view
    assert (view["game_version"], view["state"]["late"]) == ("2", 99)


def test_a_version_that_cannot_read_the_state_says_so() -> None:
    class Newer(Secrets):
        version = "2"

        def migrate_state(self, old: dict[str, Any], from_version: str) -> dict[str, Any]:
            raise ValueError(from_version)

    scene = played()
    scene.game_type = load_game(Newer)
    with pytest.raises(GameFailed):
        sights(scene, SPECTATOR)


def test_it_may_begin_with_a_snapshot() -> None:
    scene = Scene(Secrets)
    scene.do("bob", JoinRoom())
    scene.keep_snapshot()
    scene.do("ann", SendChat(text="hello"))
    replay = Replay(ROOM_ID, scene.game_type, SPECTATOR, SceneArchive(scene).cards, scene.snapshot)
    [event] = replay.walk(map(unseal, scene.records[2:]), start=3)
    assert (event["seq"], event["view"]) == (3, sights(scene, SPECTATOR)[-1].view)


@pytest.mark.parametrize("missing", [0, 2])
def test_what_is_not_known_is_not_shown(missing: int) -> None:
    scene = played()
    del scene.records[missing]
    with pytest.raises(Damaged, match=f"seq {missing + 1} is missing"):
        walked(scene, SPECTATOR)


def test_play_that_is_not_journaled_is_not_there() -> None:
    scene = Scene(Relay)
    scene.do("bob", JoinRoom())
    scene.do("ann", GameAction(action={"type": "send", "data": 1}))
    scene.do("bob", LeaveRoom())
    assert [event["type"] for event in walked(scene, SPECTATOR)] == [
        "MEMBER_JOINED",
        "MEMBER_JOINED",
        "MEMBER_LEFT",
    ]
