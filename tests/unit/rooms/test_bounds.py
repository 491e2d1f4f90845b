"""What a room holds at once, at most."""

import asyncio

from gameroom.errors import IdReused
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import CreateRoom, SendChat
from gameroom.rooms.batch import BATCH_INPUTS
from gameroom.rooms.journal import MemoryJournal, Unit
from gameroom.rooms.opening import LOST_ROOMS, Opening
from gameroom.rooms.placement import MemoryPlacement
from gameroom.rooms.presence import Presence
from gameroom.rooms.refusals import Refusals
from gameroom.rooms.window import REFUSALS
from tests.unit.rooms.node import GAMES, PATIENCE_S, ROOM, Everybody, node
from tests.unit.rooms.scene import POLICY, Scene


class Scales(MemoryJournal):
    """Keeps how many records each unit had."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[int] = []

    def append(self, unit: Unit) -> "asyncio.Future[None]":
        self.weights.append(len(unit.records))
        return super().append(unit)


async def test_a_turn_takes_so_many_inputs_and_leaves_the_rest_to_the_next() -> None:
    journal = Scales()
    async with node(journal) as first:
        await first.do("ann", CreateRoom(game="tic-tac-toe"))
        asked = [first.ask("ann", SendChat(text="hi")) for _ in range(BATCH_INPUTS + 50)]
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*asked)
    assert journal.weights == [BATCH_INPUTS, 50]


def test_of_too_many_refusals_the_oldest_are_forgotten() -> None:
    scene = Scene(TicTacToe)
    for number in range(REFUSALS + 1):
        scene.refused("ann", SendChat(text="psst", to="nobody", id=str(number)))
    assert not isinstance(scene.refused("ann", SendChat(text="other", to="nobody", id="0")), IdReused)
    assert isinstance(scene.refused("ann", SendChat(text="other", to="nobody", id=str(REFUSALS))), IdReused)


async def test_of_too_many_lost_rooms_the_oldest_ones_refusals_are_forgotten() -> None:
    journal, refusals = MemoryJournal(), Refusals(REFUSALS)
    async with node(journal) as first:
        await first.do("ann", CreateRoom(game="tic-tac-toe"))
    placement = MemoryPlacement(journal)
    opening = Opening(
        home="node-1", games=GAMES, journal=journal, placement=placement, cards=Everybody(), policy=POLICY
    )
    opening.remember(ROOM, refusals)
    for number in range(LOST_ROOMS - 1):
        opening.remember(str(number), Refusals(REFUSALS))
    assert (await opening.open(ROOM, Presence())).room.window.refusals is refusals
    opening.remember("one more", Refusals(REFUSALS))
    assert (await opening.open(ROOM, Presence())).room.window.refusals is not refusals
