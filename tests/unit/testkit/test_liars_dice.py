"""Liar's dice, tested as its author would."""

import pytest

from examples.liars_dice import Bid, Dice, LiarsDice, Rules
from gameroom import Context, IllegalAction, NotYourTurn
from gameroom.errors import ValidationFailed
from gameroom.testkit import Table, check_game

CUPS = {0: [1, 1, 2], 1: [2, 3, 3], 2: [4, 5, 6]}


@pytest.fixture
def table() -> Table[Dice]:
    """Three players with three dice each; it is the turn of seat 0."""
    table = Table(LiarsDice, players=3, settings={"dice": 3, "turn_seconds": 20})
    table.state.turn = 0
    for seat, cup in CUPS.items():
        table.state.players[seat].cup = cup[:]
    return table


def dice_left(table: Table[Dice]) -> list[int]:
    return [player.dice for player in table.state.players.values()]


def reduce_to(table: Table[Dice], *dice: int) -> None:
    """Let the players have so many dice only, all of them ones."""
    for player, left in zip(table.state.players.values(), dice, strict=True):
        player.dice, player.cup = left, [1] * left


# --- bids -----------------------------------------------------------------------------------------------------


def test_everybody_sees_the_bid_and_only_their_own_dice(table: Table[Dice]) -> None:
    table.act(0, "bid", count=2, face=1)
    for seat in (0, 1, 2, None):
        view = table.view(seat)
        assert (view["turn"], view["bid"]) == (1, {"seat": 0, "count": 2, "face": 1})
        cups = {int(owner): player["cup"] for owner, player in view["players"].items() if "cup" in player}
        assert cups == ({} if seat is None else {seat: CUPS[seat]})


@pytest.mark.parametrize(("count", "face"), [(2, 5), (3, 1), (9, 6)])
def test_a_bid_rises_in_dice_or_face(table: Table[Dice], count: int, face: int) -> None:
    table.act(0, "bid", count=2, face=4)
    table.act(1, "bid", count=count, face=face)
    assert table.state.bid == Bid(1, count, face)


@pytest.mark.parametrize(("count", "face"), [(2, 4), (2, 3), (1, 6)])
def test_a_bid_that_does_not_rise_is_refused(table: Table[Dice], count: int, face: int) -> None:
    table.act(0, "bid", count=2, face=4)
    with pytest.raises(IllegalAction) as refused:
        table.act(1, "bid", count=count, face=face)
    assert refused.value.params == {"reason": "bid_too_low", "bid": {"seat": 0, "count": 2, "face": 4}}


def test_nobody_bids_more_dice_than_there_are(table: Table[Dice]) -> None:
    with pytest.raises(IllegalAction) as refused:
        table.act(0, "bid", count=10, face=1)
    assert refused.value.params == {"reason": "not_so_many_dice", "dice": 9}


def test_who_is_not_on_turn_waits(table: Table[Dice]) -> None:
    for action, fields in (("bid", {"count": 1, "face": 1}), ("challenge", {})):
        with pytest.raises(NotYourTurn) as refused:
            table.act(1, action, **fields)
        assert refused.value.params == {"turn": 0}


def test_a_die_has_six_faces(table: Table[Dice]) -> None:
    with pytest.raises(ValidationFailed, match="#/action/face"):
        table.act(0, "bid", count=1, face=7)


# --- challenges -----------------------------------------------------------------------------------------------


def test_there_must_be_a_bid_to_challenge(table: Table[Dice]) -> None:
    with pytest.raises(IllegalAction, match="nothing_to_challenge"):
        table.act(0, "challenge")


@pytest.mark.parametrize(("count", "loser"), [(2, 1), (3, 0)])
def test_who_was_wrong_loses_a_die_and_begins(table: Table[Dice], count: int, loser: int) -> None:
    """There are two threes under all cups."""
    table.act(0, "bid", count=count, face=3)
    table.act(1, "challenge")
    assert dice_left(table)[loser] == 2
    assert sum(dice_left(table)) == 8
    assert (table.state.turn, table.state.bid) == (loser, None)


def test_all_cups_are_lifted_for_everybody(table: Table[Dice]) -> None:
    table.act(0, "bid", count=1, face=6)
    table.act(1, "challenge")
    showdown = {
        "bid": {"seat": 0, "count": 1, "face": 6},
        "challenger": 1,
        "cups": {"0": [1, 1, 2], "1": [2, 3, 3], "2": [4, 5, 6]},
        "matching": 1,
        "loser": 1,
    }
    for seat in (0, 1, 2, None):
        assert table.heard(seat) == [{"type": "showdown", "showdown": showdown}]
        assert table.view(seat)["showdown"] == showdown


def test_all_roll_again_after_a_challenge(table: Table[Dice]) -> None:
    table.act(0, "bid", count=1, face=6)
    table.act(1, "challenge")
    assert [len(player.cup) for player in table.state.players.values()] == dice_left(table) == [3, 2, 3]


