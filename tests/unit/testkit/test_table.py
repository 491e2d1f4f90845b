"""`Table`: a game in a unit test, done with as a room does."""

from typing import Any

import msgspec
import pytest

from examples.rock_paper_scissors import RockPaperScissors
from gameroom import Context, Game, GameSettings, GameState, Hidden, IllegalAction, NotYourTurn, action, timer
from gameroom.errors import (
    GameFailed,
    NotEnoughPlayers,
    NotPlayer,
    RoomFull,
    UnknownAction,
    ValidationFailed,
    WrongStatus,
)
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.testkit import Table
from gameroom.testkit.table import OPENING


class Rules(GameSettings):
    seconds: int = 10


class Pot(GameState):
    turn: int = 0
    coins: list[int] = []
    secret: Hidden[int] = 0
    log: list[str] = []


class Flipping(Game[Pot, Rules]):
    """Players flip coins in turn, each within ten seconds."""

    name = "flipping"
    min_players, max_players = 2, 3
    late_joining = True

    def setup(self, ctx: Context[Rules]) -> Pot:
        if ctx.round == 3:
            raise IllegalAction("enough")
        ctx.after(ctx.settings.seconds, self.skip)
        return Pot(secret=ctx.random.randint(1, 1_000_000))

    @action
    def flip(self, state: Pot, ctx: Context[Rules], from_: str = "hand") -> dict[str, object]:
        state.coins.append(ctx.random.randrange(2))
        if ctx.seat != state.turn:
            raise NotYourTurn(turn=state.turn)
        self._pass_on(state, ctx)
        return {"coin": state.coins[-1], "from": from_}

    @action
    def tell(self, state: Pot, ctx: Context[Rules], to: list[int]) -> None:
        ctx.announce({"secret": state.secret}, to=to)

    @action
    def stop(self, state: Pot, ctx: Context[Rules]) -> None:
        ctx.end(coins=len(state.coins))

    @action
    def pause(self, state: Pot, ctx: Context[Rules]) -> None:
        ctx.cancel(self.skip)
        ctx.after(3600, self.close)

    @action
    def crash(self, state: Pot, ctx: Context[Rules]) -> None:
        state.turn = 1
        ctx.announce({"never": "said"})
        raise KeyError(state.secret)

    @action
    def spoil(self, state: Pot, ctx: Context[Rules]) -> None:
        state.log.append("spoiled")

    @timer
    def skip(self, state: Pot, ctx: Context[Rules]) -> None:
        state.log.append(f"skipped {state.turn} at {ctx.now}")
        self._pass_on(state, ctx)

    @timer
    def close(self, state: Pot, ctx: Context[Rules]) -> None:
        ctx.abandon(why="paused too long")

    def _pass_on(self, state: Pot, ctx: Context[Rules]) -> None:
        state.turn = (state.turn + 1) % len(ctx.players)
        ctx.after(ctx.settings.seconds, self.skip)

    def on_leave(self, state: Pot, ctx: Context[Rules]) -> None:
        state.log.append(f"{ctx.seat} left")

    def on_disconnect(self, state: Pot, ctx: Context[Rules]) -> None:
        state.log.append(f"{ctx.seat} away")

    def on_return(self, state: Pot, ctx: Context[Rules]) -> None:
        state.log.append(f"{ctx.seat} back")

    def reveal(self, state: Pot, seat: int | None) -> dict[str, object]:
        if state.log == ["spoiled"] and seat == 1:
            raise KeyError("reveal")
        return {"yours": seat}


@pytest.fixture
def table() -> Table[Pot]:
    return Table(Flipping, seed="a seed")


def everything(table: Table[Any]) -> object:
    """All that a refused action must leave as it was."""
    views = [table.view(seat) for seat in (None, *table.players)]
    state = msgspec.json.encode(table.state)
    return state, views, table.announcements[:], table.deadlines, table.round, table.ended, table.now


def test_by_default_as_few_play_as_can(table: Table[Pot]) -> None:
    assert table.players == (0, 1)
    assert Table(Flipping, players=3).players == (0, 1, 2)


