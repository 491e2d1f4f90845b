"""Rooms over REST: made, looked for, looked at and ended, and how that meets the socket."""

import asyncio
import json
import re
from collections.abc import Awaitable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.conftest import Servers
from tests.kit.api import Account, bearer
from tests.kit.operator import users
from tests.kit.people import People, gathering
from tests.kit.summaries import summary_of_waiting_table
from tests.kit.wire import Json, Refused
from tests.refusals.stories import locked

ROOMS_OF_ONE = 10
"""Made by one user in a test: below what a user may be in."""


async def refusal(answer: Awaitable[object]) -> Refused:
    with pytest.raises(Refused) as refused:
        await answer
    return refused.value


async def make_rooms(people: People, names: list[str], **fields: Any) -> list[str]:
    """The ids of so many relay rooms, in the order in which they were made."""
    hosts = [await people.guest() for _ in range(0, len(names), ROOMS_OF_ONE)]
    made = [
        await people.api.create_room(hosts[number // ROOMS_OF_ONE], "relay", name=name, **fields)
        for number, name in enumerate(names)
    ]
    return [each["room"]["room_id"] for each in made]


async def all_pages(people: People, account: Account, **query: Any) -> list[list[Json]]:
    pages = [await people.api.rooms(account, **query)]
    while pages[-1]["next_cursor"] is not None:
        pages.append(await people.api.rooms(account, cursor=pages[-1]["next_cursor"], **query))
    return [page["items"] for page in pages]


# --- making ---------------------------------------------------------------------------------------------------


async def test_the_maker_is_a_member_in_its_grace_period_and_comes_in_on_a_socket(people: People) -> None:
    account = await people.guest("Ada")
    made = await people.api.create_room(account, "tic-tac-toe", name="Ours", metadata={"level": 3})
    room = made["room"]
    member = room["members"][account.user_id]
    assert (room["host_id"], room["name"], room["metadata"]) == (account.user_id, "Ours", {"level": 3})
    assert (member["seat"], member["connected"]) == (0, False)
    assert member["reserved_until"] > room["created_at"]
    ada = await people.connect(account)
    reply = await ada.join(room["room_id"])
    assert reply.position.seq == made["seq"] + 1
    mine = reply.data["room"]["members"][account.user_id]
    assert (mine["seat"], mine["connected"]) == (0, True)
    assert "reserved_until" not in mine


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "validation_failed", "#/game"),
        ({"game": "relay", "name": ""}, "validation_failed", "#/name"),
        ({"game": "relay", "visibility": "secret"}, "validation_failed", "#/visibility"),
        ({"game": "relay", "password": "x" * 129}, "validation_failed", "#/password"),
        ({"game": "relay", "max_players": 1001}, "validation_failed", "#/max_players"),
        ({"game": "tic-tac-toe", "max_players": 3}, "validation_failed", "#/max_players"),
        ({"game": "relay", "metadata": {"x": "y" * 4096}}, "validation_failed", "#/metadata"),
        ({"game": "relay", "metadata": {"x": 2**63}}, "validation_failed", "#/metadata/x"),
        ({"game": "relay", "settings": {"no_such": 1}}, "validation_failed", "#/settings/no_such"),
        ({"game": "relay", "colour": "red"}, "validation_failed", "#/colour"),
        ({"game": "relay", "id": "x" * 16}, "validation_failed", "#/id"),
        ({"game": "chess"}, "unknown_game", None),
    ],
    ids=str,
)
async def test_a_wrong_room_says_where(people: People, body: Json, code: str, pointer: str | None) -> None:
    headers = bearer((await people.guest()).access_token)
    refused = await refusal(people.api.call("POST", "/game-room-groups", 201, headers=headers, json=body))
    assert (refused.code, refused.status) == (code, 422)
    assert refused.pointers == ([pointer] if pointer else [])


@pytest.mark.parametrize("key", ["x" * 15, "x" * 65])
async def test_a_key_has_16_to_64_characters(people: People, key: str) -> None:
    refused = await refusal(people.api.create_room(await people.guest(), "relay", key))
    assert (refused.code, refused.pointers) == ("validation_failed", ["#/Idempotency-Key"])


