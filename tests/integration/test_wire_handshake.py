"""Who you are, and how a handshake is refused: the four ways, their precedence, subprotocols, `errors=frame`."""

from uuid import uuid4

import pytest

from tests.conftest import Servers
from tests.kit.api import Account, bearer
from tests.kit.people import JSON_V1, MSGPACK_V1, By, People, gathering
from tests.kit.player import Player
from tests.kit.tables import sit_down
from tests.kit.ways import both_encodings
from tests.kit.wire import Refused

FOUR_WAYS = [By.HEADER, By.SUBPROTOCOL, By.TICKET, By.FIRST_FRAME]
four_ways = pytest.mark.parametrize("by", FOUR_WAYS, ids=lambda by: by.name.lower())
BAD = "not.a.token"


async def refusal_of(people: People, path: str, **options: object) -> Refused:
    with pytest.raises(Refused) as refused:
        await people.knock(path, **options)
    return refused.value


def room_path(room_id: str, query: str = "") -> str:
    return f"/ws/game-room-groups/{room_id}{query}"


async def a_room(people: People, **fields: object) -> str:
    return await (await people.newcomer("Host")).create("relay", **fields)


# --- the four ways --------------------------------------------------------------------------------------------


@both_encodings
@four_ways
async def test_each_way_leads_to_a_welcome(people: People, by: By) -> None:
    account = await people.guest("Alice")
    player = await people.connect(account, by)
    welcome = player.welcome
    assert welcome["user"] == account.user
    assert welcome["ping_interval_ms"] == 20_000
    assert (welcome["max_message_bytes"], welcome["max_server_message_bytes"]) == (64 * 1024, 1024 * 1024)
    assert (await player.ask("PING")).data["server_time"]


@both_encodings
@four_ways
async def test_each_way_leads_into_a_room_at_the_room_bound_endpoint(people: People, by: By) -> None:
    room_id = await a_room(people)
    player = await people.enter(await people.guest("Alice"), room_id, by)
    assert player.room.members[player.user_id]["connected"] is True
    await player.act("send", data=1)
    await player.until("GAME_UPDATED", user_id=player.user_id)


async def test_connection_ids_differ(people: People) -> None:
    account = await people.guest()
    ids = {(await people.connect(account)).welcome["connection_id"] for _ in range(3)}
    assert len(ids) == 3


async def test_the_token_expires_as_the_welcome_says(people: People) -> None:
    player = await people.newcomer()
    assert 15 * 60 - 60 < player.welcome["token_expires_in"] <= 15 * 60


# --- precedence: the first found decides ----------------------------------------------------------------------


async def two(people: People) -> tuple[Account, Account]:
    alice, bob = await people.guests("Alice", "Bob")
    return alice, bob


async def test_the_header_comes_before_the_subprotocol(people: People) -> None:
    alice, bob = await two(people)
    player = await people.knock(
        headers=bearer(alice.access_token), subprotocols=[JSON_V1, f"bearer.{bob.access_token}"]
    )
    await player.welcomed()
    assert player.user_id == alice.user_id


async def test_the_subprotocol_comes_before_the_ticket(people: People) -> None:
    alice, bob = await two(people)
    ticket = await people.api.ticket(bob)
    player = await people.knock(
        f"/ws?ticket={ticket}", subprotocols=[JSON_V1, f"bearer.{alice.access_token}"]
    )
    await player.welcomed()
    assert player.user_id == alice.user_id


async def test_a_bad_header_is_not_made_good_by_a_ticket(people: People) -> None:
    ticket = await people.api.ticket(await people.guest())
    refused = await refusal_of(people, f"/ws?ticket={ticket}", headers=bearer(BAD))
    assert (refused.status, refused.code) == (401, "unauthenticated")


async def test_a_bad_subprotocol_token_is_not_made_good_by_a_ticket(people: People) -> None:
    ticket = await people.api.ticket(await people.guest())
    refused = await refusal_of(people, f"/ws?ticket={ticket}", subprotocols=[JSON_V1, f"bearer.{BAD}"])
    assert (refused.status, refused.code) == (401, "unauthenticated")


async def test_a_good_header_needs_no_good_ticket(people: People) -> None:
    account = await people.guest()
    player = await people.knock("/ws?ticket=made-up", headers=bearer(account.access_token))
    await player.welcomed()
    assert player.user_id == account.user_id


