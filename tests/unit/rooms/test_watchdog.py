"""A turn that keeps the server waiting is named, with its room, its game and the place where it is."""

import logging
import time

import pytest

from gameroom import Context, Game, action
from gameroom.games.registry import Games, load_game
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import CreateRoom, GameAction, SendChat
from gameroom.rooms import watchdog
from tests.unit.rooms.node import ROOM, node


class Sluggish(Game[None]):
    name = "sluggish"
    min_players, max_players = 1, 4
    late_joining = always_playing = True

    @action
    def ponder(self, state: None, ctx: Context, ms: int) -> None:
        time.sleep(ms / 1000)


GAMES = Games([load_game(Sluggish), load_game(TicTacToe)])


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == watchdog.log.name]


async def test_a_turn_that_takes_long_is_named_once_with_room_game_and_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with node(games=GAMES) as first:
        await first.rooms.start()
        await first.do("ann", CreateRoom(game="sluggish"))
        await first.do("ann", GameAction(action={"type": "ponder", "ms": 300}))
    (line,) = warnings(caplog)
    assert f"room {ROOM}" in line and "the game sluggish" in line
    assert "in ponder" in line and "time.sleep(ms / 1000)" in line


async def test_turns_that_are_short_are_not_named_however_many(caplog: pytest.LogCaptureFixture) -> None:
    async with node(games=GAMES) as first:
        await first.rooms.start()
        await first.do("ann", CreateRoom(game="sluggish"))
        began = time.monotonic()
        while time.monotonic() - began < 3 * watchdog.TOO_LONG_S:
            await first.do("ann", GameAction(action={"type": "ponder", "ms": 5}))
    assert warnings(caplog) == []


async def test_a_loop_that_waits_is_not_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with node(games=GAMES) as first:
        await first.rooms.start()
        await first.do("ann", CreateRoom(game="tic-tac-toe"))
        await first.do("ann", SendChat(text="hi"))
        time.sleep(3 * watchdog.TOO_LONG_S)  # noqa: ASYNC251  # the loop is blocked, but by no turn
    assert warnings(caplog) == []
