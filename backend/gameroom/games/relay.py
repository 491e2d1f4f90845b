"""Relay: a room without rules, for games whose clients decide everything themselves."""

from typing import Annotated

from msgspec import Meta

from gameroom.games.context import Context
from gameroom.games.game import Game, action
from gameroom.protocol.commands import FreeJson
from gameroom.protocol.limits import MOST_PLAYERS

Seat = Annotated[int, Meta(ge=0, lt=MOST_PLAYERS)]


class Relay(Game[None]):
    """What a player sends, all in the room get, the sender included: so all see one order."""

    name = "relay"
    min_players = 1
    max_players = MOST_PLAYERS
    durability = "volatile"
    late_joining = True
    always_playing = True

    @action
    def send(self, state: None, ctx: Context, data: FreeJson, to: list[Seat] | None = None) -> None:
        """Say `data` to everybody, or only to the players on the seats `to`."""
        ctx.announce({"type": "message", "from": ctx.seat, "data": data}, to=to)
