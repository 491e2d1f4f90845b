"""A game with bugs: its handler, its view or its start raises. Nothing changed, and the other rooms go on."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conftest import HASTY_SIGN_INS
from tests.kit.people import People, gathering
from tests.kit.player import Player
from tests.kit.server import Server
from tests.kit.tables import Game, play
from tests.kit.wire import Refused

TRAPS = Path(__file__).parent.parent / "games" / "traps.py"


@pytest.fixture(scope="module")
def trapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("trapped"), TRAPS, **HASTY_SIGN_INS) as server:
        yield server


@pytest.fixture
async def visitors(trapped: Server) -> AsyncIterator[People]:
    async with gathering(trapped) as people:
        yield people


async def start(people: People) -> tuple[Player, Player, Game]:
    """Two in a round of the game with bugs, and others in a game without."""
    others = await play(people)
    alice, bob = await people.newcomers("Alice", "Bob")
    await bob.join(await alice.create("traps"))
    for player in (alice, bob):
        await player.ask("SET_READY", ready=True)
    await alice.ask("START_GAME")
    assert (await alice.act("count")).data == {"counted": 1}
    await bob.until("GAME_UPDATED")
    return alice, bob, others


@pytest.mark.parametrize("trap", ["stumble", "blind"])
async def test_what_raises_changes_nothing_and_harms_nobody_else(visitors: People, trap: str) -> None:
    alice, bob, others = await start(visitors)
    with pytest.raises(Refused) as refused:
        await alice.act(trap)
    assert refused.value.code == "game_error"
    assert "fell" not in str(refused.value.body)
    await alice.verify()
    assert alice.room.state == {"value": 1}
    assert (await alice.act("count")).data == {"counted": 2}
    await bob.expect("GAME_UPDATED")
    assert bob.room.state == {"value": 2}
    await others.place(0, 4)


async def test_a_game_from_a_file_survives_a_death(visitors: People, trapped: Server) -> None:
    account = await visitors.guest("Alice")
    alice = await visitors.connect(account)
    await alice.create("traps")
    await alice.ask("SET_READY", ready=True)
    await alice.ask("START_GAME")
    await alice.act("count")
    trapped.kill9()
    trapped.start()
    back = await visitors.return_to(account, alice.room)
    await back.verify()
    assert back.room.state == {"value": 1}
    assert (await back.act("count")).data == {"counted": 2}
