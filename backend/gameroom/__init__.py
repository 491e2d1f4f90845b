"""gameroom: rooms in which people play together, and which survive the death of the process that runs them.

A game is one Python file: a state with typed fields, and a class whose methods are what players can do.

    from gameroom import Context, Game, GameState, NotYourTurn, action

    class Count(GameState):
        total: int = 0
        turn: int = 0

    class CountTo21(Game[Count]):
        name = "count-to-21"
        min_players = max_players = 2

        @action
        def add(self, state: Count, ctx: Context, number: Literal[1, 2, 3]) -> None:
            if ctx.seat != state.turn:
                raise NotYourTurn(turn=state.turn)
            state.total += number
            state.turn = 1 - ctx.seat
            if state.total >= 21:
                ctx.end(loser=ctx.seat)

`gameroom serve count.py` plays it with everybody who has a token. Players send
`{"type": "GAME_ACTION", "action": {"type": "add", "number": 2}}` over a WebSocket; the room asks the game, writes
down what changed, and only then tells the players. What players were told is never lost: killed in the middle of
a round, the server comes back with every player on their seat.

`docs/writing-a-game.md` is the guide; `gameroom.testkit` plays a game in a unit test without a server. What
stands below is all that a game imports; the server's own parts are `gameroom.app` and what it puts together.
"""

from gameroom.errors import IllegalAction, NotYourTurn
from gameroom.games.context import Context
from gameroom.games.failures import GameDefinitionError
from gameroom.games.game import Game, GameSettings, GameState, action, timer
from gameroom.games.random import GameRandom
from gameroom.games.visible import Hidden

__all__ = [
    "Context",
    "Game",
    "GameDefinitionError",
    "GameRandom",
    "GameSettings",
    "GameState",
    "Hidden",
    "IllegalAction",
    "NotYourTurn",
    "action",
    "timer",
]
