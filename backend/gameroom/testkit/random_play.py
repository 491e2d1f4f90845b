"""The players of `check_game`: Hypothesis chooses the steps, an `Observer` looks at each."""

import random
from collections.abc import Mapping, Sequence

import hypothesis
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gameroom.games.game import Game
from gameroom.games.registry import GameType, load_game
from gameroom.protocol.commands import FreeJson
from gameroom.testkit.messages import fields_of, spoilt_fields_of, texts
from gameroom.testkit.observer import Observer
from gameroom.testkit.secrecy import Secrecy
from gameroom.testkit.steps import Step, require
from gameroom.testkit.table import SettingsT, StateT, Table

MOST_PLAYERS = 5
"""At a table, unless the game needs more."""

MOST_STEPS = 30
"""Of a round."""

PHASES = tuple(phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain)
"""Explaining takes many times as long as finding, and the steps speak for themselves."""

CHECKS = tuple(hypothesis.HealthCheck)
"""None of Hypothesis's warnings is meant for who writes a game."""

MANY_MOVES = 300
"""To choose from where a round shall come to its end."""

MOST_MOVES = 2_000
"""Tried in a round that shall come to its end."""

MOVES_PER_TIMER = 50
"""How many moves are tried before somebody is too slow."""

PAUSES_S = (0.0, 0.1, 1.0, 10.0, 60.0)


def play_at_random(
    game: type[Game[StateT, SettingsT]],
    settings: Mapping[str, FreeJson],
    secrecy: Secrecy[StateT] | None,
    rounds: int,
    *,
    endless: bool,
) -> None:
    """See `check_game`."""
    kind = load_game(game)
    accepted: list[Step] = []
    finished = endless or kind.always_playing

    @hypothesis.settings(max_examples=rounds, deadline=None, phases=PHASES, suppress_health_check=CHECKS)
    @hypothesis.given(_player_counts(kind), st.integers(0, 2**32), _lists(_steps(kind)))
    def play(players: int, seed: int, steps: list[Step]) -> None:
        nonlocal finished
        observer = Observer(lambda: Table(game, players=players, seed=seed, settings=settings), secrecy)
        for step in steps:
            observer.take(step)
        observer.wait_for_timers()
        accepted.extend(observer.accepted)
        finished = finished or observer.finished

    play()
    require(accepted != [], f"In {rounds} rounds no action was accepted, so nothing is known about them")
    if not finished:
        _play_to_the_end(Table(game, settings=settings), [*accepted, *_many_moves(kind)])


def _many_moves(kind: GameType) -> list[Step]:
    """Actions as they are declared, of all seats."""
    moves: list[Step] = []

    @hypothesis.settings(max_examples=MANY_MOVES, deadline=None, phases=[hypothesis.Phase.generate])
    @hypothesis.given(_good_actions(kind))
    def collect(move: Step) -> None:
        moves.append(move)

    collect()
    return moves


def _play_to_the_end(table: Table[StateT], moves: Sequence[Step]) -> None:
    """Most random rounds are too short for an end, so one is played on for long."""
    chance = random.Random(0)  # noqa: S311  # the same moves every time
    for number in range(MOST_MOVES):
        chance.choice(moves).take(table)
        if number % MOVES_PER_TIMER == 0 and table.deadlines:
            table.advance(min(table.deadlines.values()))
        if table.ended:
            return
    raise AssertionError(
        f"No round has ended, though {MOST_MOVES} moves were tried in one; if that is meant, say endless=True"
    )


def _most_players(kind: GameType) -> int:
    return max(kind.min_players, min(kind.max_players, MOST_PLAYERS))


def _player_counts(kind: GameType) -> SearchStrategy[int]:
    return st.integers(kind.min_players, _most_players(kind))


def _lists(steps: SearchStrategy[Step]) -> SearchStrategy[list[Step]]:
    """Left to itself, Hypothesis draws five or so, after which most games have hardly begun."""
    lengths = st.integers(0, MOST_STEPS)
    return lengths.flatmap(lambda length: st.lists(steps, min_size=length, max_size=length))


def _steps(kind: GameType) -> SearchStrategy[Step]:
    """Of ten, about six are actions as they are declared, two are mistakes, and one is a pause."""
    seats = _seats(kind)
    good = _good_actions(kind)
    spoilt = (_actions(seats, name, spoilt_fields_of(fields)) for name, fields in kind.actions.items())
    bad = st.one_of(*spoilt, _actions(seats, texts, st.just({})))
    pauses = st.sampled_from(PAUSES_S).map(lambda seconds: Step("advance", (seconds,)))
    moves = st.one_of(_goings(seats), st.sampled_from((Step("join"), Step("next_round"))))
    # Not one_of(), which counts equal strategies once.
    chosen = [good] * 6 + [bad] * 2 + [pauses, moves]
    return st.integers(0, len(chosen) - 1).flatmap(chosen.__getitem__)


def _seats(kind: GameType) -> SearchStrategy[int]:
    """One more than there are, for mistakes."""
    return st.integers(0, _most_players(kind))


def _good_actions(kind: GameType) -> SearchStrategy[Step]:
    return st.one_of(
        *(_actions(_seats(kind), name, fields_of(fields)) for name, fields in kind.actions.items())
    )


def _goings(seats: SearchStrategy[int]) -> SearchStrategy[Step]:
    methods = st.sampled_from(("disconnect", "reconnect", "leave"))
    return st.builds(lambda method, seat: Step(method, (seat,)), methods, seats)


def _actions(
    seats: SearchStrategy[int], name: str | SearchStrategy[str], fields: SearchStrategy[dict[str, FreeJson]]
) -> SearchStrategy[Step]:
    names = st.just(name) if isinstance(name, str) else name
    return st.builds(lambda seat, action, given: Step("act", (seat, action), given), seats, names, fields)
