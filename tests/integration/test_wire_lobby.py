"""The lobby over the wire: the newest public rooms, and what becomes of them, without a room joined."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.kit.api import Account
from tests.kit.people import People
from tests.kit.player import DEADLINE, Player
from tests.kit.wire import Json, Refused

Holds = Callable[[dict[str, Json]], bool]


def shown(player: Player) -> dict[str, Json]:
    return {room["room_id"]: room for room in player.lobby.rooms}


async def until(player: Player, holds: Holds) -> int:
    """Until the player's list is as it shall be; after how many changes."""
    changes = 0
    async with asyncio.timeout(DEADLINE):
        while not holds(shown(player)):
            await player.expect("LOBBY_CHANGED")
            changes += 1
    return changes


async def all_rooms(people: People, account: Account, **query: Any) -> list[Json]:
    """The newest 200 as REST shows them."""
    items: list[Json] = (await people.api.rooms(account, limit=200, **query))["items"]
    return items


async def test_the_list_follows_a_room_from_its_beginning_to_its_end(people: People) -> None:
    watcher, ada, ben = await people.newcomers("Watcher", "Ada", "Ben")
    await watcher.ask("SUBSCRIBE_LOBBY")
    room_id = await ada.create("tic-tac-toe", name="Ours")
    await until(watcher, lambda rooms: room_id in rooms)
    assert (shown(watcher)[room_id]["name"], shown(watcher)[room_id]["player_count"]) == ("Ours", 1)
    await ben.join(room_id)
    await until(watcher, lambda rooms: rooms[room_id]["player_count"] == 2)
    for player in (ada, ben):
        await player.ask("SET_READY", ready=True)
    await ada.ask("START_GAME")
    await until(watcher, lambda rooms: rooms[room_id]["status"] == "playing")
    await ada.ask("CLOSE_GAME_ROOM_GROUP")
    await until(watcher, lambda rooms: room_id not in rooms)


async def test_the_list_is_always_the_newest_200(people: People) -> None:
    """More rooms than the list holds: it ends with the very list that REST shows, after a change a second at most."""
    reader = await people.guest()
    watcher = await people.connect(reader)
    hosts = [await people.guest() for _ in range(21)]
    loop = asyncio.get_running_loop()
    began = loop.time()
    await watcher.ask("SUBSCRIBE_LOBBY")
    for host in hosts:
        made = [await people.api.create_room(host, "relay") for _ in range(10)]
    last = made[-1]["room"]["room_id"]
    changes = await until(watcher, lambda rooms: last in rooms)
    assert watcher.lobby.rooms == await all_rooms(people, reader)
    assert len(watcher.lobby.rooms) == 200
    assert 1 <= changes <= loop.time() - began + 1


async def test_what_is_not_public_is_not_told(people: People) -> None:
    watcher, ada = await people.newcomers("Watcher", "Ada")
    await watcher.ask("SUBSCRIBE_LOBBY")
    hidden = [await ada.create("relay", visibility=kind) for kind in ("unlisted", "private")]
    public = await ada.create("relay")
    await until(watcher, lambda rooms: public in rooms)
    assert not set(hidden) & shown(watcher).keys()


async def test_a_game_has_a_list_of_its_own(people: People) -> None:
    watcher, ada = await people.newcomers("Watcher", "Ada")
    first = await watcher.ask("SUBSCRIBE_LOBBY", game="tic-tac-toe")
    assert {room["game"] for room in first.data["rooms"]} <= {"tic-tac-toe"}
    relay, board = await ada.create("relay"), await ada.create("tic-tac-toe")
    await until(watcher, lambda rooms: board in rooms)
    assert relay not in shown(watcher)
    with pytest.raises(Refused) as refused:
        await watcher.ask("SUBSCRIBE_LOBBY", game="chess")
    assert refused.value.code == "unknown_game"
    assert {"relay", "tic-tac-toe"} <= set(refused.value.params["games"])
    again = await watcher.ask("SUBSCRIBE_LOBBY")
    assert {relay, board} <= {room["room_id"] for room in again.data["rooms"]}


async def test_after_unsubscribing_nothing_comes(people: People) -> None:
    watcher, ada = await people.newcomers("Watcher", "Ada")
    leaver = await people.newcomer("Leaver")
    for player in (watcher, leaver):
        await player.ask("SUBSCRIBE_LOBBY")
    assert (await leaver.ask("UNSUBSCRIBE_LOBBY")).data == {}
    assert (await leaver.ask("UNSUBSCRIBE_LOBBY")).data == {}
    leaver.heard()
    room_id = await ada.create("relay")
    await until(watcher, lambda rooms: room_id in rooms)
    await leaver.ping()


async def test_the_commands_only_echo_their_id(people: People) -> None:
    watcher = await people.newcomer()
    same = str(uuid4())
    for command in ("SUBSCRIBE_LOBBY", "SUBSCRIBE_LOBBY", "UNSUBSCRIBE_LOBBY"):
        reply = await watcher.ask(command, id=same)
        assert reply.frame.keys() == {"type", "id", "command", "data"}


async def test_a_wrong_subscription_says_where(people: People) -> None:
    watcher = await people.newcomer()
    for fields, pointer in (({"game": 1}, "#/game"), ({"gmae": "relay"}, "#/gmae")):
        with pytest.raises(Refused) as refused:
            await watcher.ask("SUBSCRIBE_LOBBY", **fields)
        assert refused.value.pointers == [pointer], json.dumps(refused.value.body)


async def test_a_socket_for_one_room_may_watch_the_lobby(people: People) -> None:
    account, ada = await people.guest(), await people.newcomer("Ada")
    room_id = await ada.create("relay")
    watcher = await people.connect(account, path=f"/ws/game-room-groups/{room_id}")
    reply = await watcher.ask("SUBSCRIBE_LOBBY")
    assert room_id in {room["room_id"] for room in reply.data["rooms"]}
