"""The lobby: what changes are told of it, to whom, and that none is missed or told twice."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gameroom.errors import Unavailable
from gameroom.gateway import lobby
from gameroom.gateway.lobby import difference
from gameroom.gateway.policy import GatewayPolicy
from gameroom.protocol.answers import LobbyChanged
from gameroom.protocol.limits import LOBBY_ROOMS
from gameroom.protocol.views import RoomSummary
from tests.unit.gateway.fakes import PATIENCE_S, Bench, Client, Frame


def room(number: int, players: int = 1, game: str = "relay") -> RoomSummary:
    return RoomSummary(
        room_id=f"r{number}",
        name="Room",
        game=game,
        status="playing",
        player_count=players,
        max_players=4,
        spectator_count=0,
        locked=False,
        has_password=False,
        created_at=f"2026-11-24T00:00:00.{number:03}Z",
    )


def by_id(*rooms: RoomSummary) -> dict[str, RoomSummary]:
    return {each.room_id: each for each in rooms}


# --- what has changed -----------------------------------------------------------------------------------------


def test_what_is_new_other_or_gone_is_told() -> None:
    told = by_id(room(3), room(2), room(1))
    now = by_id(room(4), room(3), room(1, players=2))
    assert difference(told, now) == LobbyChanged([room(4), room(1, players=2)], ["r2"])


def test_what_is_as_it_was_is_not_told() -> None:
    assert difference(by_id(room(1)), by_id(room(1))) is None
    assert difference({}, {}) is None


rooms = st.dictionaries(st.integers(0, 5), st.integers(0, 4)).map(
    lambda players: by_id(*(room(number, count) for number, count in players.items()))
)


@given(rooms, rooms)
def test_the_change_makes_the_one_list_of_the_other(told: Any, now: Any) -> None:
    change = difference(told, now) or LobbyChanged([], [])
    assert {each.room_id for each in change.upserted}.isdisjoint(change.removed)
    kept = {room_id: each for room_id, each in told.items() if room_id not in change.removed}
    assert kept | by_id(*change.upserted) == now
    assert all(told.get(each.room_id) != each for each in change.upserted)


# --- subscriptions --------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(lobby, "PERIOD_S", 0.005)
    yield


async def heard(client: Client, count: int = 1) -> list[Frame]:
    """The next frames, as soon as so many are there."""
    await client.socket.hears(count)
    return client.socket.take()


async def subscribe(client: Client, game: str | None = None) -> list[str]:
    """The ids of the rooms in the answer."""
    client.send("SUBSCRIBE_LOBBY", id="s", **({} if game is None else {"game": game}))
    [reply] = await heard(client)
    assert (reply["type"], reply["command"], reply["id"]) == ("REPLY", "SUBSCRIBE_LOBBY", "s"), reply
    assert reply.keys() == {"type", "command", "id", "data"}
    return [each["room_id"] for each in reply["data"]["rooms"]]


async def quiet(bench: Bench, *clients: Client, game: str | None = None) -> None:
    """Two looks later nothing was told."""
    await bench.directory.looks(3, game)
    assert [client.socket.take() for client in clients] == [[]] * len(clients)


async def test_a_subscriber_gets_the_list_and_then_its_changes(bench: Bench) -> None:
    ann = bench.connect()
    bench.directory.shown[None] = [room(2), room(1)]
    assert await subscribe(ann) == ["r2", "r1"]
    await quiet(bench, ann)
    bench.directory.shown[None] = [room(3), room(2, players=2)]
    [changed] = await heard(ann)
    assert changed["type"] == "LOBBY_CHANGED"
    assert [(each["room_id"], each["player_count"]) for each in changed["upserted"]] == [("r3", 1), ("r2", 2)]
    assert changed["removed"] == ["r1"]
    bench.directory.shown[None] = []
    [emptied] = await heard(ann)
    assert (emptied["upserted"], emptied["removed"]) == ([], ["r3", "r2"])


async def test_the_list_holds_the_newest_200(bench: Bench) -> None:
    ann = bench.connect()
    everything = [room(number) for number in reversed(range(300))]
    bench.directory.shown[None] = everything
    assert len(await subscribe(ann)) == LOBBY_ROOMS == 200
    bench.directory.shown[None] = [room(300), *everything]
    [changed] = await heard(ann)
    assert ([each["room_id"] for each in changed["upserted"]], changed["removed"]) == (["r300"], ["r100"])


async def test_who_comes_later_gets_the_list_as_it_is_then_and_no_change_that_it_shows(bench: Bench) -> None:
    ann, ben = bench.connect("ann"), bench.connect("ben")
    bench.directory.shown[None] = [room(1)]
    assert await subscribe(ann) == ["r1"]
    bench.directory.shown[None] = [room(2), room(1)]
    assert await subscribe(ben) == ["r2", "r1"]
    [changed] = await heard(ann)
    assert ([each["room_id"] for each in changed["upserted"]], changed["removed"]) == (["r2"], [])
    await quiet(bench, ann, ben)
    bench.directory.shown[None] = [room(2)]
    for client in (ann, ben):
        [changed] = await heard(client)
        assert (changed["upserted"], changed["removed"]) == ([], ["r1"])


async def test_a_look_that_began_before_is_not_taken_for_the_present_list(bench: Bench) -> None:
    """Ben, who asks while Ann's look is under way, gets one of his own; each then hears what its own list lacks."""
    ann, ben = bench.connect("ann"), bench.connect("ben")
    bench.directory.shown[None] = [room(1)]
    bench.directory.gate.clear()
    ann.send("SUBSCRIBE_LOBBY")
    await bench.directory.looks(1)
    bench.directory.shown[None] = [room(2), room(1)]
    ben.send("SUBSCRIBE_LOBBY")
    bench.directory.gate.set()
    first, second = await heard(ann, 2)
    assert [each["room_id"] for each in first["data"]["rooms"]] == ["r1"]
    assert [each["room_id"] for each in second["upserted"]] == ["r2"]
    [only] = await heard(ben)
    assert [each["room_id"] for each in only["data"]["rooms"]] == ["r2", "r1"]
    await quiet(bench, ann, ben)


