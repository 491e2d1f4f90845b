"""`visible`: what clients may see of a game's values, and nothing that they could not read."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, IntEnum
from typing import Annotated, NamedTuple

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType, field

from gameroom.games.visible import Hidden, visible
from gameroom.protocol.free_json import NestedTooDeep, NotFreeJson


class Suit(Enum):
    HEARTS = "hearts"


class Level(IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Piece:
    kind: str
    at: Point


class Player(Struct):
    name: str
    hand: Hidden[list[int]]
    bid: Hidden[int] | None = None
    trump: Hidden[Annotated[int, Meta(ge=0)]] = 0
    note: str | UnsetType = UNSET


class Spy(Player):
    cover: Hidden[str] = "gardener"


class Deal(Struct, tag_field="type", tag="deal", rename="camel"):
    next_player: Player
    secret_order: Hidden[list[int]] = field(default_factory=list)


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (-(2**63), -(2**63)),
        (1.5, 1.5),
        ("ünï\u2028cødé 🎲", "ünï\u2028cødé 🎲"),
        ((1, [2, (3,)]), [1, [2, [3]]]),
        ({1: "a", Suit.HEARTS: "b", "c": {}}, {"1": "a", "hearts": "b", "c": {}}),
        ({1024, 3}, [3, 1024]),
        ({2.5, -1.0, 2**20}, [-1.0, 2.5, 2**20]),
        (frozenset({"b", "a", 1}), [1, "a", "b"]),
        ({(2, 1), (1, 2)}, [[1, 2], [2, 1]]),
        (Suit.HEARTS, "hearts"),
        (Level.HIGH, 3),
        (Point(1, 2), [1, 2]),
        (Piece("rook", Point(0, 7)), {"kind": "rook", "at": [0, 7]}),
        (defaultdict(int, a=1), {"a": 1}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
        (b"abc", "YWJj"),
    ],
)
def test_values_become_plain_json(value: object, shown: object) -> None:
    assert visible(value) == shown


def test_kinds_are_plain_too() -> None:
    class Name(str):
        pass

    assert type(visible(Name("Ada"))) is str
    assert type(visible(Level.HIGH)) is int
    assert type(visible(Counter("a"))) is dict
    assert type(visible({3})) is list


def test_nothing_is_shared_with_the_value() -> None:
    value = {"cells": [1]}
    shown = visible(value)
    value["cells"].append(2)
    assert shown == {"cells": [1]}


def test_hidden_fields_are_left_out_wherever_they_stand() -> None:
    deal = Deal(Player("Ada", [1, 2], bid=3))
    assert visible([deal]) == [{"type": "deal", "nextPlayer": {"name": "Ada"}}]


def test_a_subclass_hides_what_it_adds() -> None:
    assert visible([Spy("Ada", [1])]) == [{"name": "Ada"}]


def test_what_is_unset_is_not_there() -> None:
    assert visible(Player("Ada", [], note="hi")) == {"name": "Ada", "note": "hi"}


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({"a": [1, 2**63]}, "#/a/1"),
        ([-(2**63) - 1], "#/0"),
        ({"a": {"b": float("nan")}}, "#/a/b"),
        ([float("inf")], "#/0"),
        (["a\0b"], "#/0"),
        (["\ud800"], "#/0"),
        ({"good": 1, "bad\0": 2}, "#"),
        ([{"good": 1, (1, 2): 2}], "#/0"),
        ([{1: "a", "1": "b"}], "#/0"),
        ({"a": object()}, "#/a"),
        ([Player], "#/0"),
        ([Player("\ud800", [])], "#/0/name"),
    ],
)
def test_what_clients_could_not_read_is_refused(value: object, pointer: str) -> None:
    with pytest.raises(NotFreeJson) as caught:
        visible(value)
    assert caught.value.pointer == pointer


def test_the_envelope_may_carry_64_levels() -> None:
    assert visible({"data": nested(64)}) == {"data": nested(64)}
    with pytest.raises(NestedTooDeep):
        visible({"data": nested(65)})


def test_a_value_that_contains_itself() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(NestedTooDeep):
        visible(loop)