# --- subprotocols ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "echoed"),
    [
        (None, None),
        ([JSON_V1], JSON_V1),
        (["gameroom.v9.cbor", JSON_V1], JSON_V1),
        (["chat", JSON_V1], JSON_V1),
        ([MSGPACK_V1], MSGPACK_V1),
        ([MSGPACK_V1, JSON_V1], MSGPACK_V1),
        ([JSON_V1, MSGPACK_V1], JSON_V1),
    ],
    ids=["none", "json", "after-unknown", "after-foreign", "msgpack", "msgpack-first", "json-first"],
)
async def test_the_first_known_subprotocol_is_echoed(
    people: People, offered: list[str] | None, echoed: str | None
) -> None:
    account = await people.guest()
    player = await people.knock(headers=bearer(account.access_token), subprotocols=offered)
    assert player.subprotocol == echoed
    await player.ask("PING")


async def test_the_token_is_never_echoed(people: People) -> None:
    account = await people.guest()
    token = f"bearer.{account.access_token}"
    for offered in ([JSON_V1, token], [token, JSON_V1], [MSGPACK_V1, token]):
        player = await people.knock(subprotocols=offered)
        await player.welcomed()
        assert player.subprotocol == next(name for name in offered if name != token)


async def test_only_unknown_subprotocols_are_refused(people: People) -> None:
    account = await people.guest()
    refused = await refusal_of(
        people, "/ws", headers=bearer(account.access_token), subprotocols=["gameroom.v9.cbor"]
    )
    assert (refused.status, refused.code) == (400, "unsupported_protocol")


# --- refused handshakes: HTTP status and problem+json ---------------------------------------------------------


@pytest.mark.parametrize("path", ["/ws", room_path("any")], ids=["ws", "room"])
@pytest.mark.parametrize("token", [BAD, "x" * 5000, "a" * 10], ids=["junk", "long", "word"])
async def test_a_bad_token_is_401(people: People, path: str, token: str) -> None:
    refused = await refusal_of(people, path, headers=bearer(token))
    assert (refused.status, refused.code) == (401, "unauthenticated")
    headers = {name.lower(): value for name, value in refused.headers.items()}
    assert headers["www-authenticate"].startswith("Bearer error=")
    assert "x-request-id" in headers


async def test_a_made_up_ticket_is_401(people: People) -> None:
    refused = await refusal_of(people, "/ws?ticket=made-up")
    assert (refused.status, refused.code) == (401, "unauthenticated")


async def test_an_unknown_room_is_404(people: People) -> None:
    account = await people.guest()
    for room_id in (str(uuid4()), "no-uuid-at-all"):
        refused = await refusal_of(people, room_path(room_id), headers=bearer(account.access_token))
        assert (refused.status, refused.code) == (404, "room_not_found")


async def test_a_private_room_looks_like_none(people: People) -> None:
    room_id = await a_room(people, visibility="private")
    account = await people.guest()
    refused = await refusal_of(people, room_path(room_id), headers=bearer(account.access_token))
    assert (refused.status, refused.code) == (404, "room_not_found")


async def test_a_full_room_is_409(people: People) -> None:
    game = await sit_down(people)
    account = await people.guest()
    refused = await refusal_of(people, room_path(game.room_id), headers=bearer(account.access_token))
    assert (refused.status, refused.code) == (409, "room_full")


async def test_a_closed_room_is_410(people: People) -> None:
    host = await people.newcomer()
    room_id = await host.create("relay")
    await host.ask("CLOSE_GAME_ROOM_GROUP")
    account = await people.guest()
    refused = await refusal_of(people, room_path(room_id), headers=bearer(account.access_token))
    assert (refused.status, refused.code) == (410, "room_closed")


async def test_a_room_with_a_password_needs_membership(people: People) -> None:
    room_id = await a_room(people, password="sesame")
    account = await people.guest()
    refused = await refusal_of(people, room_path(room_id), headers=bearer(account.access_token))
    assert (refused.status, refused.code) == (403, "wrong_room_password")
    on_ws = await people.connect(account)
    await on_ws.join(room_id, password="sesame")
    await on_ws.close()
    await people.enter(account, room_id)


@pytest.mark.parametrize(
    "query", ["?role=king", "?updates=sometimes", "?epoch=1&seq=x", "?epoch=1", "?seq=-1&epoch=1"]
)
async def test_a_wrong_query_is_422(people: People, query: str) -> None:
    room_id = await a_room(people)
    account = await people.guest()
    refused = await refusal_of(people, room_path(room_id, query), headers=bearer(account.access_token))
    assert (refused.status, refused.code) == (422, "validation_failed")


