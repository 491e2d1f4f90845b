"""Tic-tac-toe, as the protocol says it is played."""

import pytest

from gameroom.errors import IllegalAction, NotYourTurn, ValidationFailed
from gameroom.games.tic_tac_toe import LINES, Board, TicTacToe
from gameroom.testkit import Table


def played(*cells: int) -> Table[Board]:
    """A table where the seats have taken turns on these cells."""
    table = Table(TicTacToe)
    for cell in cells:
        table.act(table.state.turn, "place", cell=cell)
    return table


def test_the_first_view() -> None:
    view = {"cells": [None] * 9, "turn": 0, "winner": None, "draw": False}
    table = Table(TicTacToe)
    assert table.view(0) == table.view(1) == table.view(None) == view


def test_a_mark_is_the_seats_number() -> None:
    table = played(4, 0)
    assert table.state.cells == [1, None, None, None, 0, None, None, None, None]
    assert table.state.turn == 0
    assert not table.ended


@pytest.mark.parametrize("line", LINES)
def test_every_line_wins(line: tuple[int, ...]) -> None:
    others = [cell for cell in range(9) if cell not in line]
    table = played(line[0], others[0], line[1], others[1], line[2])
    assert table.ended
    assert table.result == {"winner": 0, "draw": False}
    assert table.end_reason == "finished"
    assert table.state.winner == 0
    assert [table.state.cells[cell] for cell in line] == [0, 0, 0]


def test_a_line_in_the_last_cell_is_no_draw() -> None:
    assert played(0, 1, 2, 3, 4, 5, 7, 6, 8).result == {"winner": 0, "draw": False}


def test_a_full_board_without_a_line_is_a_draw() -> None:
    table = played(0, 1, 2, 4, 3, 5, 7, 6, 8)
    assert table.result == {"winner": None, "draw": True}
    assert table.state.draw
    assert None not in table.state.cells


def test_the_other_seat_must_wait() -> None:
    with pytest.raises(NotYourTurn) as caught:
        played(4).act(0, "place", cell=0)
    assert caught.value.params == {"turn": 1}


def test_a_taken_cell_is_illegal() -> None:
    table = played(4)
    with pytest.raises(IllegalAction) as caught:
        table.act(1, "place", cell=4)
    assert caught.value.params == {"reason": "cell_taken", "cell": 4}
    assert table.state.turn == 1


@pytest.mark.parametrize("cell", [-1, 9, "4", 4.5, None, [4]])
def test_a_cell_is_a_number_from_0_to_8(cell: object) -> None:
    with pytest.raises(ValidationFailed) as caught:
        Table(TicTacToe).act(0, "place", cell=cell)
    assert [error.pointer for error in caught.value.errors] == ["#/action/cell"]


def test_seat_1_starts_even_rounds() -> None:
    table = played(0, 3, 1, 4, 2)
    table.next_round()
    assert table.state.turn == 1
    assert table.state.cells == [None] * 9


def test_leaving_abandons_the_round() -> None:
    table = played(4)
    table.leave(1)
    assert table.end_reason == "abandoned"
    assert table.state.cells[4] == 0
