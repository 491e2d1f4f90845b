"""The schemas of a game: made from its types, without what is hidden, and each a document of its own."""

from enum import Enum
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from jsonschema import Draft202012Validator
from msgspec import UNSET, Meta, Struct, UnsetType

from gameroom import Context, Game, GameSettings, GameState, Hidden, action
from gameroom.games.registry import load_game
from gameroom.games.relay import Relay
from gameroom.games.visible import visible
from gameroom.testkit import Table

Item = TypeVar("Item")


class Suit(Enum):
    HEARTS = "hearts"
    SPADES = "spades"


class Card(GameState):
    """What lies on the table.

    Face down, its value is hidden.
    """

    suit: Suit
    value: Hidden[int]


class Trick(Struct, tag="trick", eq=True):
    cards: list[Card]


class Pause(Struct, tag="pause", eq=True):
    seconds: float


class Pair(Struct, Generic[Item], array_like=True):
    first: Item
    second: Item


class Secret(GameState):
    word: str


class Hand(GameState):
    cards: dict[int, Card]
    phase: Trick | Pause
    scores: Pair[int]
    deck: Hidden[list[Secret]]
    seats: set[int]
    fewest: Annotated[int, Meta(ge=0, description="of all")] = 0
    note: str | UnsetType = UNSET
    inner: "Hand | None" = None


class Stakes(GameSettings):
    """`blind`: what everybody pays."""

    blind: Annotated[int, Meta(ge=1, le=100)] = 1


class Cards(Game[Hand, Stakes]):
    name = "cards"
    min_players = max_players = 1

    def setup(self, ctx: Context[Stakes]) -> Hand:
        card = Card(Suit.HEARTS, 7)
        inner = Hand({}, Pause(1.5), Pair(3, 4), [], set())
        return Hand({0: card}, Trick([card]), Pair(1, 2), [Secret("x")], {1, 0}, inner=inner)

    @action
    def play(
        self, state: Hand, ctx: Context[Stakes], suit: Suit, raise_: Annotated[int, Meta(ge=1)] = 1
    ) -> None:
        """Lay a card of this suit."""

    @action
    def name_(self, state: Hand, ctx: Context[Stakes], what: Literal["trump"]) -> None:
        pass


class OpenCards(Cards):
    def reveal(self, state: Hand, seat: int | None) -> dict[str, object]:
        return {"cards": {0: {"value": 7}}, "deck": [Secret("x")], "hint": "look"}


SCHEMAS = load_game(Cards).schemas()


def valid(schema: dict[str, Any], value: object) -> bool:
    Draft202012Validator.check_schema(schema)
    return bool(Draft202012Validator(schema).is_valid(value))


def test_settings_have_their_bounds_defaults_and_words() -> None:
    assert SCHEMAS.settings["$defs"]["Stakes"] == {
        "title": "Stakes",
        "description": "`blind`: what everybody pays.",
        "type": "object",
        "properties": {"blind": {"type": "integer", "minimum": 1, "maximum": 100, "default": 1}},
        "required": [],
        "additionalProperties": False,
    }
    assert valid(SCHEMAS.settings, {})
    assert not valid(SCHEMAS.settings, {"blind": 0})
    assert not valid(SCHEMAS.settings, {"blimd": 1})


def test_an_action_is_one_of_those_that_the_game_has() -> None:
    assert SCHEMAS.action["oneOf"] == [{"$ref": "#/$defs/play"}, {"$ref": "#/$defs/name"}]
    play = SCHEMAS.action["$defs"]["play"]
    assert play["description"] == "Lay a card of this suit."
    assert play["properties"]["type"] == {"const": "play"}
    assert play["properties"]["raise"] == {"type": "integer", "minimum": 1, "default": 1}
    assert play["required"] == ["type", "suit"]
    assert valid(SCHEMAS.action, {"type": "play", "suit": "spades"})
    for wrong in (
        {"suit": "spades"},
        {"type": "name", "suit": "spades"},
        {"type": "play", "suit": "clubs"},
        {"type": "play", "suit": "spades", "raise": 0},
        {"type": "play", "suit": "spades", "raise_": 1},
    ):
        assert not valid(SCHEMAS.action, wrong)


def test_a_view_has_all_that_is_shown_and_nothing_of_what_is_hidden() -> None:
    view = Table(Cards).view(0)
    assert valid(SCHEMAS.view, view)
    hand, card = SCHEMAS.view["$defs"]["Hand"], SCHEMAS.view["$defs"]["Card"]
    assert hand["required"] == ["cards", "phase", "scores", "seats", "fewest", "inner"]
    assert hand["properties"].keys() == {*hand["required"], "note"}
    assert hand["properties"]["fewest"] == {"type": "integer", "minimum": 0, "description": "of all"}
    assert card["properties"].keys() == {"suit"}
    assert "Secret" not in SCHEMAS.view["$defs"]
    for name in hand["required"]:
        assert not valid(SCHEMAS.view, {key: view[key] for key in view if key != name})


def test_words_about_the_state_are_as_they_were_meant_to_be_read() -> None:
    description = SCHEMAS.view["$defs"]["Card"]["description"]
    assert description == "What lies on the table.\n\nFace down, its value is hidden."


def test_structs_are_objects_as_they_are_shown() -> None:
    assert visible(Pair(1, 2)) == {"first": 1, "second": 2}
    pair = SCHEMAS.view["$defs"]["Pair_int_"]
    assert (pair["type"], pair["required"]) == ("object", ["first", "second"])
    assert SCHEMAS.view["$defs"]["Trick"]["properties"]["type"] == {"const": "trick"}
    view = Table(Cards).view(0)
    assert not valid(SCHEMAS.view, view | {"phase": {"type": "pause", "cards": []}})
    assert not valid(SCHEMAS.view, view | {"scores": [1, 2]})


def test_what_is_hidden_may_be_revealed_in_its_own_form() -> None:
    schema = load_game(OpenCards).schemas().view
    view = Table(OpenCards).view(0)
    assert (view["deck"], view["cards"]["0"]["value"], view["hint"]) == ([{"word": "x"}], 7, "look")
    assert valid(schema, view)
    assert "deck" not in schema["$defs"]["Hand"]["required"]
    assert valid(schema, {key: view[key] for key in view if key != "deck"})
    assert not valid(schema, view | {"deck": 52})


def test_where_there_is_nothing_to_choose_or_to_see_the_schema_says_so() -> None:
    schemas = load_game(Relay).schemas()
    assert (valid(schemas.settings, {}), valid(schemas.settings, {"any": 1})) == (True, False)
    assert (valid(schemas.view, None), valid(schemas.view, {})) == (True, False)
    assert valid(schemas.action, {"type": "send", "data": {"any": ["JSON"]}})


class Nothing(GameState):
    """A state without a field, which once kept the server from starting."""


class Bare(Game[Nothing]):
    name = "bare"
    min_players = max_players = 1

    @action
    def wait(self, state: Nothing, ctx: Context) -> None: ...


def test_a_state_may_have_no_fields() -> None:
    view = load_game(Bare).schemas().view
    assert (valid(view, {}), valid(view, {"any": 1})) == (True, True), "clients ignore what they do not know"


@pytest.mark.parametrize("schema", [SCHEMAS.settings, SCHEMAS.action, SCHEMAS.view])
def test_a_schema_says_what_dialect_it_is_in(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