async def test_a_repeat_answers_with_the_room_as_it_is_now(people: People) -> None:
    account, bob = await people.guest("Ada"), await people.newcomer("Bob")
    key = str(uuid4())
    first = await people.api.create_room(account, "relay", key, name="One", password="sesame")
    await bob.join(first["room"]["room_id"], password="sesame")
    again = await people.api.create_room(account, "relay", key, name="One", password="sesame")
    assert again["room"]["room_id"] == first["room"]["room_id"]
    assert bob.user_id in again["room"]["members"]
    assert again["seq"] == first["seq"] + 1
    other = await refusal(people.api.create_room(account, "relay", key, name="Two", password="sesame"))
    assert (other.code, other.status) == ("id_reused", 422)


async def test_a_key_is_each_users_own(people: People) -> None:
    key = str(uuid4())
    rooms = [await people.api.create_room(await people.guest(), "relay", key) for _ in range(2)]
    assert rooms[0]["room"]["room_id"] != rooms[1]["room"]["room_id"]


async def test_the_same_call_at_once_makes_one_room(people: People) -> None:
    account, key = await people.guest(), str(uuid4())
    made = await asyncio.gather(*(people.api.create_room(account, "relay", key) for _ in range(5)))
    assert len({each["room"]["room_id"] for each in made}) == 1


async def test_a_socket_repeats_what_rest_has_made(people: People) -> None:
    account, key = await people.guest(), str(uuid4())
    wishes = {"name": "One", "password": "sesame", "metadata": {"b": 1, "a": [2]}}
    made = await people.api.create_room(account, "tic-tac-toe", key, **wishes)
    player = await people.connect(account)
    reply = await player.ask("CREATE_GAME_ROOM_GROUP", id=key, game="tic-tac-toe", **wishes)
    assert (reply.repeated, reply.room_id) == (True, made["room"]["room_id"])
    assert reply.data["room"]["members"][account.user_id]["connected"] is True


async def test_rest_repeats_what_a_socket_has_made(people: People) -> None:
    account, key = await people.guest(), str(uuid4())
    player = await people.connect(account)
    made = await player.ask("CREATE_GAME_ROOM_GROUP", id=key, game="relay", name="One")
    again = await people.api.create_room(account, "relay", key, name="One")
    assert again["room"] == made.data["room"]
    refused = await refusal(people.api.create_room(account, "relay", key))
    assert refused.code == "id_reused"


async def test_a_repeat_by_one_who_has_left_is_not_member(people: People) -> None:
    account, bob = await people.guest(), await people.newcomer("Bob")
    key = str(uuid4())
    room_id = (await people.api.create_room(account, "relay", key))["room"]["room_id"]
    await bob.join(room_id)
    player = await people.connect(account)
    await player.join(room_id)
    await player.ask("LEAVE_GAME_ROOM_GROUP")
    assert (await refusal(people.api.create_room(account, "relay", key))).code == "not_member"


# --- ending ---------------------------------------------------------------------------------------------------


async def test_what_is_not_stored_in_time_is_undecided_and_done_once_it_can_be(servers: Servers) -> None:
    """504 promises nothing; the room says later what has become of it."""
    async with gathering(servers.start(command_deadline_ms=100)) as people:
        host = await people.guest()
        room_id = (await people.api.create_room(host, "relay"))["room"]["room_id"]
        path, headers = f"/api/v1/game-room-groups/{room_id}", bearer(host.access_token)
        with locked(people.server):
            answer = await people.api.request("DELETE", path, headers=headers)
            assert (answer.status_code, answer.content) == (504, b"")
        refused = await refusal(people.api.room(host, room_id))
        assert (refused.code, refused.status) == ("room_closed", 410)


# --- looking --------------------------------------------------------------------------------------------------


async def test_a_member_sees_what_its_socket_sees(people: People) -> None:
    account = await people.guest()
    player = await people.connect(account)
    room_id = await player.create("tic-tac-toe")
    seen = await people.api.room(account, room_id)
    fresh = await player.ask("GET_GAME_ROOM_GROUP")
    assert seen["room"] == fresh.data["room"] == player.room.view
    assert (seen["epoch"], seen["seq"]) == fresh.position


async def test_a_stranger_sees_a_summary(people: People) -> None:
    host, stranger = await people.guest(), await people.guest()
    fields = {"name": "Ours", "password": "sesame", "visibility": "unlisted"}
    room = (await people.api.create_room(host, "tic-tac-toe", **fields))["room"]
    seen = await people.api.room_from_outside(stranger, room["room_id"])
    assert seen == summary_of_waiting_table(room["room_id"], "Ours", room["created_at"])


