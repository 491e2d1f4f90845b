"""Two games that differ in their durability alone: a board, and one action that changes it."""

from typing import Annotated

from msgspec import Meta, field

from gameroom import Context, Game, GameState, action


class Board(GameState):
    cells: list[int] = field(default_factory=lambda: [0] * 9)
    turn: int = 0

    def place(self, cell: int) -> None:
        self.cells[cell] += 1
        self.turn += 1


class Volatile(Game[Board]):
    """Play is lost with the process, as it is with every peer."""

    name = "volatile-board"
    min_players = max_players = 1
    durability = "volatile"

    @action
    def place(self, state: Board, ctx: Context, cell: Annotated[int, Meta(ge=0, le=8)]) -> None:
        state.place(cell)


class Journaled(Game[Board]):
    """Every action is on disk before it is answered."""

    name = "journaled-board"
    min_players = max_players = 1

    @action
    def place(self, state: Board, ctx: Context, cell: Annotated[int, Meta(ge=0, le=8)]) -> None:
        state.place(cell)
