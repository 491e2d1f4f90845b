"""Opening a room from what is stored."""

import msgspec
import pytest

from gameroom.games.context import Context
from gameroom.games.game import Game, action
from gameroom.games.registry import load_game
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import Board, TicTacToe
from gameroom.protocol.commands import GameAction, JoinRoom, SendChat, SetReady, StartGame
from gameroom.rooms.journal import Recovery
from gameroom.rooms.records import Damaged
from gameroom.rooms.recovery import overlay
from gameroom.rooms.rooms import Answer
from tests.unit.rooms.games import Counter, Dice
from tests.unit.rooms.scene import ROOM_ID, Scene


def in_play() -> Scene:
    scene = Scene(TicTacToe)
    scene.do("bob", JoinRoom())
    scene.do("ann", SetReady(ready=True))
    scene.do("bob", SetReady(ready=True))
    scene.do("ann", StartGame())
    scene.do("ann", GameAction(action={"type": "place", "cell": 4}, id="first"))
    return scene


class Broken(TicTacToe):
    """Tic-tac-toe, every method of which raises."""

    def __getattribute__(self, name: str) -> object:
        if name in {"setup", "place", "on_leave", "on_disconnect", "on_return", "reveal", "migrate_state"}:
            raise AssertionError(f"recovery ran {name}")
        return super().__getattribute__(name)


def test_recovery_runs_no_game_code() -> None:
    scene = in_play()
    live = dict(scene.room.state.encoded)
    scene.game_type = load_game(TicTacToe)
    scene.game_type._game = Broken()  # the one place where an author's methods are reached from
    assert scene.recovered().state.encoded == live


def test_a_snapshot_and_the_records_after_it_give_the_live_state() -> None:
    scene = in_play()
    scene.keep_snapshot()
    scene.do("bob", GameAction(action={"type": "place", "cell": 0}))
    assert len(scene.recovery().records) == 1
    assert scene.recovered().state.encoded == scene.room.state.encoded
    assert scene.recovered().position == scene.room.position


def test_a_repeat_after_recovery_is_answered_from_the_record() -> None:
    scene = in_play()
    scene.crash()
    scene.do("ann", JoinRoom())
    outcome = scene.ask("ann", GameAction(action={"type": "place", "cell": 4}, id="first"))
    assert getattr(outcome, "repeated", False)
    assert len(scene.records) == 6


def test_a_missing_record_is_damage() -> None:
    recovery = in_play().recovery()
    del recovery.records[3]
    with pytest.raises(Damaged, match="seq 4 is missing"):
        overlay(ROOM_ID, recovery, gapless=True)


def test_a_changed_byte_is_damage() -> None:
    recovery = in_play().recovery()
    sealed = recovery.records[2]
    flipped = sealed.body.replace(b'"ready":true', b'"ready":null')
    assert flipped != sealed.body
    recovery.records[2] = msgspec.structs.replace(sealed, body=flipped)
    with pytest.raises(Damaged, match="hash"):
        overlay(ROOM_ID, recovery, gapless=True)


def test_a_record_in_anothers_place_is_damage() -> None:
    recovery = in_play().recovery()
    recovery.records[2] = msgspec.structs.replace(recovery.records[1], seq=3)
    with pytest.raises(Damaged, match="belongs elsewhere"):
        overlay(ROOM_ID, recovery, gapless=True)


def test_nothing_stored_is_damage() -> None:
    with pytest.raises(Damaged):
        overlay(ROOM_ID, Recovery(snapshot=None, records=[], commands=[]), gapless=True)


class NewBoard(Board):
    moves: int = 0


class NewTicTacToe(Game[NewBoard]):
    name = "tic-tac-toe"
    version = "2"
    min_players = max_players = 2

    @action
    def pass_turn(self, state: NewBoard, ctx: Context) -> None:
        state.turn = 1 - state.turn

    def migrate_state(self, old: dict[str, object], from_version: str) -> dict[str, object]:
        cells = old["cells"]
        assert isinstance(cells, list)
        assert from_version == "1"
        return {**old, "moves": sum(cell is not None for cell in cells)}