def test_how_many_can_play() -> None:
    with pytest.raises(NotEnoughPlayers):
        Table(Flipping, players=1)
    with pytest.raises(RoomFull):
        Table(Flipping, players=4)


def test_the_same_seed_deals_the_same_game(table: Table[Pot]) -> None:
    again = Table(Flipping, seed="a seed")
    assert table.state == again.state
    assert table.act(0, "flip") == again.act(0, "flip")
    assert Table(Flipping, seed="another").state.secret != table.state.secret


def test_settings() -> None:
    assert Table(Flipping, settings={"seconds": 30}).deadlines == {"skip": 30.0}
    with pytest.raises(ValidationFailed, match="#/settings/secs"):
        Table(Flipping, settings={"secs": 30})


def test_an_action_and_its_answer(table: Table[Pot]) -> None:
    answer = table.act(0, "flip", from_="sleeve")
    assert answer == {"coin": table.state.coins[0], "from": "sleeve"}
    assert table.state.turn == 1


@pytest.mark.parametrize(
    ("seat", "name", "error"),
    [(1, "flip", NotYourTurn), (0, "crash", GameFailed), (0, "flap", UnknownAction), (2, "flip", NotPlayer),
     (0, "spoil", GameFailed)],
)  # fmt: skip
def test_a_refusal_or_failure_changes_nothing(
    table: Table[Pot], seat: int, name: str, error: type[Exception]
) -> None:
    table.act(0, "flip")
    table.act(1, "flip")
    before = everything(table)
    with pytest.raises(error):
        table.act(seat, name)
    assert everything(table) == before


def test_a_refused_action_has_drawn_no_number(table: Table[Pot]) -> None:
    with pytest.raises(NotYourTurn):
        table.act(1, "flip")
    assert table.act(0, "flip") == Table(Flipping, seed="a seed").act(0, "flip")


def test_fields_that_no_client_can_send(table: Table[Pot]) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        table.act(0, "flip", from_=object())


def test_a_position_that_the_test_has_set_up_survives_a_refusal(table: Table[Pot]) -> None:
    state = table.state
    state.coins = [1, 1, 1]
    with pytest.raises(NotYourTurn):
        table.act(1, "flip")
    assert state.coins == [1, 1, 1]
    assert table.state is state


def test_views_hide_and_reveal(table: Table[Pot]) -> None:
    assert table.view(1) == {"turn": 0, "coins": [], "log": [], "yours": 1}
    assert table.view(None)["yours"] is None


def test_who_has_heard_what(table: Table[Pot]) -> None:
    table.act(0, "tell", to=[1])
    assert table.heard(1) == [{"secret": table.state.secret}]
    assert table.heard(0) == table.heard(None) == []


def test_time_calls_timers_at_their_moments(table: Table[Pot]) -> None:
    start = table.now
    table.advance(9.999)
    assert table.state.log == []
    table.advance(20.001)
    assert table.state.log == [
        f"skipped {turn} at {start + 10_000 * n}" for n, turn in ((1, 0), (2, 1), (3, 0))
    ]
    assert table.now == start + 30_000
    assert table.deadlines == {"skip": 10.0}


def test_an_action_sets_the_timer_anew(table: Table[Pot]) -> None:
    table.advance(9)
    table.act(0, "flip")
    table.advance(9)
    assert table.state.log == []


def test_timers_are_cancelled_and_can_end_the_round(table: Table[Pot]) -> None:
    table.act(0, "pause")
    assert table.deadlines == {"close": 3600.0}
    table.advance(3600)
    assert (table.ended, table.end_reason, table.result) == (True, "abandoned", {"why": "paused too long"})


def test_the_end_of_a_round_stops_everything(table: Table[Pot]) -> None:
    assert (table.ended, table.end_reason, table.result) == (False, None, None)
    table.act(1, "stop")
    assert (table.ended, table.end_reason, table.result) == (True, "finished", {"coins": 0})
    assert table.deadlines == {}
    with pytest.raises(WrongStatus):
        table.act(0, "flip")
    table.leave(0)
    assert table.state.log == []


