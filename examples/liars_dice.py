"""Liar's dice: bid on the dice under all cups, of which you see only your own. Call a bluff, and somebody loses a die.

Shows hidden information, a turn clock that survives the server, settings, and players who come and go.
Play it: `gameroom serve examples/liars_dice.py`
"""

from typing import Annotated

from msgspec import Meta

from gameroom import Context, Game, GameSettings, GameState, Hidden, IllegalAction, NotYourTurn, action, timer

MOST_PLAYERS = 6
MOST_DICE = 6
AWAY_SECONDS = 5

Face = Annotated[int, Meta(ge=1, le=6)]
Count = Annotated[int, Meta(ge=1, le=MOST_PLAYERS * MOST_DICE)]


class Rules(GameSettings):
    """`dice`: how many each player begins with. `turn_seconds`: how long a player may think."""

    dice: Annotated[int, Meta(ge=1, le=MOST_DICE)] = 5
    turn_seconds: Annotated[int, Meta(ge=2, le=300)] = 30


class Player(GameState):
    """`dice`: how many are left, none for who is out. `cup`: what they show; others do not see it."""

    dice: int
    cup: Hidden[list[Face]] = []
    away: bool = False


class Bid(GameState):
    """Under all cups together there are at least `count` dice that show `face`."""

    seat: int
    count: Count
    face: Face


class Showdown(GameState):
    """What everybody saw when a bid was challenged, and who lost a die for it."""

    bid: Bid
    challenger: int
    cups: dict[int, list[Face]]
    matching: int
    loser: int


class Dice(GameState):
    """`players` by seat. `turn` began at `turn_began`, in milliseconds since 1970. `out`: the first to go first."""

    players: dict[int, Player]
    turn: int
    turn_began: int = 0
    bid: Bid | None = None
    showdown: Showdown | None = None
    out: list[int] = []


class LiarsDice(Game[Dice, Rules]):
    name = "liars-dice"
    title = "Liar's dice"
    min_players = 2
    max_players = MOST_PLAYERS

    def setup(self, ctx: Context[Rules]) -> Dice:
        players = {seat: Player(dice=ctx.settings.dice) for seat in ctx.players}
        state = Dice(players, turn=ctx.random.choice(ctx.players))
        self.roll(state, ctx)
        return state

    # --- what players do ----------------------------------------------------------------------------------------

    @action
    def bid(self, state: Dice, ctx: Context[Rules], count: Count, face: Face) -> None:
        """Claim that there are at least `count` dice that show `face`: more dice than bid before, or a higher face."""
        self.check_turn(state, ctx)
        on_the_table = sum(player.dice for player in state.players.values())
        if count > on_the_table:
            raise IllegalAction("not_so_many_dice", dice=on_the_table)
        if state.bid is not None and (count, face) <= (state.bid.count, state.bid.face):
            raise IllegalAction("bid_too_low", bid=state.bid)
        self.accept(state, ctx, Bid(ctx.seat, count, face))

    @action
    def challenge(self, state: Dice, ctx: Context[Rules]) -> None:
        """Call the last bid a bluff. All cups are lifted, and who was wrong loses a die."""
        self.check_turn(state, ctx)
        if state.bid is None:
            raise IllegalAction("nothing_to_challenge")
        self.lift_cups(state, ctx, state.bid)

    @timer
    def turn_over(self, state: Dice, ctx: Context[Rules]) -> None:
        """Who is too slow opens with the lowest bid, or challenges: so the game ends even if nobody plays."""
        ctx.announce({"type": "too_slow", "seat": state.turn})
        if state.bid is None:
            self.accept(state, ctx, Bid(state.turn, count=1, face=1))
        else:
            self.lift_cups(state, ctx, state.bid)

    def check_turn(self, state: Dice, ctx: Context[Rules]) -> None:
        if ctx.seat != state.turn:
            raise NotYourTurn(turn=state.turn)

    # --- who comes and goes -------------------------------------------------------------------------------------

    def on_disconnect(self, state: Dice, ctx: Context[Rules]) -> None:
        """The turn that has begun keeps its time: a short gap in the network costs nothing."""
        state.players[ctx.seat].away = True

    def on_return(self, state: Dice, ctx: Context[Rules]) -> None:
        """Whose turn it is gets what is left of a whole one, so there is no time to be won by leaving."""
        state.players[ctx.seat].away = False
        if ctx.seat == state.turn:
            self.start_clock(state, ctx)

    def on_leave(self, state: Dice, ctx: Context[Rules]) -> None:
        """The dice of who leaves are gone; the others roll again and go on."""
        if state.players[ctx.seat].dice:
            state.players[ctx.seat].dice = 0
            self.drop_out(state, ctx, ctx.seat)

    # --- the rules ----------------------------------------------------------------------------------------------

    def accept(self, state: Dice, ctx: Context[Rules], bid: Bid) -> None:
        state.bid = bid
        self.pass_on(state, ctx)

    def lift_cups(self, state: Dice, ctx: Context[Rules], bid: Bid) -> None:
        challenger = state.turn
        cups = {seat: player.cup for seat, player in state.players.items() if player.cup}
        matching = sum(cup.count(bid.face) for cup in cups.values())
        loser = challenger if matching >= bid.count else bid.seat
        state.showdown = Showdown(bid, challenger, cups, matching, loser)
        ctx.announce({"type": "showdown", "showdown": state.showdown})
        self.lose_die(state, ctx, loser)

    def lose_die(self, state: Dice, ctx: Context[Rules], loser: int) -> None:
        """Who loses a die begins the next round, if any are left."""
        state.turn = loser
        state.players[loser].dice -= 1
        if state.players[loser].dice == 0:
            self.drop_out(state, ctx, loser)
        else:
            self.roll(state, ctx)

    def drop_out(self, state: Dice, ctx: Context[Rules], seat: int) -> None:
        state.out.append(seat)
        left = [other for other, player in state.players.items() if player.dice]
        if len(left) == 1:
            ctx.end(winner=left[0], places=[*left, *reversed(state.out)])
            return
        if seat == state.turn:
            state.turn = self.next_after(state, seat)
        self.roll(state, ctx)

    def roll(self, state: Dice, ctx: Context[Rules]) -> None:
        """All shake their cups, and there is no bid yet."""
        state.bid = None
        for player in state.players.values():
            player.cup = [ctx.random.randint(1, 6) for _ in range(player.dice)]
        self.begin_turn(state, ctx)

    def pass_on(self, state: Dice, ctx: Context[Rules]) -> None:
        state.turn = self.next_after(state, state.turn)
        self.begin_turn(state, ctx)

    def next_after(self, state: Dice, seat: int) -> int:
        seats = [other for other, player in state.players.items() if player.dice]
        return min((other for other in seats if other > seat), default=seats[0])

    def begin_turn(self, state: Dice, ctx: Context[Rules]) -> None:
        state.turn_began = ctx.now
        self.start_clock(state, ctx)

    def start_clock(self, state: Dice, ctx: Context[Rules]) -> None:
        """Nobody waits long for a player who was away when its turn began."""
        seconds = ctx.settings.turn_seconds
        if state.players[state.turn].away:
            seconds = min(seconds, AWAY_SECONDS)
        passed = (ctx.now - state.turn_began) / 1000
        ctx.after(max(0, seconds - passed), self.turn_over)

    # --- who sees what ------------------------------------------------------------------------------------------

    def reveal(self, state: Dice, seat: int | None) -> dict[str, object]:
        """Players see what is under their own cup, spectators under none."""
        if seat is None:
            return {}
        return {"players": {seat: {"cup": state.players[seat].cup}}}