async def test_a_refused_handshake_makes_nobody_a_member(people: People) -> None:
    host = await people.newcomer()
    room_id = await host.create("relay")
    account = await people.guest()
    await refusal_of(people, room_path(room_id, "?role=king"), headers=bearer(account.access_token))
    await refusal_of(people, room_path(room_id), headers=bearer(BAD))
    await host.verify()
    assert list(host.room.members) == [host.user_id]


# --- the query of the room-bound endpoint ---------------------------------------------------------------------


async def test_the_query_chooses_role_and_updates(people: People) -> None:
    room_id = await a_room(people)
    player = await people.enter(await people.guest(), room_id, role="spectator", updates="view")
    assert player.room.members[player.user_id]["role"] == "spectator"
    other = await people.newcomer()
    await other.join(room_id)
    assert "view" in await player.expect("MEMBER_JOINED", user_id=other.user_id)


async def test_the_room_bound_endpoint_stays_in_its_room(people: People) -> None:
    elsewhere = await a_room(people)
    player = await people.enter(await people.guest(), await a_room(people))
    for command, fields in [
        ("CREATE_GAME_ROOM_GROUP", {"game": "relay"}),
        ("JOIN_GAME_ROOM_GROUP", {"room_id": elsewhere}),
        ("GET_GAME_ROOM_GROUP", {"room_id": elsewhere}),
        ("SEND_CHAT", {"room_id": elsewhere, "text": "hi"}),
    ]:
        with pytest.raises(Refused) as refused:
            await player.ask(command, **fields)
        assert refused.value.code == "forbidden"


# --- errors=frame ---------------------------------------------------------------------------------------------


async def ends_with(player: Player, code: int, word: str) -> None:
    """The accepted socket gets one ERROR and is closed; the kit checks the ERROR against the reason."""
    closed = await player.closed()
    assert (closed.code, closed.reason) == (code, word)


async def test_errors_as_frames_for_a_bad_token(people: People) -> None:
    await ends_with(await people.knock("/ws?errors=frame", headers=bearer(BAD)), 4500, "unauthenticated")
    await ends_with(await people.knock("/ws?errors=frame&ticket=made-up"), 4500, "unauthenticated")
    for name in (JSON_V1, MSGPACK_V1):
        player = await people.knock("/ws?errors=frame", subprotocols=[name, f"bearer.{BAD}"])
        assert player.subprotocol == name
        await ends_with(player, 4500, "unauthenticated")


async def test_errors_as_frames_for_rooms(people: People) -> None:
    token = bearer((await people.guest()).access_token)
    unknown = await people.knock(room_path(str(uuid4()), "?errors=frame"), headers=token)
    await ends_with(unknown, 4504, "room_not_found")

    full = (await sit_down(people)).room_id
    await ends_with(await people.knock(room_path(full, "?errors=frame"), headers=token), 4509, "room_full")

    locked = await a_room(people, password="sesame")
    player = await people.knock(room_path(locked, "?errors=frame"), headers=token)
    await ends_with(player, 4509, "wrong_room_password")


async def test_errors_as_frames_for_a_closed_room(people: People) -> None:
    host = await people.newcomer()
    room_id = await host.create("relay")
    await host.ask("CLOSE_GAME_ROOM_GROUP")
    token = bearer((await people.guest()).access_token)
    player = await people.knock(room_path(room_id, "?errors=frame"), headers=token)
    await ends_with(player, 4505, "room_closed")


async def test_errors_as_frames_changes_nothing_when_all_is_well(people: People) -> None:
    player = await people.enter(await people.guest(), await a_room(people), errors="frame")
    assert player.welcome["protocol"] == "gameroom.v1"


# --- the first frame ------------------------------------------------------------------------------------------


async def authenticate(player: Player, account: Account, frame_id: str | None = None) -> None:
    command = {"type": "AUTHENTICATE", "access_token": account.access_token}
    await player.send_frame(command if frame_id is None else {**command, "id": frame_id})


