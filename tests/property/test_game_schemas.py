"""What the schemas of the games say is what the server reads and shows, for every game that comes with it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import Struct

from examples.liars_dice import LiarsDice
from examples.rock_paper_scissors import RockPaperScissors
from gameroom import Game
from gameroom.errors import UnknownAction, ValidationFailed
from gameroom.games.registry import GameType, load_game
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.testkit import check_game
from gameroom.testkit.messages import fields_of, spoilt_fields_of, texts

GAMES: list[type[Game[Any, Any]]] = [TicTacToe, Relay, RockPaperScissors, LiarsDice]
TYPES = {game.name: load_game(game) for game in GAMES}
VALIDATORS = {
    name: (Draft202012Validator(kind.schemas().settings), Draft202012Validator(kind.schemas().action))
    for name, kind in TYPES.items()
}

each_game = pytest.mark.parametrize("name", TYPES)


@pytest.mark.parametrize("game", GAMES, ids=lambda game: game.name)
def test_all_that_is_seen_and_accepted_is_as_the_schemas_say(game: type[Game[Any, Any]]) -> None:
    """Each view of each seat and of a spectator, and each action: `check_game` looks."""
    check_game(game, rounds=25)


def sound_or_spoilt(kind: type[Struct]) -> st.SearchStrategy[dict[str, Any]]:
    return fields_of(kind) | spoilt_fields_of(kind)


def messages(kind: GameType) -> st.SearchStrategy[dict[str, Any]]:
    """Actions of the game, right and wrong."""
    named: list[st.SearchStrategy[dict[str, Any]]] = [
        st.builds(dict, sound_or_spoilt(fields), type=st.just(name)) for name, fields in kind.actions.items()
    ]
    return st.one_of(*named, st.fixed_dictionaries({}, optional={"type": texts | st.none()}))


@each_game
@given(data=st.data())
def test_the_server_takes_the_actions_that_the_schema_allows(name: str, data: st.DataObject) -> None:
    message = data.draw(messages(TYPES[name]))
    try:
        TYPES[name].action(message)
    except (ValidationFailed, UnknownAction):
        taken = False
    else:
        taken = True
    assert VALIDATORS[name][1].is_valid(message) == taken


@each_game
@given(data=st.data())
def test_the_server_takes_the_settings_that_the_schema_allows(name: str, data: st.DataObject) -> None:
    settings = data.draw(sound_or_spoilt(type(TYPES[name].settings({}))))
    try:
        TYPES[name].settings(settings)
    except ValidationFailed:
        taken = False
    else:
        taken = True
    assert VALIDATORS[name][0].is_valid(settings) == taken
