"""Pass the glass: a game for the fault harness, with a turn clock and something that only its owner sees.

Everything that happens in it is counted, so whoever has the journal can tell what its state must be.
"""

from typing import Annotated

from msgspec import Meta

from gameroom import Context, Game, GameSettings, GameState, Hidden, NotYourTurn, action, timer

MOVES = 12
"""Turns of a round, whether made or missed."""


class Rules(GameSettings):
    """`turn_ms`: how long a turn may take."""

    turn_ms: Annotated[int, Meta(ge=100, le=60_000)] = 1_500


class Seat(GameState):
    """`mark`: what this player wrote last, for its own eyes."""

    moves: int = 0
    mark: Hidden[str] = ""


class Glass(GameState):
    seats: dict[int, Seat]
    turn: int
    missed: int = 0


class Hourglass(Game[Glass, Rules]):
    name = "hourglass"
    min_players = 2
    max_players = 4

    def setup(self, ctx: Context[Rules]) -> Glass:
        self.turn_glass(ctx)
        return Glass({seat: Seat() for seat in ctx.players}, turn=ctx.players[0])

    @action
    def move(self, state: Glass, ctx: Context[Rules], mark: str) -> dict[str, int]:
        """Write something down and pass the glass on."""
        if ctx.seat != state.turn:
            raise NotYourTurn(turn=state.turn)
        seat = state.seats[ctx.seat]
        seat.moves += 1
        seat.mark = mark
        ctx.announce({"type": "written", "mark": mark}, to=[ctx.seat])
        self.pass_on(state, ctx)
        return {"moves": seat.moves}

    @timer
    def run_out(self, state: Glass, ctx: Context[Rules]) -> None:
        state.missed += 1
        self.pass_on(state, ctx)

    def pass_on(self, state: Glass, ctx: Context[Rules]) -> None:
        seats = list(state.seats)
        state.turn = seats[(seats.index(state.turn) + 1) % len(seats)]
        if state.missed + sum(seat.moves for seat in state.seats.values()) >= MOVES:
            ctx.end(missed=state.missed)
        else:
            self.turn_glass(ctx)

    def turn_glass(self, ctx: Context[Rules]) -> None:
        ctx.after(ctx.settings.turn_ms / 1000, self.run_out)

    def reveal(self, state: Glass, seat: int | None) -> dict[str, object]:
        return {} if seat is None else {"seats": {seat: {"mark": state.seats[seat].mark}}}
