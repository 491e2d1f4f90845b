"""Frames, limits, credentials and the end of one connection."""

import asyncio
import json

import pytest
from msgspec.structs import replace

from gameroom.errors import TokenExpired, Unauthenticated
from gameroom.gateway.handshake import BearerCredential
from gameroom.gateway.policy import GatewayPolicy
from gameroom.protocol.commands import COMMANDS, CreateRoom, JoinRoom, UpdateRoom
from gameroom.protocol.views import User
from gameroom.rooms.asking import Undecided
from gameroom.rooms.room_passwords import WITH_PASSWORD, RoomPasswords
from gameroom.rooms.rooms import Card
from tests.unit.gateway.fakes import Bench, Client, FakeSocket, SlowBus, principal, revocation
from tests.unit.gateway.hand_timers import HandTimers

JUNK = "{"


def policy(**changes: int | float) -> GatewayPolicy:
    return GatewayPolicy(server_version="test", **changes)  # type: ignore[arg-type]


# --- WELCOME and the small things -----------------------------------------------------------------------------


async def test_welcome_says_all_that_a_client_needs(bench: Bench) -> None:
    connection = bench.admit(principal(bench.clock))
    socket = FakeSocket()
    connection.welcome()
    bench.open(connection, socket)
    (welcome,) = socket.take()
    assert welcome.pop("user")["user_id"] == "ann"
    assert welcome == {
        "type": "WELCOME",
        "protocol": "gameroom.v1",
        "server_version": "test",
        "features": [],
        "connection_id": connection.connection_id,
        "server_time": "2027-01-15T08:00:00.000Z",
        "token_expires_in": 900,
        "ping_interval_ms": 20_000,
        "max_message_bytes": 65_536,
        "max_server_message_bytes": 1_048_576,
    }


async def test_ping_is_answered_with_the_time(bench: Bench) -> None:
    ann = bench.connect()
    ann.send("PING", id="p1")
    ann.send("PING", ack=False)
    assert ann.socket.take() == [
        {"type": "REPLY", "id": "p1", "command": "PING", "data": {"server_time": "2027-01-15T08:00:00.000Z"}}
    ]


async def test_bare_ping_is_answered_with_bare_pong(bench: Bench) -> None:
    ann = bench.connect()
    ann.connection.text("ping")
    assert ann.socket.sent == [b"pong"]


async def test_a_broken_command_is_answered_with_its_id(bench: Bench) -> None:
    ann = bench.connect()
    ann.send("SET_READY", id="x", room_id="r", ready="yes")
    (error,) = ann.socket.take()
    assert (error["code"], error["id"], error["command"], error["room_id"]) == (
        "validation_failed",
        "x",
        "SET_READY",
        "r",
    )


async def test_a_binary_frame_is_malformed(bench: Bench) -> None:
    ann = bench.connect()
    ann.connection.binary(b"{}")
    assert ann.socket.story() == ["ERROR malformed_frame"]


# --- abuse ----------------------------------------------------------------------------------------------------


async def test_twenty_malformed_frames_in_a_row_end_the_connection(bench: Bench) -> None:
    ann = bench.connect()
    for _ in range(19):
        ann.connection.text(JUNK)
    ann.connection.binary(b"")
    assert ann.socket.story() == ["ERROR malformed_frame"] * 20 + ["ERROR protocol_abuse"]
    assert ann.socket.closed == (4503, "protocol_abuse")
    ann.connection.text(JUNK)
    assert ann.socket.sent == []


@pytest.mark.parametrize("sensible", ['{"type": "PING"}', '{"type": "NO_SUCH_COMMAND"}'])
async def test_one_frame_that_is_not_malformed_starts_the_count_anew(bench: Bench, sensible: str) -> None:
    ann = bench.connect()
    for _ in range(3):
        for _ in range(19):
            ann.connection.text(JUNK)
        ann.connection.text(sensible)
    assert ann.socket.closed is None