def test_a_new_version_of_a_game_adopts_a_running_room() -> None:
    scene = in_play()
    scene.game_type = load_game(NewTicTacToe)
    scene.crash()
    view = scene.do("bob", JoinRoom())["room"]
    assert (view["game_version"], view["state"]["moves"]) == ("2", 1)
    # The next version's records are read with the version that wrote the game's part.
    scene.do("bob", SendChat(text="hi"))
    assert scene.do("ann", JoinRoom())["room"]["state"]["moves"] == 1
    scene.crash()
    assert scene.do("bob", JoinRoom())["room"]["state"]["moves"] == 1


def relay_after_play() -> Scene:
    scene = Scene(Relay)
    scene.do("bob", JoinRoom())
    scene.do("ann", GameAction(action={"type": "send", "data": 1}))
    scene.do("ann", GameAction(action={"type": "send", "data": 2}))
    return scene


def test_play_that_is_not_journaled_begins_a_new_epoch_after_a_crash() -> None:
    scene = relay_after_play()
    assert [record.seq for record in scene.records] == [1, 2]
    assert scene.room.position.seq == 4
    scene.crash()
    scene.keep(scene.room.start_epoch(scene.now))
    assert (scene.room.position.epoch, scene.room.position.seq) == (2, 3)
    for copy in scene.copies.values():
        assert copy.frames[-1]["data"] == {"reason": "play_lost"}
        assert copy.frames[-1]["patch"][0]["path"] == ""
    scene.verify()


def test_a_clean_hand_over_of_volatile_play_keeps_epoch_and_seq() -> None:
    scene = relay_after_play()
    scene.keep_snapshot()
    room = scene.recovered(clean=True)
    assert (room.position.epoch, room.position.seq) == (1, 4)


def test_what_was_done_before_a_clean_hand_over_is_not_done_again_in_the_same_epoch() -> None:
    scene = Scene(Relay)
    send = GameAction(action={"type": "send", "data": 1}, id="send")
    first = scene.ask("ann", send)
    scene.snapshot = scene.room.snapshot(hand_over=True)
    scene.room = scene.recovered(clean=True)
    scene.do("ann", JoinRoom())
    again = scene.ask("ann", send)
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert (again.repeated, again.seq, again.data) == (True, first.seq, first.data)


def counting() -> Scene:
    scene = Scene(Counter)
    scene.do("ann", SetReady(ready=True))
    scene.do("ann", StartGame())
    scene.do("ann", GameAction(action={"type": "count"}))
    return scene


def test_a_volatile_round_with_a_state_is_aborted_when_its_play_is_lost() -> None:
    scene = counting()
    scene.crash()
    assert "game" not in scene.room.state.encoded
    scene.keep(scene.room.start_epoch(scene.now))
    assert [record.kind for record in scene.records[-2:]] == ["EPOCH_STARTED", "GAME_ENDED"]
    assert scene.fresh_view("ann")["status"] == "waiting"


def test_what_unjournaled_play_changed_beside_the_game_stands_in_the_next_record() -> None:
    scene = counting()
    assert scene.room.state.play.random_counter > 0
    scene.do("ann", SendChat(text="hi"))
    assert scene.recovered().state.encoded["play"] == scene.room.state.encoded["play"]


def test_after_lost_play_no_number_is_drawn_a_second_time() -> None:
    """Players had seen the next round's numbers already: what volatile play draws is not stored."""
    scene = Scene(Dice)
    rolled = rolls_of_a_round(scene)
    for _ in range(2):
        scene.crash()
        scene.keep(scene.room.start_epoch(scene.now))
        scene.do("ann", JoinRoom())
        rolled += rolls_of_a_round(scene)
    assert len(set(rolled)) == len(rolled) == 9


def rolls_of_a_round(scene: Scene) -> list[int]:
    scene.do("ann", SetReady(ready=True))
    scene.do("ann", StartGame())
    rolled: list[int] = scene.do("ann", GameAction(action={"type": "roll"}))["rolled"]
    return rolled


class NewCounter(Counter):
    version = "2"

    def migrate_state(self, old: dict[str, object], from_version: str) -> dict[str, object]:
        raise ValueError("nothing is known of that version")


def test_a_state_that_is_lost_anyway_need_not_be_migrated() -> None:
    """A room stayed closed for a state that it was about to give up."""
    scene = counting()
    scene.snapshot = scene.room.snapshot(hand_over=True)
    scene.game_type = load_game(NewCounter)
    assert scene.recovered(clean=False).state.game is None
