"""A counter with traps: a game for tests, whose handler or view raises when asked to."""

from gameroom import Context, Game, GameState, action


class Count(GameState):
    value: int = 0


class Traps(Game[Count]):
    name = "traps"
    min_players = 1
    max_players = 4

    def setup(self, ctx: Context) -> Count:
        return Count()

    @action
    def count(self, state: Count, ctx: Context) -> dict[str, int]:
        state.value += 1
        return {"counted": state.value}

    @action
    def stumble(self, state: Count, ctx: Context) -> None:
        state.value += 100
        raise ZeroDivisionError("the handler fell")

    @action
    def blind(self, state: Count, ctx: Context) -> None:
        state.value = -1

    def reveal(self, state: Count, seat: int | None) -> dict[str, object]:
        if state.value < 0:
            raise KeyError("the view fell")
        return {}
