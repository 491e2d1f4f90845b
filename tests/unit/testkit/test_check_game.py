"""`check_game`: right games pass, and each kind of mistake is found and told with the steps that lead to it."""

import sys
from typing import Annotated, Any

import pytest
from msgspec import Meta, field

from examples.rock_paper_scissors import HANDS, Match, RockPaperScissors
from gameroom import Context, Game, GameState, Hidden, IllegalAction, NotYourTurn, action, timer
from gameroom.errors import GameFailed
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.testkit import Table, check_game
from gameroom.testkit.observer import Observer
from gameroom.testkit.steps import Step


def other_hands(state: Match, seat: int | None) -> None:
    for other in state.thrown:
        if other != seat:
            state.thrown[other] = HANDS[HANDS.index(state.thrown[other]) - 1]


def test_right_games_pass() -> None:
    check_game(TicTacToe, rounds=50)
    check_game(Relay, rounds=20)
    rules = {"wins": 1}
    shows = ["throw", "too_slow"]
    check_game(RockPaperScissors, settings=rules, scramble=other_hands, reveals=shows, rounds=50)


# --- mistakes -------------------------------------------------------------------------------------------------


class Pile(GameState):
    left: int = 10
    secret: Hidden[list[int]] = field(default_factory=lambda: [3, 5])


class Taking(Game[Pile]):
    """Right in every way: the others are derived from it, each with one mistake."""

    name = "taking"
    min_players = max_players = 2

    @action
    def take(self, state: Pile, ctx: Context, count: Annotated[int, Meta(ge=1, le=3)] = 1) -> dict[str, int]:
        if count > state.left:
            raise IllegalAction("too_many", left=state.left)
        state.left -= count
        if state.left == 0:
            ctx.end(loser=ctx.seat)
        return {"left": state.left}

    def reveal(self, state: Pile, seat: int | None) -> dict[str, object]:
        return {} if seat is None else {"mine": state.secret[seat]}


class Remembers(Taking):
    taken: list[int] = []

    @action
    def take(self, state: Pile, ctx: Context, count: Annotated[int, Meta(ge=1, le=3)] = 1) -> dict[str, int]:
        self.taken.append(count)
        return {"taken": len(self.taken)}


class RollsItsOwnDice(Taking):
    rolled = iter(range(10**9))

    def setup(self, ctx: Context) -> Pile:
        return Pile(left=next(self.rolled))


class ViewsChange(Taking):
    def reveal(self, state: Pile, seat: int | None) -> dict[str, object]:
        state.left += 1
        return {}


class ViewsDiffer(Taking):
    seen = iter(range(10**9))

    def reveal(self, state: Pile, seat: int | None) -> dict[str, object]:
        return {"seen": next(self.seen)} if state.left < 10 else {}


class ShowsAll(Taking):
    def reveal(self, state: Pile, seat: int | None) -> dict[str, object]:
        return {"all": state.secret}


class ShowsInAnotherForm(Taking):
    def reveal(self, state: Pile, seat: int | None) -> dict[str, object]:
        return {} if seat is None else {"secret": sum(state.secret) - state.secret[1 - seat]}


class Announces(Taking):
    @action
    def boast(self, state: Pile, ctx: Context) -> None:
        ctx.announce({"type": "boast", "mine": state.secret[ctx.seat]})


class Whispers(Taking):
    @action
    def whisper(self, state: Pile, ctx: Context) -> None:
        ctx.announce({"type": "whisper", "mine": state.secret[ctx.seat]}, to=[1 - ctx.seat])


class Answers(Taking):
    @action
    def peek(self, state: Pile, ctx: Context) -> dict[str, int]:
        return {"yours": state.secret[1 - ctx.seat]}


class TellsByItsClock(Taking):
    @action
    def think(self, state: Pile, ctx: Context) -> None:
        ctx.after(100 + state.secret[0], self.thought)

    @timer
    def thought(self, state: Pile, ctx: Context) -> None:
        state.left = 10


class TellsWhenLeft(Taking):
    def on_leave(self, state: Pile, ctx: Context) -> None:
        ctx.abandon(secret=state.secret)


class TellsByRefusing(Taking):
    @action
    def guess(self, state: Pile, ctx: Context, number: Annotated[int, Meta(ge=0, le=5)]) -> None:
        if number == state.secret[1 - ctx.seat]:
            raise IllegalAction("cannot_guess")


