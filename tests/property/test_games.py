"""Games under inputs that nobody thought of."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.rock_paper_scissors import HANDS, Hand, Match, RockPaperScissors
from gameroom.errors import GameroomError, IllegalAction, NotYourTurn, UnknownAction, ValidationFailed
from gameroom.games.random import GameRandom
from gameroom.games.registry import GameType, load_game
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import LINES, TicTacToe
from gameroom.games.visible import visible
from gameroom.protocol.free_json import NotFreeJson, check_free_json
from gameroom.testkit import Table

# --- chance ---------------------------------------------------------------------------------------------------

generators = st.builds(GameRandom, st.binary(min_size=32, max_size=32), st.integers(0, 2**64 - 100))
numbers = st.integers(-(2**60), 2**60)


@given(generators, numbers, numbers)
def test_a_number_lies_between_its_bounds(random: GameRandom, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert low <= random.randint(low, high) <= high


@given(generators, numbers, numbers, st.integers(-(2**40), 2**40).filter(bool))
def test_a_number_of_a_range_is_in_it(random: GameRandom, start: int, stop: int, step: int) -> None:
    if range(start, stop, step):
        assert random.randrange(start, stop, step) in range(start, stop, step)


@given(generators)
def test_a_fraction_is_below_one(random: GameRandom) -> None:
    assert 0 <= random.random() < 1


@given(generators, st.lists(st.integers()), st.data())
def test_shuffles_and_samples_keep_the_items(
    random: GameRandom, items: list[int], data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, len(items)))
    positions = random.sample(range(len(items)), count)
    assert len(set(positions)) == count
    shuffled = items[:]
    random.shuffle(shuffled)
    assert sorted(shuffled) == sorted(items)
    if items:
        assert random.choice(items) in items


@given(generators, st.lists(st.integers(1, 1000), max_size=20))
def test_a_generator_goes_on_from_its_counter(random: GameRandom, bounds: list[int]) -> None:
    live, recovered = random.copy(), random.copy()
    for bound in bounds:
        recovered = recovered.copy()
        assert live.randrange(bound) == recovered.randrange(bound)
        assert live.counter == recovered.counter


# --- what is shown --------------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
free_json = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
)
oddities = st.recursive(
    scalars
    | st.floats()
    | st.integers()
    | st.text()
    | st.binary()
    | st.just(object())
    | st.sets(st.integers()),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(scalars, inner),
    max_leaves=10,
)


@given(free_json)
def test_free_json_is_shown_as_it_is(value: Any) -> None:
    assert visible(value) == value


@given(oddities)
def test_whatever_is_shown_is_free_json(value: object) -> None:
    try:
        shown = visible(value)
    except NotFreeJson:
        return
    check_free_json(shown)


# --- actions --------------------------------------------------------------------------------------------------

names = st.sampled_from(["type", "cell", "data", "to", "hand"]) | texts
fields = st.dictionaries(names, st.sampled_from(["place", "send", "throw"]) | free_json, max_size=4)


@pytest.mark.parametrize("game_type", [load_game(game) for game in (TicTacToe, Relay, RockPaperScissors)])
@given(raw=fields)
def test_any_action_is_read_or_refused(game_type: GameType, raw: dict[str, Any]) -> None:
    try:
        action = game_type.action(raw)
    except (UnknownAction, ValidationFailed) as refusal:
        assert all(error.pointer.startswith("#/action") for error in refusal.errors)
    else:
        assert raw["type"] in ("place", "send", "throw")
        assert type(action).__name__ == raw["type"]


# --- play -----------------------------------------------------------------------------------------------------


def model(cells: list[int | None]) -> tuple[int | None, bool]:
    """Who has a line, and whether the board is full without one."""
    for seat in (0, 1):
        if any(all(cells[at] == seat for at in line) for line in LINES):
            return seat, False
    return None, None not in cells


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), max_size=40))
def test_tic_tac_toe_is_its_model(moves: list[tuple[int, int]]) -> None:
    table = Table(TicTacToe)
    cells: list[int | None] = [None] * 9
    turn = 0
    for seat, cell in moves:
        if table.ended:
            break
        legal = seat == turn and cells[cell] is None
        try:
            table.act(seat, "place", cell=cell)
        except (NotYourTurn, IllegalAction):
            assert not legal
        else:
            assert legal
            cells[cell], turn = seat, 1 - turn
        winner, draw = model(cells)
        assert table.view(None) == {"cells": cells, "turn": turn, "winner": winner, "draw": draw}
        over = winner is not None or draw
        end = (True, {"winner": winner, "draw": draw}) if over else (False, None)
        assert (table.ended, table.result) == end


throws = st.tuples(st.integers(0, 1), st.sampled_from(HANDS))


@given(st.lists(throws | st.floats(0, 30), max_size=30), st.integers(1, 3))
def test_rock_paper_scissors_ends_and_shows_no_hand_too_early(events: list[Any], wins: int) -> None:
    table = Table(RockPaperScissors, settings={"wins": wins})
    for event in events:
        if table.ended:
            break
        if isinstance(event, float):
            table.advance(event)
        else:
            throw(table, *event)
        assert max(table.state.wins) <= wins
        assert table.ended == (max(table.state.wins) == wins)
        assert others_see_the_same(table)


def throw(table: Table[Match], seat: int, hand: Hand) -> None:
    before = table.view(None)
    try:
        table.act(seat, "throw", hand=hand)
    except GameroomError:
        assert table.view(None) == before


def others_see_the_same(table: Table[Match]) -> bool:
    """Whatever a seat has thrown, the others see the same."""
    for seat in table.state.thrown:
        seen = set()
        for hand in HANDS:
            table.state.thrown[seat] = hand
            seen.add(str((table.view(1 - seat), table.view(None))))
        if len(seen) > 1:
            return False
    return True