async def test_there_is_no_private_room_for_strangers(people: People) -> None:
    host, stranger = await people.guest(), await people.guest()
    room_id = (await people.api.create_room(host, "relay", visibility="private"))["room"]["room_id"]
    for call in (people.api.room_from_outside, people.api.close_room):
        refused = await refusal(call(stranger, room_id))
        assert (refused.code, refused.status) == ("room_not_found", 404)
    assert (await people.api.room(host, room_id))["room"]["visibility"] == "private"


@pytest.mark.parametrize(
    "room_id", ["nowhere", "2aedca7d-b295-4df9-a8ba-0713224405dc", "x" * 65, "a%20b", "a%00b"]
)
async def test_there_is_no_such_room(people: People, room_id: str) -> None:
    account = await people.guest()
    for call in (people.api.room, people.api.close_room):
        assert (await refusal(call(account, room_id))).code == "room_not_found"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ""), ("GET", ""), ("GET", "/some-room"), ("DELETE", "/some-room")],
)
async def test_every_call_needs_a_bearer(people: People, method: str, path: str) -> None:
    refused = await refusal(people.api.call(method, f"/game-room-groups{path}", 200))
    assert (refused.code, refused.status) == ("unauthenticated", 401)


async def test_what_belongs_to_one_user_is_not_kept_by_caches(people: People) -> None:
    account = await people.guest()
    headers = bearer(account.access_token)
    made = await people.api.request(
        "POST", "/api/v1/game-room-groups", headers=headers, json={"game": "relay"}
    )
    room_id = made.json()["room"]["room_id"]
    seen = await people.api.request("GET", f"/api/v1/game-room-groups/{room_id}", headers=headers)
    assert {each.headers["cache-control"] for each in (made, seen)} == {"no-store"}


