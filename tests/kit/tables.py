"""Two people at a game of tic-tac-toe: the table that many tests sit down at, and the bystanders of the others."""

from dataclasses import dataclass

from tests.kit.people import People
from tests.kit.player import Player

ROW = [(0, 0), (1, 3), (0, 1), (1, 4), (0, 2)]
"""Moves (seat, cell) with which seat 0 wins the first round."""


@dataclass
class Game:
    """A room and who sits in it, by seat."""

    room_id: str
    seats: tuple[Player, Player]

    async def place(self, seat: int, cell: int) -> None:
        """One move, which both hear."""
        await self.seats[seat].act("place", cell=cell)
        for player in self.seats:
            await player.until("GAME_UPDATED", seat=seat)

    async def start(self) -> None:
        """Both ready, the host starts."""
        for player in self.seats:
            await player.ask("SET_READY", room_id=self.room_id, ready=True)
        await self.seats[0].ask("START_GAME", room_id=self.room_id)
        for player in self.seats:
            await player.until("GAME_STARTED")


async def sit_down(people: People, *names: str, **fields: object) -> Game:
    """A room of tic-tac-toe with two newcomers, waiting to start; nothing of it is left in their inboxes."""
    first, second = await people.newcomers(*(names or ("Alice", "Bob")))
    room_id = await first.create("tic-tac-toe", **fields)
    await second.join(room_id)
    await first.expect("MEMBER_JOINED", user_id=second.user_id)
    return Game(room_id, (first, second))


async def play(people: People) -> Game:
    """A round that has begun; it is the turn of seat 0."""
    game = await sit_down(people)
    await game.start()
    return game