async def test_first_frame_order_at_the_room_bound_endpoint(people: People) -> None:
    """WELCOME (the kit demands it first), REPLY to AUTHENTICATE, REPLY to JOIN."""
    player = await people.knock(room_path(await a_room(people)))
    await authenticate(player, await people.guest())
    first = await player.expect("REPLY")
    assert (first["command"], first["id"]) == ("AUTHENTICATE", None)
    assert 0 < first["data"]["token_expires_in"] <= 15 * 60
    second = await player.expect("REPLY")
    assert (second["command"], second["id"]) == ("JOIN_GAME_ROOM_GROUP", None)


async def test_a_failure_to_join_after_the_first_frame_closes(people: People) -> None:
    player = await people.knock(room_path(str(uuid4())))
    await authenticate(player, await people.guest())
    await ends_with(player, 4504, "room_not_found")

    player = await people.knock(room_path((await sit_down(people)).room_id))
    await authenticate(player, await people.guest())
    await ends_with(player, 4509, "room_full")


@pytest.mark.parametrize(
    "frame",
    [
        '{"type": "PING"}',
        '{"type": "GET_GAME_ROOM_GROUP", "room_id": "x"}',
        '{"type": "AUTHENTICATE"}',
        '{"type": "AUTHENTICATE", "access_token": "not.a.token"}',
        '{"type": "AUTHENTICATE", "access_token": 7}',
        '{"type": "NO_SUCH_COMMAND"}',
        "not json",
        "[]",
        "pong",
        "",
    ],
)
async def test_any_other_first_frame_closes(people: People, frame: str) -> None:
    player = await people.knock()
    await player.send_text(frame)
    await ends_with(player, 4500, "unauthenticated")


async def test_a_binary_first_frame_closes(people: People) -> None:
    player = await people.knock()
    await player.send_binary(b"\x00\x01")
    await ends_with(player, 4500, "unauthenticated")


async def test_a_bare_ping_may_come_before_the_first_frame(people: People) -> None:
    player = await people.knock()
    await player.ping()
    await authenticate(player, await people.guest(), "first")
    assert (await player.expect("REPLY"))["id"] == "first"


async def test_a_command_right_behind_the_first_frame_is_answered_after_it(people: People) -> None:
    player = await people.knock()
    await authenticate(player, await people.guest())
    pong = await player.send("PING")
    await player.expect("REPLY", command="AUTHENTICATE")
    assert (await pong).data["server_time"]


@pytest.mark.timeout(60)
async def test_silence_before_the_first_frame_ends_after_15_seconds(people: People) -> None:
    """Reading: who says nothing in time is `unauthenticated`, 4500. Bare pings do not buy more time."""
    player = await people.knock()
    await player.ping()
    await player.gone(25)
    assert player.lost is not None
    assert (player.lost.code, player.lost.reason) == (4500, "unauthenticated")


# --- expired credentials --------------------------------------------------------------------------------------


async def test_an_expired_token_says_so_in_each_way(servers: Servers) -> None:
    async with gathering(servers.start(access_token_ttl_s=3)) as people:
        account = await people.guest()
        connected = await people.connect(account)
        await connected.closed()  # with 4001, when the token ends: from here on it is expired
        refused = await refusal_of(people, "/ws", headers=bearer(account.access_token))
        assert (refused.status, refused.code) == (401, "token_expired")
        with pytest.raises(Refused) as by_rest:
            await people.api.me(account.access_token)
        assert (by_rest.value.status, by_rest.value.code) == (401, "token_expired")
        player = await people.knock("/ws?errors=frame", headers=bearer(account.access_token))
        await ends_with(player, 4500, "token_expired")
        player = await people.knock()
        await authenticate(player, account)
        await ends_with(player, 4500, "token_expired")


# --- pages of other origins -----------------------------------------------------------------------------------


async def test_one_setting_says_whose_pages_may_come_in_by_both_doors(servers: Servers) -> None:
    server = servers.start(allowed_origins="https://play.example.org, https://staging.example.org/")
    async with gathering(server) as people:
        account = await people.guest()
        for origin, welcome in (("https://staging.example.org", True), ("https://elsewhere.example", False)):
            headers = {**bearer(account.access_token), "Origin": origin}
            answer = await people.api.request("GET", "/api/v1/users/me", headers=headers)
            assert answer.headers.get("Access-Control-Allow-Origin") == (origin if welcome else None)
            if welcome:
                await (await people.knock("/ws", headers=headers)).welcomed()
            else:
                refused = await refusal_of(people, "/ws", headers=headers)
                assert (refused.status, refused.params) == (403, {"reason": "origin"})