async def test_over_the_limit_commands_are_refused_with_when_to_come_back() -> None:
    bench = Bench(policy=policy(frames_per_second=10, frame_burst=3))
    ann = bench.connect()
    for number in range(4):
        ann.send("PING", id=str(number))
    error = ann.socket.take()[-1]
    assert (error["code"], error["id"], error["retryable"]) == ("rate_limited", "3", True)
    assert error["retry_after_ms"] == 101
    bench.clock.ms += error["retry_after_ms"]
    ann.send("PING")
    assert ann.socket.story() == ["REPLY"]


async def test_ten_times_the_limit_ends_the_connection() -> None:
    bench = Bench(policy=policy(frames_per_second=10, frame_burst=3))
    ann = bench.connect()
    for _ in range(30):
        ann.send("PING")
    assert ann.socket.closed is None
    ann.send("PING")
    assert ann.socket.closed == (4005, "rate_limited")
    last = ann.socket.take()[-1]
    assert (last["id"], last["code"], last["retryable"]) == (None, "rate_limited", True)


@pytest.mark.parametrize("empty", ["a ping or pong", "a bare ping"])
async def test_frames_that_are_no_commands_count_too(empty: str) -> None:
    bench = Bench(policy=policy(frames_per_second=10, frame_burst=3))
    ann = bench.connect()
    send = ann.connection.pong if empty == "a ping or pong" else lambda: ann.connection.text("ping")
    for _ in range(30):
        send()
    assert ann.socket.closed is None
    send()
    assert ann.socket.closed == (4005, "rate_limited")


async def test_an_oversized_frame_is_explained_before_the_close(bench: Bench) -> None:
    ann = bench.connect()
    ann.connection.oversized()
    (error,) = ann.socket.take()
    assert (error["id"], error["code"], error["params"]) == (None, "message_too_big", {"limit": 65_536})
    assert ann.socket.closed == (1009, "message_too_big")


# --- rooms ----------------------------------------------------------------------------------------------------


async def test_a_room_id_may_be_left_out_in_exactly_one_room(bench: Bench) -> None:
    ann = bench.connect()
    ann.send("SET_READY", ready=True)
    assert ann.socket.story() == ["ERROR validation_failed"]
    await ann.join(room_id="r1")
    ann.send("SET_READY", ready=True)
    assert (await bench.rooms.next()).request.room_id == "r1"
    await ann.join(room_id="r2")
    ann.send("SET_READY", ready=True)
    (error,) = ann.socket.take()
    assert error["errors"][0]["pointer"] == "#/room_id"


async def test_join_needs_to_be_told_the_room_even_on_a_room_bound_socket(bench: Bench) -> None:
    for client in (bench.connect(), bench.connect(room_id="r")):
        client.send("JOIN_GAME_ROOM_GROUP")
        assert client.socket.story() == ["ERROR validation_failed"]


async def test_a_room_bound_socket_is_for_its_room_only(bench: Bench) -> None:
    ann = bench.connect(room_id="r")
    ann.send("CREATE_GAME_ROOM_GROUP", game="relay")
    ann.send("JOIN_GAME_ROOM_GROUP", room_id="other")
    ann.send("GET_GAME_ROOM_GROUP", room_id="other")
    assert [frame["params"] for frame in ann.socket.take()] == [{"reason": "room_bound"}] * 3
    ann.send("SET_READY", ready=True)
    assert (await bench.rooms.next()).request.room_id == "r"


async def test_room_passwords_leave_the_gateway_sealed(bench: Bench) -> None:
    ann = bench.connect()
    ann.send("JOIN_GAME_ROOM_GROUP", room_id="r", password="sesame")
    join = (await bench.rooms.next()).request.command
    ann.send("CREATE_GAME_ROOM_GROUP", game="relay", password="sesame")
    create = (await bench.rooms.next()).request.command
    ann.send("UPDATE_GAME_ROOM_GROUP", room_id="s", password="sesame")
    update = (await bench.rooms.next()).request.command
    assert isinstance(join, JoinRoom) and isinstance(create, CreateRoom) and isinstance(update, UpdateRoom)
    assert join.password == create.password == update.password != "sesame"
    assert len(bytes.fromhex(str(join.password))) == 32
    other = RoomPasswords(b"another key").seal(JoinRoom(password="sesame"))
    assert other.password != join.password


