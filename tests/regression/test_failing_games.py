"""Bugs met where a game's own code fails, each as the test that shows it."""

from gameroom.protocol.commands import GameAction, JoinRoom, LeaveRoom
from tests.unit.rooms.games import Clumsy
from tests.unit.rooms.scene import Scene
from tests.unit.rooms.test_handlers import gathered, kinds

WAVE = GameAction(action={"type": "wave"})


def still_plays(scene: Scene) -> bool:
    scene.do("ann", WAVE)
    scene.verify()
    view = scene.fresh_view("ann")
    return (view["status"], view["round"]) == ("playing", 1)


def test_a_hook_that_raises_does_not_end_what_is_always_playing() -> None:
    """GAME_ENDED came, and the room waited for a second round of a game that has none."""
    scene = gathered(Clumsy, "bob")
    before = len(scene.records)
    scene.do("bob", LeaveRoom())
    assert kinds(scene, before) == ["MEMBER_LEFT"]
    assert still_plays(scene)


def test_a_timer_that_raises_does_not_end_what_is_always_playing() -> None:
    scene = gathered(Clumsy, "bob")
    scene.do("ann", GameAction(action={"type": "set_off"}))
    before = len(scene.records)
    scene.pass_time(5_000)
    assert kinds(scene, before) == ["GAME_UPDATED"]
    assert scene.fresh_view("ann")["deadlines"] == {}
    assert still_plays(scene)


def test_a_hook_that_says_too_much_is_left_out_and_the_member_is_disconnected() -> None:
    scene = gathered(Clumsy)
    scene.do("bob", JoinRoom())
    before = len(scene.records)
    scene.hang_up("bob")
    assert kinds(scene, before) == ["MEMBER_DISCONNECTED"]
    assert still_plays(scene)
