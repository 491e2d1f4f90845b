"""Rock, paper, scissors: both throw in secret, then both hands are shown. Who is too slow throws at random.

Shows hidden fields, `reveal`, a timer, settings and chance. Play it: `gameroom serve examples/rock_paper_scissors.py`
"""

from typing import Annotated, Literal

from msgspec import Meta, field

from gameroom import Context, Game, GameSettings, GameState, Hidden, IllegalAction, action, timer

Hand = Literal["rock", "paper", "scissors"]

HANDS: list[Hand] = ["rock", "paper", "scissors"]
BEATS: dict[Hand, Hand] = {"rock": "scissors", "paper": "rock", "scissors": "paper"}


class Rules(GameSettings):
    """`wins`: how many throws must be won. `seconds`: how long a throw may take."""

    wins: Annotated[int, Meta(ge=1, le=10)] = 3
    seconds: Annotated[int, Meta(ge=3, le=120)] = 20


class Match(GameState):
    """`thrown` is what each seat has thrown and the other must not see yet; `shown` are the last two hands."""

    thrown: Hidden[dict[int, Hand]] = field(default_factory=dict)
    shown: list[Hand] = field(default_factory=list)
    wins: list[int] = field(default_factory=lambda: [0, 0])


class RockPaperScissors(Game[Match, Rules]):
    name = "rock-paper-scissors"
    title = "Rock, paper, scissors"
    min_players = max_players = 2

    def setup(self, ctx: Context[Rules]) -> Match:
        ctx.after(ctx.settings.seconds, self.too_slow)
        return Match()

    @action
    def throw(self, state: Match, ctx: Context[Rules], hand: Hand) -> None:
        """Choose a hand. Nobody sees it before both have chosen."""
        if ctx.seat in state.thrown:
            raise IllegalAction("already_thrown")
        state.thrown[ctx.seat] = hand
        if len(state.thrown) == 2:
            self.show(state, ctx)

    @timer
    def too_slow(self, state: Match, ctx: Context[Rules]) -> None:
        for seat in ctx.players:
            state.thrown.setdefault(seat, ctx.random.choice(HANDS))
        self.show(state, ctx)

    def show(self, state: Match, ctx: Context[Rules]) -> None:
        """Both have thrown: compare, and go on or end."""
        state.shown = [state.thrown[0], state.thrown[1]]
        state.thrown = {}
        winner = self.winner_of(*state.shown)
        ctx.announce({"type": "shown", "hands": state.shown, "winner": winner})
        if winner is not None:
            state.wins[winner] += 1
        if max(state.wins) == ctx.settings.wins:
            ctx.end(winner=winner)
        else:
            ctx.after(ctx.settings.seconds, self.too_slow)

    def winner_of(self, first: Hand, second: Hand) -> int | None:
        if first == second:
            return None
        return 0 if BEATS[first] == second else 1

    def reveal(self, state: Match, seat: int | None) -> dict[str, object]:
        """Everybody sees who has thrown, and each player their own hand."""
        own = {} if seat is None else {"hand": state.thrown.get(seat)}
        return {"waiting_for": [player for player in (0, 1) if player not in state.thrown], **own}
