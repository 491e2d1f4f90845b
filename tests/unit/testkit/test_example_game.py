"""The example game, tested as its author would."""

import pytest

from examples.rock_paper_scissors import HANDS, Match, RockPaperScissors
from gameroom import IllegalAction
from gameroom.testkit import Table


@pytest.fixture
def table() -> Table[Match]:
    return Table(RockPaperScissors, settings={"wins": 2})


def test_a_hand_is_secret_until_both_have_thrown(table: Table[Match]) -> None:
    before = table.view(1)
    table.act(0, "throw", hand="rock")
    assert table.view(0)["hand"] == "rock"
    assert table.view(1) == before | {"waiting_for": [1]}
    assert table.view(None) == {"shown": [], "wins": [0, 0], "waiting_for": [1]}


def test_nobody_throws_twice(table: Table[Match]) -> None:
    table.act(0, "throw", hand="rock")
    with pytest.raises(IllegalAction):
        table.act(0, "throw", hand="paper")
    assert table.view(0)["hand"] == "rock"


def test_the_first_to_win_twice_wins(table: Table[Match]) -> None:
    for first, second in (
        ("rock", "scissors"),
        ("rock", "rock"),
        ("paper", "scissors"),
        ("scissors", "paper"),
    ):
        assert not table.ended
        table.act(1, "throw", hand=second)
        table.act(0, "throw", hand=first)
    assert table.result == {"winner": 0}
    assert [said["winner"] for said in table.heard(None)] == [0, None, 1, 0]


def test_who_is_too_slow_throws_at_random(table: Table[Match]) -> None:
    table.act(0, "throw", hand="rock")
    table.advance(19.9)
    assert table.state.shown == []
    table.advance(0.1)
    assert table.state.shown[0] == "rock"
    assert table.state.shown[1] in HANDS
    assert table.deadlines == {"too_slow": 20.0}