def test_every_command_with_a_password_is_sealed() -> None:
    with_password = [kind for kind in COMMANDS.values() if "password" in kind.__struct_fields__]
    assert set(WITH_PASSWORD) == set(with_password)


async def test_no_password_is_not_sealed(bench: Bench) -> None:
    ann = bench.connect()
    ann.send("UPDATE_GAME_ROOM_GROUP", room_id="r", password=None)
    assert (await bench.rooms.next()).request.command == UpdateRoom(room_id="r", password=None)


async def test_a_room_is_found_by_its_invite_code(bench: Bench) -> None:
    bench.rooms.codes = {"ABCD0123": "r"}
    ann = bench.connect()
    ann.send("JOIN_GAME_ROOM_GROUP", invite_code="abcd-o123")
    ann.send("SEND_CHAT", text="hi")
    join = await bench.rooms.next()
    assert join.request.room_id == "r"
    assert join.request.command == JoinRoom(room_id="r", invite_code="ABCD0123")
    join.answer(1)
    assert (await bench.rooms.next()).request.room_id == "r"


async def test_an_unknown_invite_code_is_room_not_found(bench: Bench) -> None:
    ann = bench.connect()
    ann.send("JOIN_GAME_ROOM_GROUP", id="j1", invite_code="ZZZZZZZZ")
    ann.send("PING", id="p1")
    await _idle(bench)
    assert [(frame["id"], frame.get("code")) for frame in ann.socket.take()] == [
        ("j1", "room_not_found"),
        ("p1", None),
    ]


# --- the token ------------------------------------------------------------------------------------------------


async def test_a_renewal_is_answered_and_the_connection_belongs_to_that_sign_in(bench: Bench) -> None:
    ann = bench.connect()
    bench.access.tokens["new"] = principal(bench.clock, sign_in_id="s2", seconds=1800)
    ann.send("AUTHENTICATE", id="a1", access_token="new")
    await _idle(bench)
    (reply,) = ann.socket.take()
    assert (reply["id"], reply["data"]) == ("a1", {"token_expires_in": 1800})
    bench.connections.revoked(revocation("s1"))
    assert ann.socket.closed is None
    bench.connections.revoked(revocation("s2"))
    assert ann.socket.closed == (4501, "signed_out")


async def test_a_failed_renewal_changes_nothing(bench: Bench) -> None:
    bench.access.tokens = {
        "old": TokenExpired("The token has expired"),
        "bob's": principal(bench.clock, "bob", "s9"),
    }
    ann = bench.connect()
    for number, token in enumerate(("junk", "old", "bob's")):
        ann.send("AUTHENTICATE", id=str(number), access_token=token)
    await _idle(bench)
    assert ann.socket.story() == ["ERROR unauthenticated", "ERROR token_expired", "ERROR forbidden"]
    assert ann.socket.closed is None and ann.connection.principal.sign_in_id == "s1"


async def test_commands_behind_a_renewal_wait_for_it_in_order(bench: Bench) -> None:
    bench.access.tokens["new"] = principal(bench.clock)
    bench.access.gate.clear()
    ann = bench.connect()
    ann.send("AUTHENTICATE", id="1", access_token="new")
    ann.send("PING", id="2")
    ann.send("AUTHENTICATE", id="3", access_token="new")
    ann.send("PING", id="4")
    assert ann.socket.sent == []
    bench.access.gate.set()
    await _idle(bench)
    assert [frame["id"] for frame in ann.socket.take()] == ["1", "2", "3", "4"]


async def test_a_renewal_that_takes_too_long_is_unavailable() -> None:
    bench = Bench(policy=policy(step_timeout_s=0.01))
    bench.access.gate.clear()
    ann = bench.connect()
    ann.send("AUTHENTICATE", id="1", access_token="new")
    await _idle(bench)
    assert ann.socket.story() == ["ERROR unavailable"]