async def test_many_ask_and_the_directory_is_asked_twice(bench: Bench) -> None:
    """Once by the first, and once for all who came meanwhile."""
    clients = [bench.connect(f"user{n}") for n in range(20)]
    bench.directory.gate.clear()
    for client in clients:
        client.send("SUBSCRIBE_LOBBY", id="s")
    await bench.directory.looks(1)
    replies: list[Frame] = []
    bench.directory.gate.set()
    for client in clients:
        replies += await heard(client)
    assert [reply["type"] for reply in replies] == ["REPLY"] * 20
    assert bench.directory.asked[None] == 2


async def test_a_change_is_encoded_once_for_all(bench: Bench) -> None:
    clients = [bench.connect(f"user{n}") for n in range(3)]
    for client in clients:
        await subscribe(client)
    bench.directory.shown[None] = [room(1)]
    for client in clients:
        await client.socket.hears()
    assert len({id(client.socket.sent[0]) for client in clients}) == 1


async def test_each_game_has_a_list_of_its_own(bench: Bench) -> None:
    ann, ben = bench.connect("ann"), bench.connect("ben")
    bench.directory.shown = {"relay": [room(1)], "tic-tac-toe": [room(2, game="tic-tac-toe")]}
    assert await subscribe(ann, "relay") == ["r1"]
    assert await subscribe(ben, "tic-tac-toe") == ["r2"]
    bench.directory.shown["relay"] = []
    [changed] = await heard(ann)
    assert changed["removed"] == ["r1"]
    await quiet(bench, ben, game="tic-tac-toe")


async def test_an_unknown_game_is_refused_and_the_former_subscription_stays(bench: Bench) -> None:
    ann = bench.connect()
    await subscribe(ann)
    ann.send("SUBSCRIBE_LOBBY", id="s", game="chess")
    [error] = await heard(ann)
    assert (error["code"], error["params"]) == ("unknown_game", {"games": ["relay", "tic-tac-toe"]})
    bench.directory.shown[None] = [room(1)]
    [changed] = await heard(ann)
    assert changed["type"] == "LOBBY_CHANGED"


async def test_a_second_subscription_replaces_the_first(bench: Bench) -> None:
    ann = bench.connect()
    await subscribe(ann)
    await subscribe(ann, "relay")
    bench.directory.shown[None] = [room(1)]
    await quiet(bench, ann, game="relay")
    bench.directory.shown["relay"] = [room(1)]
    [changed] = await heard(ann)
    assert changed["upserted"][0]["room_id"] == "r1"