def test_who_is_still_there_plays_the_next_round() -> None:
    table = Table(Flipping, players=3)
    with pytest.raises(WrongStatus):
        table.next_round()
    table.leave(0)
    table.act(1, "stop")
    table.next_round()
    assert (table.round, table.players, table.ended, table.state.log) == (2, (0, 1), False, [])
    table.leave(0)
    table.act(1, "stop")
    with pytest.raises(NotEnoughPlayers):
        table.next_round()


def test_a_round_that_the_game_refuses_does_not_begin(table: Table[Pot]) -> None:
    table.act(0, "stop")
    table.next_round()
    table.act(0, "stop")
    before = everything(table)
    with pytest.raises(IllegalAction):
        table.next_round()
    assert everything(table) == before


def test_a_copy_goes_its_own_way(table: Table[Pot]) -> None:
    table.act(0, "flip")
    table.leave(1)
    before = everything(table)
    twin = table.copy()
    assert everything(twin) == before
    twin.join()
    twin.act(1, "flip")
    twin.act(0, "tell", to=[0])
    twin.act(0, "stop")
    assert everything(table) == before
    table.join()
    assert table.act(1, "flip") == {"coin": twin.state.coins[-1], "from": "hand"}


def test_coming_and_going(table: Table[Pot]) -> None:
    table.disconnect(1)
    table.reconnect(1)
    table.leave(1)
    assert table.state.log == ["1 away", "1 back", "1 left"]
    assert table.players == (0, 1)
    with pytest.raises(NotPlayer):
        table.act(1, "flip")


def test_who_is_away_does_nothing_but_return_or_leave(table: Table[Pot]) -> None:
    table.disconnect(1)
    before = everything(table)
    with pytest.raises(NotPlayer, match="seat 1 is away"):
        table.act(1, "flip")
    with pytest.raises(NotPlayer, match="seat 1 is away"):
        table.disconnect(1)
    with pytest.raises(NotPlayer, match="seat 0 is not away"):
        table.reconnect(0)
    assert everything(table) == before
    table.leave(1)
    assert table.state.log == ["1 away", "1 left"]


def test_who_is_away_when_a_round_begins_is_told_to_the_game() -> None:
    table = Table(Flipping, players=3)
    table.act(0, "stop")
    table.disconnect(2)
    assert table.state.log == []
    table.leave(0)
    table.next_round()
    assert table.state.log == ["1 away"]
    table.reconnect(1)
    assert table.state.log == ["1 away", "1 back"]


def test_nobody_leaves_twice_or_from_a_seat_that_is_not_there(table: Table[Pot]) -> None:
    table.leave(1)
    before = everything(table)
    for seat in (1, 2, 7, -1):
        for goes in (table.leave, table.disconnect, table.reconnect):
            with pytest.raises(NotPlayer):
                goes(seat)
    assert everything(table) == before


def test_a_player_who_left_an_ended_round_is_gone_from_the_next(table: Table[Pot]) -> None:
    table.act(0, "stop")
    table.leave(1)
    with pytest.raises(NotPlayer):
        table.leave(1)
    with pytest.raises(NotEnoughPlayers):
        table.next_round()


class Clinging(Game[Pot]):
    """Fails when somebody leaves."""

    name = "clinging"
    min_players = max_players = 2

    @action
    def stop(self, state: Pot, ctx: Context) -> None:
        ctx.end()

    def on_leave(self, state: Pot, ctx: Context) -> None:
        state.turn = 1
        raise KeyError(ctx.seat)


def test_a_leave_in_which_the_game_fails_is_undone() -> None:
    table = Table(Clinging)
    with pytest.raises(GameFailed):
        table.leave(0)
    assert table.state.turn == 0
    table.act(0, "stop")
    table.next_round()
    assert table.players == (0, 1)


def test_a_round_that_does_not_begin_leaves_the_players_as_they_were() -> None:
    table = Table(Flipping, players=3)
    for _ in range(2):
        table.act(0, "stop")
        table.next_round() if table.round == 1 else table.leave(0)
    with pytest.raises(IllegalAction):
        table.next_round()
    assert table.players == (0, 1, 2)
    with pytest.raises(NotPlayer):
        table.leave(0)