async def test_a_token_is_announced_to_end_and_then_ends(bench: Bench) -> None:
    connection = bench.admit(principal(bench.clock, seconds=0))
    client = Client(bench, connection, FakeSocket())
    bench.open(connection, client.socket)
    assert await client.closed() == (4001, "token_expired")
    expiring, error = client.socket.take()
    assert expiring == {"type": "TOKEN_EXPIRING", "expires_in": 0}
    assert (error["id"], error["code"], error["retryable"]) == (None, "token_expired", False)


async def test_a_renewed_token_ends_later(bench: Bench, timers: HandTimers) -> None:
    connection = bench.admit(principal(bench.clock, seconds=30))
    client = Client(bench, connection, FakeSocket(hears_pongs=False))
    bench.open(connection, client.socket)
    connection.renew(principal(bench.clock, seconds=900))
    timers.pass_s(839)
    assert client.socket.closed is None and client.socket.sent == []
    timers.pass_s(61)
    assert client.socket.closed == (4001, "token_expired")


# --- the heartbeat --------------------------------------------------------------------------------------------


async def test_two_missed_pings_end_the_connection() -> None:
    bench = Bench(policy=policy(ping_interval_ms=5))
    ann = bench.connect()
    assert await ann.closed() == (4003, "no_heartbeat")
    assert ann.socket.pings == 2 and ann.socket.story() == ["ERROR no_heartbeat"]


@pytest.mark.parametrize("sign_of_life", ["pong", "text", "binary"])
async def test_any_frame_answers_a_ping(sign_of_life: str) -> None:
    bench = Bench(policy=policy(ping_interval_ms=5))
    ann = bench.connect()
    pinged = ann.socket.ping
    answers = {
        "pong": lambda: ann.connection.pong(),
        "text": lambda: ann.connection.text('{"type": "PING"}'),
        "binary": lambda: ann.connection.binary(b""),
    }

    def answer() -> None:
        pinged()
        answers[sign_of_life]()
        if ann.socket.pings == 5:
            ann.connection.closed(1000)
            ann.socket.closing.set()

    ann.socket.ping = answer  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        await ann.socket.closing.wait()
    assert ann.socket.closed is None


async def test_a_socket_that_hears_no_pongs_is_not_pinged(bench: Bench, timers: HandTimers) -> None:
    connection = bench.admit(principal(bench.clock))
    socket = FakeSocket(hears_pongs=False)
    bench.open(connection, socket)
    timers.pass_s(300)
    assert socket.pings == 0 and socket.closed is None


async def test_nothing_is_sent_on_a_socket_that_is_gone(bench: Bench, timers: HandTimers) -> None:
    connection = bench.admit(principal(bench.clock))
    socket = FakeSocket()
    bench.open(connection, socket)
    connection.closed(1000)
    timers.pass_s(1000)
    assert socket.sent == [] and socket.pings == 0


# --- all connections ------------------------------------------------------------------------------------------


async def test_over_the_limit_of_connections_the_oldest_of_the_user_goes() -> None:
    bench = Bench(policy=policy(connections_per_user=2))
    bob = bench.connect("bob")
    first, second, third = bench.connect(), bench.connect(), bench.connect()
    assert first.socket.closed == (4507, "replaced") and first.socket.story() == ["ERROR replaced"]
    assert second.socket.closed is third.socket.closed is bob.socket.closed is None
    second.connection.closed(1000)
    bench.connect()
    assert third.socket.closed is None


async def test_a_handshake_under_way_counts_when_it_is_through() -> None:
    bench = Bench(policy=policy(connections_per_user=1))
    under_way = bench.admit(principal(bench.clock))
    ann = bench.connect()
    assert ann.socket.closed is None
    socket = FakeSocket()
    bench.open(under_way, socket)
    assert socket.closed is None and ann.socket.closed == (4507, "replaced")


async def test_a_revoked_sign_in_ends_its_connections_and_no_others(bench: Bench) -> None:
    ann, elsewhere = bench.connect(sign_in_id="s1"), bench.connect(sign_in_id="s2")
    bob = bench.connect("bob", sign_in_id="s1b")
    bench.connections.revoked(revocation("s1"))
    assert ann.socket.closed == (4501, "signed_out") and ann.socket.story() == ["ERROR signed_out"]
    assert elsewhere.socket.closed is bob.socket.closed is None
    bench.connections.revoked(revocation("s2", "suspended"))
    assert elsewhere.socket.closed == (4502, "account_suspended")


