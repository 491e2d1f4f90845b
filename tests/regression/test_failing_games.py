"""Bugs met where a game's own code fails, each as the test that shows it."""

import logging

import pytest

from gameroom.errors import GameFailed, RoomNotFound
from gameroom.games.registry import Games, load_game
from gameroom.protocol.commands import CreateRoom, GameAction, JoinRoom, LeaveRoom, SetReady, StartGame
from gameroom.rooms.failing import PAUSE_S
from gameroom.rooms.journal import MemoryJournal, Recovery
from tests.unit.rooms.games import Clumsy
from tests.unit.rooms.node import ROOM, Node, node
from tests.unit.rooms.scene import Scene
from tests.unit.rooms.test_handlers import gathered, kinds
from tests.unit.rooms.test_recovery import NewTicTacToe

WAVE = GameAction(action={"type": "wave"})


def still_plays(scene: Scene) -> bool:
    scene.do("ann", WAVE)
    scene.verify()
    view = scene.fresh_view("ann")
    return (view["status"], view["round"]) == ("playing", 1)


def test_a_hook_that_raises_does_not_end_what_is_always_playing() -> None:
    """GAME_ENDED came, and the room waited for a second round of a game that has none."""
    scene = gathered(Clumsy, "bob")
    before = len(scene.records)
    scene.do("bob", LeaveRoom())
    assert kinds(scene, before) == ["MEMBER_LEFT"]
    assert still_plays(scene)


def test_a_timer_that_raises_does_not_end_what_is_always_playing() -> None:
    scene = gathered(Clumsy, "bob")
    scene.do("ann", GameAction(action={"type": "set_off"}))
    before = len(scene.records)
    scene.pass_time(5_000)
    assert kinds(scene, before) == ["GAME_UPDATED"]
    assert scene.fresh_view("ann")["deadlines"] == {}
    assert still_plays(scene)


def test_a_hook_that_says_too_much_is_left_out_and_the_member_is_disconnected() -> None:
    scene = gathered(Clumsy)
    scene.do("bob", JoinRoom())
    before = len(scene.records)
    scene.hang_up("bob")
    assert kinds(scene, before) == ["MEMBER_DISCONNECTED"]
    assert still_plays(scene)


# --- a game that cannot take its rooms up ---------------------------------------------------------------------


class Unmigrated(NewTicTacToe):
    name = "tic-tac-toe"

    def migrate_state(self, old: dict[str, object], from_version: str) -> dict[str, object]:
        raise RuntimeError("the author's bug")


UNMIGRATED = Games([load_game(Unmigrated)])


class CountedReads(MemoryJournal):
    """Knows how often a room was read whole."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def recover(self, room_id: str) -> Recovery:
        self.reads += 1
        return await super().recover(room_id)


async def play(first: Node, room_id: str) -> None:
    """Ann and bob, in a private room."""
    await first.do("ann", CreateRoom(game="tic-tac-toe", visibility="private"), room_id)
    code = first.journal.rooms[room_id].listing.invite_code
    await first.do("bob", JoinRoom(invite_code=code), room_id)
    for user in ("ann", "bob"):
        await first.do(user, SetReady(ready=True), room_id)
    await first.do("ann", StartGame(), room_id)


async def test_a_room_that_its_game_cannot_take_up_is_not_read_whenever_somebody_asks() -> None:
    journal = CountedReads()
    async with node(journal) as first:
        await play(first, ROOM)
    async with node(journal, "node-2", games=UNMIGRATED) as second:
        for _ in range(3):
            assert isinstance(await second.outcome("ann", JoinRoom()), GameFailed)
        assert journal.reads == 1
        second.clock.moment += int(PAUSE_S * 1000)
        assert isinstance(await second.outcome("ann", JoinRoom()), GameFailed)
        assert journal.reads == 2
    async with node(journal, "node-3", games=Games([load_game(NewTicTacToe)])) as third:
        assert (await third.do("ann", JoinRoom()))["room"]["state"]["moves"] == 0


async def test_a_private_room_that_its_game_cannot_take_up_is_none_to_an_outsider() -> None:
    async with node() as first:
        await play(first, ROOM)
    async with node(first.journal, "node-2", games=UNMIGRATED) as second:
        for _ in range(2):
            assert isinstance(await second.outcome("eve", JoinRoom()), RoomNotFound)
            assert isinstance(await second.outcome("bob", JoinRoom()), GameFailed)


async def test_of_rooms_that_their_game_cannot_take_up_the_log_says_all_and_shows_the_author_where(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """There was no line at all: the operator saw a server that was well."""
    async with node() as first:
        for room_id in ("one", "two"):
            await play(first, room_id)
    async with node(first.journal, "node-2", games=UNMIGRATED) as second:
        for room_id in ("one", "two", "one", "two"):
            await second.outcome("ann", JoinRoom(), room_id)
    one, two = [record for record in caplog.records if record.levelno == logging.ERROR]
    for record, room_id in ((one, "one"), (two, "two")):
        assert f"room {room_id}: the game tic-tac-toe cannot take it up" in record.getMessage()
    assert "the author's bug" in str(one.exc_text) and two.exc_text is None