def test_joining_late(table: Table[Pot]) -> None:
    assert table.join() == 2
    assert table.players == (0, 1, 2)
    with pytest.raises(RoomFull):
        table.join()
    table.leave(1)
    assert table.join() == 1
    table.act(1, "stop")
    with pytest.raises(WrongStatus):
        Table(TicTacToe).join()


def test_nobody_joins_a_round_that_is_over(table: Table[Pot]) -> None:
    table.act(0, "stop")
    with pytest.raises(WrongStatus):
        table.join()


def test_advance_tells_which_timers_it_has_called() -> None:
    assert Table(RockPaperScissors).advance(45) == ["too_slow", "too_slow"]


class Ticking(GameState):
    ticks: int = 0


class Clockwork(Game[Ticking]):
    """Its clock fails at the third tick, and its second round cannot begin without those who are away."""

    name = "clockwork"
    min_players = max_players = 2

    def setup(self, ctx: Context) -> Ticking:
        ctx.announce({"round": ctx.round})
        ctx.after(1, self.tick)
        return Ticking()

    @action
    def stop(self, state: Ticking, ctx: Context) -> None:
        ctx.end()

    @timer
    def tick(self, state: Ticking, ctx: Context) -> None:
        state.ticks += 1
        ctx.after(1, self.tick)
        if state.ticks == 3:
            raise ValueError("out of order")

    def on_disconnect(self, state: Ticking, ctx: Context) -> None:
        if ctx.round == 2:
            raise ValueError("nobody there")


def test_a_timer_that_fails_has_not_been_called() -> None:
    """The clock had moved, and the timer was gone."""
    table = Table(Clockwork)
    with pytest.raises(GameFailed):
        table.advance(10)
    assert (table.state.ticks, table.now, table.deadlines) == (2, OPENING + 2_000, {"tick": 1.0})
    with pytest.raises(GameFailed):
        table.advance(1)


def test_a_round_that_cannot_begin_has_not_begun() -> None:
    """Its state and what it had said were there all the same."""
    table = Table(Clockwork)
    table.advance(2)
    table.disconnect(1)
    table.act(0, "stop")
    with pytest.raises(GameFailed):
        table.next_round()
    assert (table.round, table.ended, table.state.ticks) == (1, True, 2)
    assert (table.heard(0), table.deadlines) == ([{"round": 1}], {})


def test_a_game_without_rounds_plays_from_the_start() -> None:
    relay = Table(Relay)
    assert (relay.round, relay.state, relay.view(0), relay.ended) == (1, None, None, False)


class Lobby(Game[None]):
    """Says who is there."""

    name = "lobby"
    min_players, max_players = 1, 4
    late_joining = always_playing = True

    @action
    def count(self, state: None, ctx: Context) -> dict[str, object]:
        return {"players": ctx.players}

    def on_join(self, state: None, ctx: Context) -> None:
        if len(ctx.players) == 4:
            raise KeyError("one too many")
        ctx.announce({"joined": ctx.seat, "now": ctx.players})

    def on_leave(self, state: None, ctx: Context) -> None:
        if len(ctx.players) == 1:
            raise KeyError("the last but one")
        ctx.announce({"left": ctx.seat, "still": ctx.players})


def test_who_leaves_a_game_without_rounds_is_no_player_any_more() -> None:
    table = Table(Lobby, players=3)
    assert [said["now"] for said in table.heard(0)] == [[0], [0, 1], [0, 1, 2]]
    table.leave(1)
    assert table.players == (0, 2)
    assert table.heard(0)[3:] == [{"left": 1, "still": [0, 2]}]
    assert table.act(2, "count") == {"players": [0, 2]}
    assert table.join() == 1
    assert table.players == (0, 1, 2)
    assert table.heard(0)[4:] == [{"joined": 1, "now": [0, 1, 2]}]


def test_a_join_in_which_the_game_fails_is_undone() -> None:
    table = Table(Lobby, players=3)
    with pytest.raises(GameFailed):
        table.join()
    assert table.players == (0, 1, 2)


def test_a_leave_that_fails_in_a_game_without_rounds_is_undone() -> None:
    table = Table(Lobby, players=2)
    with pytest.raises(GameFailed):
        table.leave(0)
    assert table.players == (0, 1)