async def test_a_revocation_while_another_token_is_checked_is_not_missed(bench: Bench) -> None:
    bench.access.tokens["new"] = principal(bench.clock, sign_in_id="s2")
    bench.access.gate.clear()
    ann = bench.connect(sign_in_id="s1")
    ann.send("AUTHENTICATE", access_token="new")
    await bench.access.asked.wait()
    bench.connections.revoked(revocation("s2"))
    bench.access.gate.set()
    await _idle(bench)
    assert ann.socket.story() == ["ERROR unauthenticated"]
    assert ann.socket.closed is None and ann.connection.principal.sign_in_id == "s1"


# --- news of the user -----------------------------------------------------------------------------------------


async def test_a_changed_card_is_on_every_connection_of_the_user_at_once(bench: Bench) -> None:
    connections = [bench.connect(), bench.connect(), bench.connect("bob")]
    bench.connections.changed(renamed(bench))
    cards = [client.connection.sender.card.display_name for client in connections]
    assert cards == ["Ann B.", "Ann B.", "Bob"]
    assert connections[0].connection.principal.user.display_name == "Ann B."
    connections[1].send("JOIN_GAME_ROOM_GROUP", room_id="r")
    assert (await bench.rooms.next()).request.sender.card == Card("Ann B.", "https://example.org/a.png")


async def test_a_card_that_changes_while_a_token_is_checked_is_not_shown_stale(bench: Bench) -> None:
    bench.access.tokens["new"] = principal(bench.clock)
    bench.access.gate.clear()
    ann = bench.connect()
    ann.send("AUTHENTICATE", access_token="new")
    await bench.access.asked.wait()
    bench.connections.changed(renamed(bench))
    bench.access.gate.set()
    await _idle(bench)
    assert ann.socket.story() == ["REPLY"]
    assert ann.connection.sender.card.display_name == "Ann B."


async def test_news_from_before_a_token_was_checked_is_not_held_against_it(bench: Bench) -> None:
    bench.connections.changed(renamed(bench))
    bench.access.tokens["new"] = principal(bench.clock)
    ann = bench.connect()
    ann.send("AUTHENTICATE", access_token="new")
    await _idle(bench)
    assert ann.connection.sender.card.display_name == "Ann"


async def test_late_news_brings_no_role_back(bench: Bench) -> None:
    """An admin's renaming is stored, then the role is taken away, and only then the new name is told here."""
    was_admin = replace(renamed(bench), roles=["admin"])
    bench.access.tokens["new"] = principal(bench.clock)
    bench.access.gate.clear()
    ann = bench.connect()
    ann.send("AUTHENTICATE", access_token="new")
    await bench.access.asked.wait()
    bench.connections.changed(was_admin)
    assert (ann.connection.sender.card.display_name, ann.connection.sender.admin) == ("Ann B.", False)
    bench.access.gate.set()
    await _idle(bench)
    assert (ann.connection.sender.card.display_name, ann.connection.sender.admin) == ("Ann B.", False)


async def test_a_deleted_account_ends_its_connections_at_once(bench: Bench) -> None:
    ann, bob = bench.connect(), bench.connect("bob")
    bench.connections.deleted("ann")
    assert ann.socket.closed == (4501, "signed_out") and ann.socket.story() == ["ERROR signed_out"]
    assert bob.socket.closed is None


async def test_an_account_that_is_deleted_while_its_token_is_checked_gets_nowhere(bench: Bench) -> None:
    bench.access.tokens["new"] = principal(bench.clock)
    bench.access.gate.clear()
    checked = asyncio.ensure_future(bench.environment.identify(BearerCredential("new")))
    await bench.access.asked.wait()
    bench.connections.deleted("ann")
    bench.access.gate.set()
    with pytest.raises(Unauthenticated):
        await checked


async def test_old_news_is_forgotten(bench: Bench) -> None:
    for number in range(3):
        bench.connections.deleted(f"user-{number}")
        bench.clock.ms += 61_000
    bench.connections.changed(renamed(bench))
    assert list(bench.environment.news._last) == ["ann"]