async def test_the_document_describes_every_call_with_its_parameters(people: People) -> None:
    async with httpx2.AsyncClient(base_url=people.server.url, trust_env=False) as client:
        described: Json = (await client.get("/openapi.json")).json()
    shapes = described["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described))) <= shapes.keys()
    assert "HTTPValidationError" not in json.dumps(described["paths"])
    calls = {path: described["paths"][f"/api/v1/game-room-groups{path}"] for path in ("", "/{room_id}")}
    parameters = {each["name"]: each["schema"] for each in calls[""]["get"]["parameters"]}
    assert parameters == {
        "game": {"type": "string"},
        "status": {"enum": ["playing", "waiting"]},
        "has_space": {"type": "boolean"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
        "cursor": {"type": "string", "maxLength": 256},
    }
    for method in ("get", "delete"):
        [room_id] = calls["/{room_id}"][method]["parameters"]
        assert (room_id["name"], room_id["in"], room_id["required"]) == ("room_id", "path", True)
    assert shapes["NewRoom"]["required"] == ["game"]
    assert not {"id", "ack", "type"} & shapes["NewRoom"]["properties"].keys()


# --- ending ---------------------------------------------------------------------------------------------------


async def test_the_host_closes_the_room_and_twice_is_once(people: People) -> None:
    account, bob = await people.guest("Ada"), await people.newcomer("Bob")
    room_id = (await people.api.create_room(account, "relay"))["room"]["room_id"]
    await bob.join(room_id)
    await people.api.close_room(account, room_id)
    await bob.expect("GAME_ROOM_GROUP_CLOSED", by=account.user_id, reason=None)
    await bob.expect("DETACHED", reason="closed")
    await people.api.close_room(account, room_id)
    refused = await refusal(people.api.room(account, room_id))
    assert (refused.code, refused.status) == ("room_closed", 410)


async def test_what_a_socket_has_closed_may_be_closed_again(people: People) -> None:
    account = await people.guest()
    player = await people.connect(account)
    room_id = await player.create("relay")
    await player.ask("CLOSE_GAME_ROOM_GROUP")
    await people.api.close_room(account, room_id)


async def test_others_cannot_close_it(people: People) -> None:
    host, bob = await people.guest(), await people.guest("Bob")
    room_id = (await people.api.create_room(host, "relay"))["room"]["room_id"]
    assert (await refusal(people.api.close_room(bob, room_id))).code == "not_member"
    await (await people.connect(bob)).join(room_id)
    refused = await refusal(people.api.close_room(bob, room_id))
    assert (refused.code, refused.status) == ("not_host", 403)


async def test_an_admin_closes_any_room(people: People) -> None:
    host, admin = await people.guest(), await people.guest("Root")
    made = await people.api.create_room(host, "relay", visibility="private")
    await users(people.server, "grant", admin.user_id, "admin")
    assert (await people.api.room_from_outside(admin, made["room"]["room_id"]))["game"] == "relay"
    await people.api.close_room(admin, made["room"]["room_id"])
    assert (await refusal(people.api.room(host, made["room"]["room_id"]))).code == "room_closed"


# --- looking for rooms ----------------------------------------------------------------------------------------


async def test_pages_miss_and_double_nothing_while_rooms_are_made(people: People) -> None:
    """Of 120 rooms every one is read once, newest first, while others come in between the pages."""
    reader, host = await people.guest(), await people.guest()
    made = await make_rooms(people, [f"room {n}" for n in range(120)])
    read: list[str] = []
    cursor: Json = {}
    while not set(made) <= set(read):
        page = await people.api.rooms(reader, limit=25, **cursor)
        read += [room["room_id"] for room in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
        await people.api.create_room(host, "relay", name="late")
    assert len(read) == len(set(read))
    assert [room_id for room_id in read if room_id in set(made)] == made[::-1]


async def test_the_default_page_has_50_and_the_last_one_no_cursor(people: People) -> None:
    reader = await people.guest()
    await make_rooms(people, [f"room {n}" for n in range(51)])
    assert len((await people.api.rooms(reader))["items"]) == 50
    pages = await all_pages(people, reader, limit=200)
    assert all(len(page) == 200 for page in pages[:-1])
    created = [room["created_at"] for page in pages for room in page]
    assert created == sorted(created, reverse=True)


async def found(people: People, reader: Account, names: set[str], **query: Any) -> set[str]:
    """Which of these rooms, by their names, are listed."""
    pages = await all_pages(people, reader, limit=200, **query)
    return {room["name"] for page in pages for room in page} & names


async def test_what_is_wanted_is_found(people: People) -> None:
    reader, host = await people.guest(), await people.guest()
    run = uuid4().hex
    open_, full, board, unlisted, private, closed = names = [f"{kind} {run}" for kind in "ofbupc"]
    create = people.api.create_room
    await create(host, "relay", name=open_)
    await create(host, "relay", name=full, max_players=1)
    await create(host, "tic-tac-toe", name=board)
    await create(host, "relay", name=unlisted, visibility="unlisted")
    await create(host, "relay", name=private, visibility="private")
    await people.api.close_room(host, (await create(host, "relay", name=closed))["room"]["room_id"])

    async def those(**query: Any) -> set[str]:
        return await found(people, reader, set(names), **query)

    assert await those() == {open_, full, board}
    assert await those(game="relay") == {open_, full}
    assert await those(game="tic-tac-toe") == {board}
    assert await those(status="playing") == {open_, full}
    assert await those(status="waiting") == {board}
    assert await those(has_space="true") == {open_, board}
    assert await those(has_space="false") == {full}
    assert await those(game="relay", status="playing", has_space="true") == {open_}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"limit": 0}, "#/limit"),
        ({"limit": 201}, "#/limit"),
        ({"limit": "many"}, "#/limit"),
        ({"status": "closed"}, "#/status"),
        ({"status": ""}, "#/status"),
        ({"has_space": "perhaps"}, "#/has_space"),
        ({"status": "null"}, "#/status"),
        ({"game": "Null"}, "#/game"),
        ({"cursor": ""}, "#/cursor"),
        ({"cursor": "nonsense"}, "#/cursor"),
        ({"cursor": "eyJhIjoxfQ"}, "#/cursor"),
        ({"cursor": "ü"}, "#/cursor"),
        ({"cursor": "x" * 257}, "#/cursor"),
        ({"gmae": "relay"}, "#/gmae"),
        ({"limit": [1, 2]}, "#/limit"),
    ],
    ids=str,
)
async def test_a_wrong_query_says_where(people: People, query: Json, pointer: str) -> None:
    refused = await refusal(people.api.rooms(await people.guest(), **query))
    assert (refused.code, refused.status, refused.pointers) == ("validation_failed", 422, [pointer])


async def test_a_game_that_is_not_here_is_unknown(people: People) -> None:
    refused = await refusal(people.api.rooms(await people.guest(), game="chess"))
    assert (refused.code, refused.status) == ("unknown_game", 422)
    assert {"relay", "tic-tac-toe"} <= set(refused.params["games"])
