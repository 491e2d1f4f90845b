"""How long a lost room rests, and when it is given up."""

from gameroom.rooms.setbacks import CALM_S, FIRST_PAUSE_S, HOPELESS, LONGEST_PAUSE_S, Setbacks
from tests.unit.rooms.node import HandClock


def test_a_room_rests_twice_as_long_each_time_and_no_longer_than_the_longest() -> None:
    setbacks = Setbacks(HandClock())
    pauses = [setbacks.lost("r") for _ in range(12)]
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_each_room_rests_for_itself() -> None:
    setbacks = Setbacks(HandClock())
    assert [setbacks.lost(room_id) for room_id in ("r", "s")] == [FIRST_PAUSE_S] * 2


def test_after_a_calm_time_a_room_is_like_any_other() -> None:
    clock = HandClock()
    setbacks = Setbacks(clock)
    for _ in range(HOPELESS):
        setbacks.lost("r")
    clock.moment += int(CALM_S * 1000) + 1
    assert setbacks.lost("r") == FIRST_PAUSE_S
    assert setbacks.reopened("r", 1)


def test_a_room_that_was_never_lost_may_go_on() -> None:
    assert Setbacks(HandClock()).reopened("r", 1)


def test_a_room_that_is_lost_again_and_again_is_hopeless_for_good() -> None:
    clock = HandClock()
    setbacks = Setbacks(clock)
    went_on = []
    for _ in range(HOPELESS):
        setbacks.lost("r")
        went_on.append(setbacks.reopened("r", 7))
    assert went_on == [True] * (HOPELESS - 1) + [False]
    clock.moment += int(CALM_S * 1000) + 1
    setbacks.lost("another")
    assert setbacks.is_hopeless("r")
    assert not setbacks.is_hopeless("another")


def test_a_room_that_gets_on_is_not_hopeless() -> None:
    setbacks = Setbacks(HandClock())
    for events in range(10 * HOPELESS):
        setbacks.lost("r")
        assert setbacks.reopened("r", events)