def renamed(bench: Bench) -> User:
    return replace(principal(bench.clock).user, display_name="Ann B.", avatar_url="https://example.org/a.png")


@pytest.mark.parametrize(("until", "told"), [(None, None), (1_800_000_000_000, "2027-01-15T08:00:00.000Z")])
async def test_who_is_suspended_is_told_until_when(bench: Bench, until: int | None, told: str | None) -> None:
    ann = bench.connect()
    bench.connections.revoked(revocation("s1", "suspended", until))
    (error,) = ann.socket.take()
    assert (error["code"], error["params"], error["retryable"]) == (
        "account_suspended",
        {"until": told},
        False,
    )
    assert ann.socket.closed == (4502, "account_suspended")


async def test_a_revocation_also_meets_a_handshake_under_way(bench: Bench) -> None:
    connection = bench.admit(principal(bench.clock))
    bench.connections.revoked(revocation("s1"))
    socket = FakeSocket()
    bench.open(connection, socket)
    assert socket.closed == (4501, "signed_out")


async def test_a_drain_sends_everybody_away(bench: Bench) -> None:
    clients = [bench.connect("ann"), bench.connect("bob")]
    await bench.connections.drain(reconnect_after_ms=500)
    for client in clients:
        draining, error = client.socket.take()
        assert draining == {"type": "SERVER_DRAINING", "reconnect_after_ms": 500}
        assert error["code"] == "draining" and error["retryable"] is True
        assert client.socket.closed == (4004, "draining")
    assert bench.connections.draining


async def test_a_handshake_under_way_is_sent_away_when_it_is_through(bench: Bench) -> None:
    connection = bench.admit(principal(bench.clock))
    await bench.connections.drain(reconnect_after_ms=500)
    connection.welcome()
    socket = FakeSocket()
    bench.open(connection, socket)
    assert [frame["type"] for frame in socket.take()] == ["WELCOME", "SERVER_DRAINING", "ERROR"]
    assert socket.closed == (4004, "draining")


@pytest.mark.parametrize("moment", ["it is under way", "the room is not heard yet"])
async def test_a_connection_that_ends_before_its_automatic_join_is_decided_settles_it_once(
    moment: str,
) -> None:
    bus = SlowBus()
    bench = Bench(bus=bus)
    outcomes: list[object] = []
    connection = bench.admit(principal(bench.clock), JoinRoom(room_id="r"))
    connection.enter(JoinRoom(room_id="r"), outcomes.append)
    if moment == "it is under way":
        bus.confirm.set()
        pending = await bench.rooms.next()
    bench.connections.revoked(revocation("s1"))
    assert [type(outcome) for outcome in outcomes] == [Unauthenticated]
    if moment == "it is under way":
        pending.answer(1)
        assert set(bench.rooms.detached) == {("r", "ann", connection.connection_id)}
    bus.confirm.set()
    await bench.tasks.stop()
    assert len(outcomes) == 1 and bus.rooms == []


async def test_a_connection_that_is_over_enters_nothing(bench: Bench) -> None:
    outcomes: list[object] = []
    connection = bench.admit(principal(bench.clock), JoinRoom(room_id="r"))
    connection.closed(1006)
    connection.enter(JoinRoom(room_id="r"), outcomes.append)
    await bench.tasks.idle()
    assert [type(outcome) for outcome in outcomes] == [Undecided]
    assert bench.rooms.asked_nothing and bench.bus._subscriptions == {}


async def test_no_secret_shows_in_what_connections_send(bench: Bench) -> None:
    ann = bench.connect()
    ann.send("AUTHENTICATE", access_token="very-secret")
    ann.send("JOIN_GAME_ROOM_GROUP", room_id="r", password="very-secret", role="king")
    await _idle(bench)
    assert "very-secret" not in json.dumps(ann.socket.take())


async def _idle(bench: Bench) -> None:
    """Until nothing that connections wait for is under way."""
    async with asyncio.timeout(5):
        await bench.tasks.idle()
