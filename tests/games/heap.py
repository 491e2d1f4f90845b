"""A game that tells of the process that it runs in."""

import gc

from gameroom import Context, Game, GameState, action


class Looks(GameState):
    taken: int = 0


class Heap(Game[Looks]):
    name = "heap"
    min_players = max_players = 1

    @action
    def look(self, state: Looks, ctx: Context) -> dict[str, int]:
        state.taken += 1
        return {"collected": sum(map(len, map(gc.get_objects, range(3)))), "frozen": gc.get_freeze_count()}