def test_who_has_no_dice_left_is_out_and_passed_over(table: Table[Dice]) -> None:
    reduce_to(table, 2, 1, 2)
    table.act(0, "bid", count=1, face=1)
    table.act(1, "challenge")
    assert (table.state.out, table.state.turn, dice_left(table)) == ([1], 2, [2, 0, 2])
    table.act(2, "bid", count=1, face=1)
    table.act(0, "bid", count=2, face=1)
    assert table.state.turn == 2


def test_the_last_with_dice_wins(table: Table[Dice]) -> None:
    reduce_to(table, 0, 1, 1)
    table.state.out, table.state.turn = [0], 2
    table.act(2, "bid", count=2, face=1)
    table.act(1, "challenge")
    assert table.end_reason == "finished"
    assert table.result == {"winner": 2, "places": [2, 1, 0]}
    assert table.deadlines == {}


# --- the clock ------------------------------------------------------------------------------------------------


def test_who_is_too_slow_opens_with_the_lowest_bid(table: Table[Dice]) -> None:
    assert table.advance(19.9) == []
    assert table.advance(0.1) == ["turn_over"]
    assert (table.state.bid, table.state.turn) == (Bid(0, 1, 1), 1)
    assert table.heard(None) == [{"type": "too_slow", "seat": 0}]
    assert table.deadlines == {"turn_over": 20.0}


def test_who_is_too_slow_to_answer_a_bid_challenges_it(table: Table[Dice]) -> None:
    table.act(0, "bid", count=1, face=1)
    table.advance(20)
    assert table.state.showdown is not None
    assert (table.state.showdown.challenger, table.state.showdown.loser) == (1, 1)


def test_a_move_begins_the_clock_of_the_next(table: Table[Dice]) -> None:
    table.advance(15)
    table.act(0, "bid", count=1, face=1)
    assert table.deadlines == {"turn_over": 20.0}


def test_a_round_that_nobody_plays_comes_to_its_end() -> None:
    table = Table(LiarsDice, players=6)
    table.advance(6 * 5 * 2 * 30)
    assert table.end_reason == "finished"


# --- who comes and goes ---------------------------------------------------------------------------------------


def test_a_short_gap_in_the_network_costs_no_time(table: Table[Dice]) -> None:
    table.advance(8)
    table.disconnect(0)
    assert table.deadlines == {"turn_over": 12.0}
    table.advance(4)
    table.reconnect(0)
    assert table.deadlines == {"turn_over": 8.0}


def test_a_turn_that_begins_while_its_player_is_away_is_short(table: Table[Dice]) -> None:
    table.disconnect(1)
    table.act(0, "bid", count=1, face=1)
    assert table.view(None)["players"]["1"]["away"] is True
    assert table.deadlines == {"turn_over": 5.0}
    table.advance(3)
    table.reconnect(1)
    assert table.deadlines == {"turn_over": 17.0}


def test_who_comes_back_out_of_turn_moves_no_clock(table: Table[Dice]) -> None:
    table.advance(8)
    table.disconnect(1)
    table.reconnect(1)
    assert table.deadlines == {"turn_over": 12.0}
    assert not table.state.players[1].away


def test_who_leaves_is_out_and_the_others_roll_again(table: Table[Dice]) -> None:
    table.act(0, "bid", count=2, face=1)
    table.leave(0)
    assert not table.ended
    assert (table.state.out, table.state.bid, table.state.turn) == ([0], None, 1)
    assert dice_left(table) == [0, 3, 3]
    assert table.state.players[0].cup == []


def test_who_leaves_in_turn_passes_it_on(table: Table[Dice]) -> None:
    table.leave(0)
    assert table.state.turn == 1
    table.act(1, "bid", count=1, face=1)
    assert table.state.turn == 2


def test_who_leaves_when_out_already_changes_nothing(table: Table[Dice]) -> None:
    reduce_to(table, 2, 1, 2)
    table.act(0, "bid", count=1, face=1)
    table.act(1, "challenge")
    before = table.view(None)
    table.leave(1)
    assert table.view(None) == before


def test_the_last_who_stays_wins(table: Table[Dice]) -> None:
    table.leave(1)
    table.leave(0)
    assert table.result == {"winner": 2, "places": [2, 0, 1]}


def test_nobody_joins_late() -> None:
    assert not LiarsDice.late_joining


# --- all of it: that it keeps the promises of games is a test of docs/writing-a-game.md -------------------------


def other_dice(state: Dice, seat: int | None) -> None:
    """Turn every die that this seat must not see."""
    for owner, player in state.players.items():
        if owner != seat:
            player.cup = [die % 6 + 1 for die in player.cup]


def test_a_cup_that_is_announced_would_be_noticed() -> None:
    class Careless(LiarsDice):
        def accept(self, state: Dice, ctx: Context[Rules], bid: Bid) -> None:
            ctx.announce({"type": "bid", "cup": state.players[bid.seat].cup})
            super().accept(state, ctx, bid)

    with pytest.raises(AssertionError, match="depends on what is hidden"):
        check_game(Careless, scramble=other_dice, reveals=["challenge", "turn_over"])