async def test_after_unsubscribing_nothing_is_told(bench: Bench) -> None:
    ann, ben = bench.connect("ann"), bench.connect("ben")
    await subscribe(ann)
    await subscribe(ben)
    ann.send("UNSUBSCRIBE_LOBBY", id="u")
    ann.send("UNSUBSCRIBE_LOBBY", id="u2")
    assert [(frame["id"], frame["data"]) for frame in ann.socket.take()] == [("u", {}), ("u2", {})]
    bench.directory.shown[None] = [room(1)]
    await heard(ben)
    assert ann.socket.take() == []


async def test_an_unsubscribe_right_behind_a_subscribe_comes_after_it(bench: Bench) -> None:
    ann, ben = bench.connect("ann"), bench.connect("ben")
    ann.send("SUBSCRIBE_LOBBY", id="s")
    ann.send("UNSUBSCRIBE_LOBBY", id="u")
    assert [frame["id"] for frame in await heard(ann, 2)] == ["s", "u"]
    await subscribe(ben)
    bench.directory.shown[None] = [room(1)]
    await heard(ben)
    assert ann.socket.take() == []


async def test_the_watch_ends_with_its_last_subscriber(bench: Bench) -> None:
    ann = bench.connect()
    await subscribe(ann)
    ann.connection.closed(1000)
    async with asyncio.timeout(PATIENCE_S):
        await bench.tasks.idle()
    asked = bench.directory.asked[None]
    bench.directory.shown[None] = [room(1)]
    assert await subscribe(bench.connect("ben")) == ["r1"]
    assert bench.directory.asked[None] == asked + 1


async def test_a_connection_closed_meanwhile_is_not_subscribed(bench: Bench) -> None:
    ann = bench.connect()
    bench.directory.gate.clear()
    ann.send("SUBSCRIBE_LOBBY", id="s")
    await bench.directory.looks(1)
    ann.connection.closed(1000)
    bench.directory.gate.set()
    async with asyncio.timeout(PATIENCE_S):
        await bench.tasks.idle()
    assert ann.socket.take() == []


@pytest.mark.parametrize("error", [Unavailable("away"), RuntimeError("a bug")])
async def test_a_database_that_is_away_costs_updates_and_no_connection(
    bench: Bench, error: Exception
) -> None:
    ann = bench.connect()
    bench.directory.shown[None] = [room(1)]
    await subscribe(ann)
    bench.directory.error = error
    bench.directory.shown[None] = [room(2)]
    await quiet(bench, ann)
    bench.directory.error = None
    [changed] = await heard(ann)
    assert (changed["upserted"][0]["room_id"], changed["removed"]) == ("r2", ["r1"])
    assert ann.socket.closed is None


async def test_without_a_first_list_the_subscription_is_unavailable_and_may_be_tried_again(
    bench: Bench,
) -> None:
    ann = bench.connect()
    bench.directory.error = Unavailable("away")
    ann.send("SUBSCRIBE_LOBBY", id="s")
    [refused] = await heard(ann)
    assert (refused["code"], refused["retryable"]) == ("unavailable", True)
    bench.directory.error = None
    bench.directory.shown[None] = [room(1)]
    assert await subscribe(ann) == ["r1"]


async def test_a_directory_that_does_not_answer_is_not_waited_for() -> None:
    bench = Bench(policy=GatewayPolicy(server_version="test", step_timeout_s=0.05))
    ann = bench.connect()
    bench.directory.shown[None] = [room(1)]
    await subscribe(ann)
    bench.directory.gate.clear()
    await bench.directory.looks(3)
    bench.directory.gate.set()
    bench.directory.shown[None] = [room(2)]
    [changed] = await heard(ann)
    assert changed["removed"] == ["r1"]
    await bench.tasks.stop()


async def test_a_socket_for_one_room_may_watch_the_lobby(bench: Bench) -> None:
    ann = bench.connect(room_id="r")
    assert await subscribe(ann) == []


async def test_who_wants_no_answer_is_subscribed_all_the_same(bench: Bench) -> None:
    ann = bench.connect()
    ann.send("SUBSCRIBE_LOBBY", id="s", ack=False)
    await bench.directory.looks(2)
    bench.directory.shown[None] = [room(1)]
    [changed] = await heard(ann)
    assert changed["type"] == "LOBBY_CHANGED"


def test_summaries_differ_in_every_field_that_is_shown() -> None:
    assert difference(by_id(room(1)), by_id(replace(room(1), locked=True))) is not None
