"""Tic-tac-toe, the whole of it."""

from typing import Annotated

from msgspec import Meta, field

from gameroom.errors import IllegalAction, NotYourTurn
from gameroom.games.context import Context
from gameroom.games.game import Game, GameState, action

LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]


class Board(GameState):
    """`cells`: row by row, the seat whose mark is there."""

    cells: list[int | None] = field(default_factory=lambda: [None] * 9)
    turn: int = 0
    winner: int | None = None
    draw: bool = False


class TicTacToe(Game[Board]):
    """Seat 0 starts odd rounds, seat 1 even ones."""

    name = "tic-tac-toe"
    title = "Tic-tac-toe"
    min_players = max_players = 2

    def setup(self, ctx: Context) -> Board:
        return Board(turn=(ctx.round - 1) % 2)

    @action
    def place(self, state: Board, ctx: Context, cell: Annotated[int, Meta(ge=0, le=8)]) -> None:
        """Put one's mark into an empty cell."""
        if ctx.seat != state.turn:
            raise NotYourTurn(turn=state.turn)
        if state.cells[cell] is not None:
            raise IllegalAction("cell_taken", cell=cell)
        state.cells[cell] = ctx.seat
        if any(all(state.cells[at] == ctx.seat for at in line) for line in LINES):
            state.winner = ctx.seat
        else:
            state.draw = None not in state.cells
        state.turn = 1 - state.turn
        if state.winner is not None or state.draw:
            ctx.end(winner=state.winner, draw=state.draw)
