"""A socket before its first frame is answered."""

import asyncio
import json

import pytest

from gameroom.gateway.anonymous import MAX_EARLY_FRAMES, AnonymousConnection
from gameroom.gateway.policy import GatewayPolicy
from gameroom.gateway.wire import new_wire
from gameroom.protocol.commands import JoinRoom
from tests.unit.gateway.fakes import Bench, FakeSocket, Frame, principal

AUTHENTICATE = json.dumps({"type": "AUTHENTICATE", "id": "a", "access_token": "ann's"})
PING = json.dumps({"type": "PING"})


class Stranger:
    """An anonymous connection and its socket. `ann's` is a good token."""

    def __init__(self, bench: Bench, room_id: str | None = None) -> None:
        bench.access.tokens["ann's"] = principal(bench.clock)
        join = JoinRoom(room_id=room_id) if room_id else None
        wire = new_wire(None)
        self.receiver = AnonymousConnection(wire, bench.environment, bench.connections, join)
        self.socket = FakeSocket()
        wire.opened(self.socket)
        self.receiver.opened()


async def test_the_order_on_a_room_bound_socket(bench: Bench) -> None:
    ann = Stranger(bench, room_id="r")
    ann.receiver.text(AUTHENTICATE)
    ann.receiver.text(json.dumps({"type": "SEND_CHAT", "text": "hi"}))
    join = await bench.rooms.next()
    assert join.request.command == JoinRoom(room_id="r") and bench.rooms.asked_nothing
    join.answer(3)
    assert [_brief(frame) for frame in ann.socket.take()] == [
        ("WELCOME", None),
        ("REPLY", "AUTHENTICATE"),
        ("REPLY", "JOIN_GAME_ROOM_GROUP"),
    ]
    assert (await bench.rooms.next()).request.room_id == "r"


async def test_it_becomes_a_connection_in_all_that_it_hears(bench: Bench) -> None:
    ann = Stranger(bench)
    ann.receiver.text(AUTHENTICATE)
    ann.receiver.binary(b"{}")
    await bench.tasks.idle()
    assert [_brief(frame) for frame in ann.socket.take()] == [
        ("WELCOME", None),
        ("REPLY", "AUTHENTICATE"),
        ("ERROR", None),
    ]
    ann.receiver.pong()
    ann.receiver.oversized()
    assert ann.socket.closed == (1009, "message_too_big")
    ann.receiver.closed(1009)
    assert bench.connections._by_user == {}


async def test_ack_false_leaves_out_the_reply(bench: Bench) -> None:
    ann = Stranger(bench)
    ann.receiver.text(json.dumps({"type": "AUTHENTICATE", "access_token": "ann's", "ack": False}))
    await bench.tasks.idle()
    assert [frame["type"] for frame in ann.socket.take()] == ["WELCOME"]


async def test_too_many_frames_before_the_answer_end_the_socket(bench: Bench) -> None:
    bench.access.gate.clear()
    ann = Stranger(bench)
    ann.receiver.text(AUTHENTICATE)
    for _ in range(MAX_EARLY_FRAMES):
        ann.receiver.text(PING)
    assert ann.socket.closed is None
    ann.receiver.text(PING)
    assert ann.socket.closed == (4005, "rate_limited")
    bench.access.gate.set()
    await bench.tasks.idle()
    assert [frame["type"] for frame in ann.socket.take()] == ["ERROR"]
    assert bench.connections._by_user == {}


@pytest.mark.parametrize("empty", ["a ping or pong", "a bare ping"])
async def test_frames_that_need_no_user_are_limited_too(empty: str) -> None:
    bench = Bench(policy=GatewayPolicy(server_version="test", frames_per_second=10, frame_burst=3))
    stranger = Stranger(bench)
    send = stranger.receiver.pong if empty == "a ping or pong" else lambda: stranger.receiver.text("ping")
    for _ in range(30):
        send()
    assert stranger.socket.closed is None
    send()
    assert stranger.socket.closed == (4005, "rate_limited")
    stranger.receiver.closed(4005)


async def test_who_is_sent_away_with_its_first_frame_enters_no_room(bench: Bench) -> None:
    """The drain meets the new connection at once; nothing of a dead one may stay in the room."""
    bench.access.gate.clear()
    ann = Stranger(bench, room_id="r")
    ann.receiver.text(AUTHENTICATE)
    ann.receiver.text(PING)
    await bench.access.asked.wait()
    await bench.connections.drain(reconnect_after_ms=500)
    bench.access.gate.set()
    await bench.tasks.idle()
    assert [frame["type"] for frame in ann.socket.take()] == ["WELCOME", "REPLY", "SERVER_DRAINING", "ERROR"]
    assert ann.socket.closed == (4004, "draining")
    assert bench.rooms.asked_nothing and bench.bus._subscriptions == {} and bench.connections._by_user == {}


async def test_who_is_gone_before_the_answer_becomes_nobody(bench: Bench) -> None:
    bench.access.gate.clear()
    ann = Stranger(bench)
    ann.receiver.text(AUTHENTICATE)
    ann.receiver.closed(1006)
    bench.access.gate.set()
    await bench.tasks.idle()
    assert ann.socket.sent == [] and bench.connections._by_user == {}


async def test_an_oversized_first_frame_is_explained(bench: Bench) -> None:
    ann = Stranger(bench)
    ann.receiver.oversized()
    assert ann.socket.story() == ["ERROR message_too_big"]
    assert ann.socket.closed == (1009, "message_too_big")


async def test_time_runs_out_and_stops_running_with_the_first_frame() -> None:
    bench = Bench(policy=GatewayPolicy(server_version="test", first_frame_timeout_s=0.01))
    bench.access.gate.clear()
    silent, slow = Stranger(bench), Stranger(bench)
    slow.receiver.text(AUTHENTICATE)
    async with asyncio.timeout(5):
        await silent.socket.closing.wait()
    assert silent.socket.closed == (4500, "unauthenticated")
    assert slow.socket.closed is None
    await bench.tasks.stop()


async def test_a_bug_met_while_authenticating_closes_the_socket(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    ann = Stranger(bench)
    bench.access.tokens = None  # type: ignore[assignment]
    ann.receiver.text(AUTHENTICATE)
    await bench.tasks.idle()
    assert ann.socket.closed == (1011, "internal")
    assert "ann's" not in caplog.text


def _brief(frame: Frame) -> tuple[str, str | None]:
    return frame["type"], frame.get("command")
