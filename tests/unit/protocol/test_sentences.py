"""What is wrong with a value is told in the same words, whoever reads it."""

import json
from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from gameroom.api import bodies
from gameroom.errors import ValidationFailed
from gameroom.games.validation import validated
from gameroom.protocol.codec import CommandRefused, decode_command
from gameroom.protocol.commands import JoinRoom
from gameroom.protocol.sentences import field_error, no_such_field


class Suit(Enum):
    HEARTS = "hearts"
    SPADES = "spades"


class Card(Struct, forbid_unknown_fields=True):
    suit: Suit = Suit.HEARTS
    rank: Annotated[int, Meta(ge=1)] = 1


class Hand(Struct, tag_field="type", tag="hand", forbid_unknown_fields=True):
    cards: list[Card] = []
    by_name: dict[str, Card] = {}
    colour: Annotated[Literal["red", "black"], Meta(description="of the back")] | None = None
    limit: int = 0
    name: Annotated[str, Meta(pattern="^[a-z]+$")] = "a"

    def __post_init__(self) -> None:
        if self.limit < 0:
            raise ValueError("Use a `limit` that is not below 0")


@pytest.mark.parametrize(
    ("value", "pointer", "detail"),
    [
        ({"limit": "1"}, "#/hand/limit", "expected an integer, got a string"),
        ({"cards": 1}, "#/hand/cards", "expected an array, got an integer"),
        ({"cards": [{}, {"rank": 0}]}, "#/hand/cards/1/rank", "expected an integer >= 1"),
        ({"cards": [{"suit": "x"}]}, "#/hand/cards/0/suit", "must be one of hearts, spades"),
        ({"cards": [{"rang": 1}]}, "#/hand/cards/0/rang", "there is no such field; did you mean rank?"),
        ({"by_name": {"a": {"rank": 0}}}, "#/hand/by_name", "expected an integer >= 1"),
        ({"by_name": {"a": {"suit": "x"}}}, "#/hand/by_name", "must be one of hearts, spades"),
        (
            {"by_name": {"a": {"zzz": 1}}},
            "#/hand/by_name",
            "zzz: there is no such field; known are rank, suit",
        ),
        ({"colour": "x"}, "#/hand/colour", "must be one of black, red"),
        ({"name": "A"}, "#/hand/name", "expected a string made of [a-z] only"),
        ({"limit": -1}, "#/hand", "Use a `limit` that is not below 0"),
        (
            {"zzz": 1},
            "#/hand/zzz",
            "there is no such field; known are by_name, cards, colour, limit, name, type",
        ),
        ([], "#/hand", "expected an object, got an array"),
    ],
    ids=str,
)
def test_a_fault_of_msgspec_in_words(value: object, pointer: str, detail: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, Hand)
    error = field_error(Hand, caught.value, "#/hand")
    assert (error.pointer, error.detail) == (pointer, detail)


def test_a_key_that_is_wrong_is_told_of_its_object() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({"x": {"a": 1}}, dict[str, dict[int, int]])
    error = field_error(dict[str, dict[int, int]], caught.value)
    assert (error.pointer, error.detail) == ("#", "expected an integer, got a string")


def test_an_endless_name_is_compared_in_part() -> None:
    assert no_such_field("x" * 60_000, ["b", "a"]) == "there is no such field; known are a, b"


def command(fields: dict[str, Any]) -> None:
    decode_command(json.dumps({"type": "JOIN_GAME_ROOM_GROUP", **fields}))


def action_or_settings(fields: dict[str, Any]) -> None:
    validated(fields, JoinRoom, "#")


def body(fields: dict[str, Any]) -> None:
    bodies.json_decoder(JoinRoom)(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "fields",
    [
        {"room_id": 5},
        {"room_id": "a b"},
        {"role": "queen"},
        {"rolle": "player"},
        {"resume": {"epoch": 0}},
        {"resume": {"epoch": "0", "seq": 0}},
        {"resume": {"epoch": 0, "seq": 0, "sek": 0}},
    ],
    ids=str,
)
def test_every_door_says_the_same_of_the_same_mistake(fields: dict[str, Any]) -> None:
    said = set()
    for door in (command, action_or_settings, body):
        with pytest.raises((ValidationFailed, CommandRefused)) as caught:
            door({"type": "JOIN_GAME_ROOM_GROUP", **fields})
        error = caught.value.error if isinstance(caught.value, CommandRefused) else caught.value
        assert isinstance(error, ValidationFailed)
        said.update(error.errors)
    assert len(said) == 1
