"""A whole server whose PostgreSQL dies in the middle of a game."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.conftest import HASTY_SIGN_INS
from tests.kit.people import gathering
from tests.kit.postgres import Postgres
from tests.kit.server import Server
from tests.kit.tables import Game
from tests.postgres.sessions import until

SECRET = "hunter2-and-more"
BOARD = [1, None, None, None, 0, None, None, None, 0]


async def test_while_the_database_is_away_the_game_waits_and_nothing_is_lost(
    tmp_path: Path, new_postgres: Callable[..., Postgres]
) -> None:
    with new_postgres() as postgres:
        url = postgres.url.replace("postgres@", f"postgres:{SECRET}@")
        with Server(tmp_path, database_url=url, **HASTY_SIGN_INS) as server:
            async with gathering(server) as people:
                accounts = await people.guests("Alice", "Bob")
                alice, bob = [await people.connect(account) for account in accounts]
                game = Game(await alice.create("tic-tac-toe"), (alice, bob))
                await bob.join(game.room_id)
                await game.start()
                await game.place(0, 4)
                postgres.kill()
                move = asyncio.create_task(game.place(1, 0))
                await until(lambda: "cannot be used" in server.log)
                assert not move.done()
                await asyncio.to_thread(postgres.start)
                await move
                await game.place(0, 8)
                assert bob.room.state["cells"] == BOARD
                server.kill9()
                await asyncio.to_thread(server.start)
                back = await people.enter(accounts[0], game.room_id)
                assert back.room.state["cells"] == BOARD
            assert f"postgresql://127.0.0.1:{postgres.port}/postgres" in server.log
            assert SECRET not in server.log