class Crashes(Taking):
    @action
    def take(self, state: Pile, ctx: Context, count: Annotated[int, Meta(ge=1, le=3)] = 1) -> dict[str, int]:
        state.left -= count
        return {"odds": 1 // (state.left - 7)}


class StoresWhatComesBackOtherwise(Taking):
    @action
    def swap(self, state: Pile, ctx: Context) -> None:
        first, second = state.secret
        state.secret = (second, first)  # type: ignore[assignment]  # the mistake


class CrashesLate(Taking):
    def setup(self, ctx: Context) -> Pile:
        ctx.after(200, self.late)
        return Pile()

    @timer
    def late(self, state: Pile, ctx: Context) -> None:
        raise KeyError("late")


class CrashesWhenLeft(Taking):
    def on_leave(self, state: Pile, ctx: Context) -> None:
        raise KeyError("left")


class NeverRests(Taking):
    def setup(self, ctx: Context) -> Pile:
        ctx.after(10, self.again)
        return Pile()

    @timer
    def again(self, state: Pile, ctx: Context) -> None:
        ctx.after(0, self.again)


class NeverEnds(Taking):
    @action
    def take(self, state: Pile, ctx: Context, count: Annotated[int, Meta(ge=1, le=3)] = 1) -> dict[str, int]:
        state.left = state.left - count if state.left > count else 10
        return {"left": state.left}


class NeverAccepts(Taking):
    @action
    def take(self, state: Pile, ctx: Context, count: Annotated[int, Meta(ge=1, le=3)] = 1) -> dict[str, int]:
        raise IllegalAction("no")


def other_secret(state: Pile, seat: int | None) -> None:
    state.secret = [secret if seat == own else secret + 1 for own, secret in enumerate(state.secret)]


@pytest.mark.parametrize(
    ("game", "error", "says"),
    [
        (Remembers, AssertionError, r"table.act\(0, 'take'\) has another outcome"),
        (RollsItsOwnDice, AssertionError, "same seed deals another game"),
        (ViewsChange, AssertionError, "After setup, making the view of None changes the state"),
        (ViewsDiffer, AssertionError, "another outcome|differs every time"),
        (Crashes, GameFailed, "The game failed in take"),
        (
            StoresWhatComesBackOtherwise,
            GameFailed,
            "The state is read back otherwise than it was stored: secret",
        ),
        (CrashesLate, GameFailed, "The game failed in late"),
        (CrashesWhenLeft, GameFailed, "The game failed in on_leave"),
        (NeverRests, GameFailed, "The timer again sets again for less than 100 ms from now"),
    ],
)
def test_mistakes_are_found(game: type[Taking], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        # Rare steps, such as a player leaving, need more rounds than an author's quick check.
        check_game(game, scramble=other_secret, rounds=400)


@pytest.mark.parametrize(
    ("game", "says"),
    [
        (ShowsAll, "After setup, the view of None shows what is hidden from it"),
        (
            Announces,
            r"What None is told of table.act\(\d, 'boast'\) depends on what is hidden",
        ),
        (
            Whispers,
            r"What \d is told of table.act\(\d, 'whisper'\) depends on what is hidden",
        ),
        (Answers, r"What (\d) is told of table.act\(\1, 'peek'\).*say reveals=\['peek'\]"),
        (TellsByItsClock, r"is told of table.act\(\d, 'think'\) depends"),
        (TellsWhenLeft, r"is told of table.leave\(\d\) depends.*reveals=\['on_leave'\]"),
        (TellsByRefusing, r"table.act\(\d, 'guess', number=\d\) is refused tells what is"),
    ],
)
def test_leaks_are_found(game: type[Taking], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_game(game, scramble=other_secret, rounds=200)


def test_a_view_that_the_schema_does_not_tell_is_found() -> None:
    with pytest.raises(AssertionError, match=r"the view of 0 is not as the view schema says.*secret: "):
        check_game(ShowsInAnotherForm)


@pytest.mark.parametrize(
    ("game", "says"),
    [
        (NeverEnds, "No round has ended, though 2000 moves were tried"),
        (NeverAccepts, "In 20 rounds no action was accepted"),
    ],
)
def test_what_never_happens_is_missed_at_the_end(game: type[Taking], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_game(game, rounds=20)


def test_the_game_without_a_mistake_passes() -> None:
    check_game(Taking, scramble=other_secret)


def test_what_is_shown_on_purpose_can_be_said() -> None:
    check_game(Announces, scramble=other_secret, reveals=["boast"])


class Circle(GameState):
    turn: int = 0


class EightInTurn(Game[Circle]):
    """More players than a table has at random."""

    name = "eight-in-turn"
    min_players = max_players = 8

    @action
    def go(self, state: Circle, ctx: Context) -> None:
        if ctx.seat != state.turn:
            raise NotYourTurn(turn=state.turn)
        state.turn += 1
        if state.turn == 8:
            ctx.end()


def test_a_game_of_eight_in_turn_passes() -> None:
    """Its last seats never played, so no round ended."""
    check_game(EightInTurn, rounds=10)


def test_a_game_may_be_endless() -> None:
    check_game(NeverEnds, endless=True)


def test_a_scramble_that_makes_an_impossible_state_is_told() -> None:
    def impossible(state: Pile, seat: int | None) -> None:
        state.secret = []

    class Adds(Taking):
        @action
        def add(self, state: Pile, ctx: Context) -> None:
            state.left += state.secret[0] - state.secret[0]

        def reveal(self, state: Pile, seat: int | None) -> dict[str, object]:
            return {}

    with pytest.raises(AssertionError, match=r"'add'\) fails in a state that `scramble` made"):
        check_game(Adds, scramble=impossible)


def test_the_report_shows_the_steps() -> None:
    with pytest.raises(GameFailed) as caught:
        check_game(Crashes)
    report = "\n".join(caught.value.__notes__)
    assert "steps=[table.act(0, 'take'" in report
    assert report.count("table.act") <= 3


def test_a_refused_step_that_changes_something_is_told() -> None:
    class Leaky(Table[Any]):
        def act(self, seat: int, action: str, /, **fields: object) -> Any:
            self.state.left -= 1
            raise IllegalAction("no")

    observer = Observer(lambda: Leaky(Taking))
    with pytest.raises(AssertionError, match="is refused, and has changed something"):
        observer.take(Step("act", (0, "take")))


def test_without_hypothesis_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("hypothesis", "gameroom.testkit."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ImportError, match=r"pip install 'gameroom\[testkit\]'"):
        check_game(TicTacToe)
