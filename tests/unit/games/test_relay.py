"""Relay, as the protocol says: no rules, and what is said reaches whom it is meant for."""

import pytest

from gameroom.errors import ValidationFailed
from gameroom.games.effects import Announcement
from gameroom.games.registry import load_game
from gameroom.games.relay import Relay
from gameroom.testkit import Table

DATA = {"x": [1, 2.5, "three", None, True], "deep": {"er": {}}}


def test_what_a_room_must_know_of_it() -> None:
    relay = load_game(Relay)
    assert (relay.name, relay.min_players, relay.max_players) == ("relay", 1, 1000)
    assert relay.durability == "volatile"
    assert relay.late_joining
    assert relay.always_playing
    assert not relay.has_state
    assert not relay.secretive


def test_everybody_hears_it_the_sender_and_spectators_included() -> None:
    table = Table(Relay, players=3)
    assert table.act(1, "send", data=DATA) == {}
    message = {"type": "message", "from": 1, "data": DATA}
    assert table.announcements == [Announcement(None, message)]
    assert table.heard(0) == table.heard(1) == table.heard(None) == [message]


def test_only_some_seats_hear_it() -> None:
    table = Table(Relay, players=3)
    table.act(0, "send", data="psst", to=[2])
    assert table.heard(2) == [{"type": "message", "from": 0, "data": "psst"}]
    assert table.heard(0) == table.heard(1) == table.heard(None) == []


@pytest.mark.parametrize("data", [None, 0, "", [], {}, [[[]]]])
def test_any_json_is_data(data: object) -> None:
    table = Table(Relay)
    table.act(0, "send", data=data)
    assert table.heard(0) == [{"type": "message", "from": 0, "data": data}]


def test_data_as_deep_as_free_json_may_be() -> None:
    data: list[object] = []
    for _ in range(63):
        data = [data]
    table = Table(Relay)
    table.act(0, "send", data=data)
    assert table.heard(0)[0]["data"] == data


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({}, "#/action/data"),
        ({"data": 1, "to": [-1]}, "#/action/to/0"),
        ({"data": 1, "to": 3}, "#/action/to"),
        ({"data": 1, "too": [3]}, "#/action/too"),
    ],
)
def test_wrong_fields_are_named(fields: dict[str, object], pointer: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        Table(Relay).act(0, "send", **fields)
    assert [error.pointer for error in caught.value.errors] == [pointer]


def test_leaving_ends_nothing() -> None:
    table = Table(Relay, players=2)
    table.leave(0)
    assert not table.ended
    table.act(1, "send", data="alone")
    assert table.view(1) is None
