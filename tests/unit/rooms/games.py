"""Games that do to a room everything a game can do."""

import sys
from typing import Annotated

from msgspec import Meta, field

from gameroom import Context, Game, GameSettings, GameState, Hidden, IllegalAction, action, timer


class Hands(GameState):
    pot: list[int] = field(default_factory=list)
    hands: Hidden[dict[int, list[int]]] = field(default_factory=dict)
    late: int = 0
    left: list[int] = field(default_factory=list)


class Present(GameState):
    here: list[int]
    came: list[int] = field(default_factory=list)
    away: list[int] = field(default_factory=list)


class Gathering(Game[Present]):
    """Players may join while a round is played."""

    name = "gathering"
    min_players, max_players = 2, 4
    late_joining = True

    def setup(self, ctx: Context) -> Present:
        return Present(here=list(ctx.players))

    @action
    def wait(self, state: Present, ctx: Context) -> None:
        pass

    def on_join(self, state: Present, ctx: Context) -> None:
        state.here = list(ctx.players)
        state.came.append(ctx.seat)

    def on_disconnect(self, state: Present, ctx: Context) -> None:
        state.away.append(ctx.seat)

    def on_return(self, state: Present, ctx: Context) -> None:
        state.away.remove(ctx.seat)


class Lounge(Game[None]):
    """Greets whoever comes, in a room without rounds."""

    name = "lounge"
    min_players, max_players = 1, 4
    late_joining = always_playing = True

    @action
    def wave(self, state: None, ctx: Context) -> None:
        pass

    def on_join(self, state: None, ctx: Context) -> None:
        ctx.announce({"welcome": ctx.seat, "here": ctx.players})


class Clumsy(Game[None]):
    """A room without rounds whose author has made mistakes in everything but `wave` and `set_off`."""

    name = "clumsy"
    min_players, max_players = 1, 4
    late_joining = always_playing = True

    @action
    def wave(self, state: None, ctx: Context) -> None:
        pass

    @action
    def set_off(self, state: None, ctx: Context) -> None:
        ctx.after(5, self.ring)

    @timer
    def ring(self, state: None, ctx: Context) -> None:
        ctx.after(60, self.ring)
        raise RuntimeError("the author's bug")

    def on_leave(self, state: None, ctx: Context) -> None:
        raise RuntimeError("the author's bug")

    def on_disconnect(self, state: None, ctx: Context) -> None:
        ctx.announce({"far too much": "!" * 2_000_000})


class Secrets(Game[Hands]):
    """Every seat has cards that only it sees; there are a clock, chance, announcements, and ways to fail."""

    name = "secrets"
    min_players = 2
    max_players = 4

    def setup(self, ctx: Context) -> Hands:
        ctx.after(30, self.run_late)
        return Hands(hands={seat: [ctx.random.randint(1, 9)] for seat in ctx.players})

    def reveal(self, state: Hands, seat: int | None) -> dict[str, object]:
        return {} if seat is None else {"hand": state.hands.get(seat, [])}

    @action
    def draw(self, state: Hands, ctx: Context) -> dict[str, int]:
        card = ctx.random.randint(1, 9)
        state.hands[ctx.seat].append(card)
        return {"card": card}

    @action
    def show(self, state: Hands, ctx: Context, to: list[int]) -> None:
        state.pot.append(state.hands[ctx.seat][-1])
        ctx.announce({"shows": state.hands[ctx.seat]}, to=to)
        ctx.announce({"shown_by": ctx.seat})

    @action
    def spoil(self, state: Hands, ctx: Context, legal: bool) -> None:
        state.pot.append(-1)
        if not legal:
            raise IllegalAction("spoilt")
        raise RuntimeError("the author's bug")

    @action
    def leave_the_process(self, state: Hands, ctx: Context) -> None:
        sys.exit("bye")

    @action
    def finish(self, state: Hands, ctx: Context) -> None:
        ctx.end(pot=sum(state.pot))

    @timer
    def run_late(self, state: Hands, ctx: Context) -> None:
        state.late += 1
        ctx.after(30, self.run_late)

    def on_leave(self, state: Hands, ctx: Context) -> None:
        state.left.append(ctx.seat)
        if len(state.left) >= len(ctx.players) - 1:
            ctx.abandon()

    def on_disconnect(self, state: Hands, ctx: Context) -> None:
        ctx.announce({"away": ctx.seat})


class Tally(GameState):
    total: int = 0


class Counter(Game[Tally]):
    """Play that is not journaled, with a state of its own; every third count ends the round."""

    name = "counter"
    min_players = 1
    max_players = 3
    durability = "volatile"

    @action
    def count(self, state: Tally, ctx: Context, by: int = 1) -> dict[str, int]:
        state.total += by
        ctx.random.random()
        if state.total >= 3:
            ctx.end(total=state.total)
        return {"total": state.total}


class Dice(Game[Tally]):
    """Play that is not journaled, and chance that everybody sees."""

    name = "dice"
    min_players = max_players = 1
    durability = "volatile"

    @action
    def roll(self, state: Tally, ctx: Context) -> dict[str, list[int]]:
        return {"rolled": [ctx.random.randrange(2**60) for _ in range(3)]}


class Explosive(GameState):
    moves: int = 0


class Bomb(Game[Explosive]):
    """Its view raises once somebody has armed it, and its clock always raises."""

    name = "bomb"
    min_players = 1
    max_players = 2

    def setup(self, ctx: Context) -> Explosive:
        ctx.after(5, self.tick)
        return Explosive()

    def reveal(self, state: Explosive, seat: int | None) -> dict[str, object]:
        if state.moves == 1:
            raise ValueError("no view of this")
        return {}

    @action
    def move(self, state: Explosive, ctx: Context) -> None:
        state.moves += 1

    @timer
    def tick(self, state: Explosive, ctx: Context) -> None:
        raise ValueError("the clock is broken")


class Stake(GameSettings):
    stake: Annotated[int, Meta(ge=1)] = 1


class Pot(GameState):
    pot: int = 0


class Stakes(Game[Pot, Stake]):
    """What is in its pot is what its settings say."""

    name = "stakes"
    min_players = 2
    max_players = 4

    def setup(self, ctx: Context[Stake]) -> Pot:
        return Pot(pot=ctx.settings.stake * len(ctx.players))

    @action
    def fold(self, state: Pot, ctx: Context[Stake]) -> None:
        ctx.end(pot=state.pot)


class HigherStake(GameSettings):
    stake: Annotated[int, Meta(ge=5)] = 5


class HigherStakes(Game[Pot, HigherStake]):
    """A version that does not take what rooms were made with."""

    name = "stakes"
    version = "2"
    min_players = 2
    max_players = 4

    @action
    def fold(self, state: Pot, ctx: Context[HigherStake]) -> None:
        ctx.end(pot=state.pot)
