"""The endpoint on bare ASGI: what it answers where a handshake goes wrong, and that nothing of it stays behind."""

import asyncio
import json
from typing import Any

import msgpack
import pytest
from starlette.types import ASGIApp

from gameroom.errors import RoomFull
from gameroom.gateway.endpoint import Nowhere, SocketEndpoint
from gameroom.gateway.policy import GatewayPolicy
from gameroom.identity.revocations import Why
from tests.unit.gateway.fakes import Bench, SlowBus, principal, revocation

Message = dict[str, Any]


class Handshake:
    """One handshake, and what the application has sent for it."""

    def __init__(
        self,
        bench: Bench,
        query: str = "",
        room_id: str | None = None,
        *,
        first_frame: bool = False,
        endpoint: ASGIApp | None = None,
    ) -> None:
        bench.access.tokens["ann's"] = principal(bench.clock)
        self.sent: list[Message] = []
        self.accept_fails = False
        self.subprotocols: list[str] = []
        self.headers = [] if first_frame else [(b"authorization", b"Bearer ann's")]
        self.extensions: dict[str, object] = {"websocket.http.response": {}}
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.incoming.put_nowait({"type": "websocket.connect"})
        if first_frame:
            frame = json.dumps({"type": "AUTHENTICATE", "access_token": "ann's"})
            self.incoming.put_nowait({"type": "websocket.receive", "text": frame})
        self._endpoint = endpoint or SocketEndpoint(bench.environment, bench.connections)
        self._query = query
        self._room_id = room_id

    async def run(self) -> None:
        scope = {
            "type": "websocket",
            "path": "/ws",
            "query_string": self._query.encode(),
            "headers": self.headers,
            "path_params": {"room_id": self._room_id} if self._room_id else {},
            "extensions": self.extensions,
            "subprotocols": self.subprotocols,
        }
        async with asyncio.timeout(5):
            await self._endpoint(scope, self.incoming.get, self._send)

    async def _send(self, message: Any) -> None:
        if self.accept_fails and message["type"] == "websocket.accept":
            raise OSError("the client is gone")
        self.sent.append(message)

    @property
    def refusal(self) -> tuple[int, str]:
        """The HTTP status and code of the problem that was answered."""
        start, body = self.sent
        return start["status"], json.loads(body["body"])["code"]

    @property
    def request_id(self) -> str:
        """In the headers of a refusal."""
        return dict(self.sent[0]["headers"])[b"x-request-id"].decode()

    @property
    def close(self) -> tuple[int, str]:
        """How an accepted socket was closed."""
        last = self.sent[-1]
        assert self.sent[0]["type"] == "websocket.accept" and last["type"] == "websocket.close"
        return last["code"], last["reason"]


async def _in_the_background(handshake: Handshake) -> "asyncio.Task[None]":
    return asyncio.create_task(handshake.run())


async def test_a_refused_join_leaves_nothing_behind(bench: Bench) -> None:
    handshake = Handshake(bench, room_id="r")
    running = await _in_the_background(handshake)
    (await bench.rooms.next()).refuse(RoomFull("full"))
    await running
    assert handshake.refusal == (409, "room_full")
    assert bench.connections._by_user == {} and bench.bus._subscriptions == {}


@pytest.mark.parametrize("query", ["", "errors=frame"])
async def test_nothing_is_said_of_a_join_that_is_in_doubt_and_it_is_undone_when_it_comes(query: str) -> None:
    """`unavailable` would mean that it is certainly not done. As HTTP has it: no answer came in time."""
    policy = GatewayPolicy(server_version="test", step_timeout_s=0.01, command_deadline_s=0.01)
    bench = Bench(policy=policy)
    handshake = Handshake(bench, query, room_id="r")
    running = await _in_the_background(handshake)
    pending = await bench.rooms.next()
    await running
    if query:
        assert len(handshake.sent) == 2 and handshake.close == (1011, "internal")
    else:
        start, body = handshake.sent
        assert (start["status"], body["body"]) == (504, b"") and handshake.request_id
    assert bench.connections._by_user == {} and bench.bus._subscriptions == {}
    bench.rooms.detached.clear()
    pending.answer(1)
    assert [room_id for room_id, *_ in bench.rooms.detached] == ["r"]


def test_a_handshake_waits_as_long_as_a_join_may_take_that_is_not_in_doubt() -> None:
    """To subscribe, to be decided, to be stored."""
    policy = GatewayPolicy(server_version="test", step_timeout_s=3, command_deadline_s=20)
    assert policy.join_timeout_s > 3 + 20


# --- a sign-in that ends meanwhile ----------------------------------------------------------------------------


@pytest.mark.parametrize("room_id", [None, "r"])
@pytest.mark.parametrize("first_frame", [False, True])
async def test_a_sign_in_that_ends_while_it_is_checked_gets_nowhere(
    bench: Bench, first_frame: bool, room_id: str | None
) -> None:
    """It was read before it ended, and would be used after: it would stay a member, `connected` for good."""
    bench.access.gate.clear()
    handshake = Handshake(bench, room_id=room_id, first_frame=first_frame)
    running = await _in_the_background(handshake)
    await bench.access.asked.wait()
    bench.connections.revoked(revocation("s1"))
    bench.access.gate.set()
    await bench.tasks.idle()
    if first_frame:
        handshake.incoming.put_nowait({"type": "websocket.disconnect", "code": 4500})
    await running
    if first_frame:
        assert handshake.close == (4500, "unauthenticated")
        assert [message["type"] for message in handshake.sent[1:-1]] == ["websocket.send"]
    else:
        assert handshake.refusal == (401, "unauthenticated")
    assert bench.connections._by_user == {}
    assert bench.rooms.asked_nothing and bench.bus._subscriptions == {}


async def test_another_sign_in_of_the_user_may_end_meanwhile(bench: Bench) -> None:
    bench.access.gate.clear()
    handshake = Handshake(bench)
    running = await _in_the_background(handshake)
    await bench.access.asked.wait()
    bench.connections.revoked(revocation("s2"))
    bench.access.gate.set()
    handshake.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await running
    assert json.loads(handshake.sent[1]["text"])["type"] == "WELCOME"


@pytest.mark.parametrize("moment", ["the join is under way", "the room is not heard yet"])
@pytest.mark.parametrize("why", ["signed_out", "suspended"])
async def test_a_sign_in_that_ends_during_the_join_is_refused_as_it_will_be_from_now_on(
    why: Why, moment: str
) -> None:
    bus = SlowBus()
    bench = Bench(bus=bus)
    handshake = Handshake(bench, room_id="r")
    running = await _in_the_background(handshake)
    await bus.asked.wait()
    if moment == "the join is under way":
        bus.confirm.set()
        await bench.rooms.next()
    bench.connections.revoked(revocation("s1", why))
    await running
    expected = {"signed_out": (401, "unauthenticated"), "suspended": (403, "account_suspended")}
    assert handshake.refusal == expected[why]
    await bench.tasks.stop()


# --- errors as frames ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subprotocol", ["gameroom.v1.json", "gameroom.v1.msgpack"])
async def test_errors_as_frames_are_written_as_agreed(bench: Bench, subprotocol: str) -> None:
    handshake = Handshake(bench, "errors=frame&role=king", room_id="r")
    handshake.subprotocols = ["gameroom.v9.json", subprotocol]
    await handshake.run()
    accept, error, _ = handshake.sent
    assert accept["subprotocol"] == subprotocol
    told = msgpack.unpackb(error["bytes"]) if "msgpack" in subprotocol else json.loads(error["text"])
    assert (told["type"], told["code"]) == ("ERROR", "validation_failed")
    assert handshake.close == (4509, "validation_failed")


async def test_without_a_protocol_in_common_the_error_is_json(bench: Bench) -> None:
    handshake = Handshake(bench, "errors=frame")
    handshake.subprotocols = ["gameroom.v9.json"]
    await handshake.run()
    accept, error, _ = handshake.sent
    assert accept["subprotocol"] is None
    assert json.loads(error["text"])["code"] == "unsupported_protocol"


@pytest.mark.parametrize("met", ["origin", "draining", "no path"])
async def test_what_is_refused_before_the_protocol_is_told_without_one_in_common(
    bench: Bench, met: str
) -> None:
    """The protocol was looked at once more on the way out, and failed there: no ERROR, no close, no line in the log."""
    handshake = Handshake(bench, "errors=frame", endpoint=Nowhere() if met == "no path" else None)
    handshake.subprotocols = ["gameroom.v9.json"]
    if met == "origin":
        handshake.headers.append((b"origin", b"https://elsewhere.example"))
    elif met == "draining":
        await bench.connections.drain(100)
    await handshake.run()
    accept, error, _ = handshake.sent
    assert accept["subprotocol"] is None
    expected = {"origin": "forbidden", "draining": "unavailable", "no path": "not_found"}[met]
    assert json.loads(error["text"])["code"] == expected
    assert handshake.close[1] == expected


# --- what goes wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "is_kept"), [(b"req-1.a_B", True), (b"x" * 65, False), (b"a b\nc", False), (b"", False)]
)
async def test_a_plausible_request_id_of_the_caller_is_kept(bench: Bench, sent: bytes, is_kept: bool) -> None:
    handshake = Handshake(bench, "role=king", room_id="r")
    handshake.headers.append((b"x-request-id", sent))
    await handshake.run()
    assert (handshake.request_id == sent.decode()) is is_kept and handshake.request_id


async def test_a_cancelled_handshake_leaves_nothing_behind(bench: Bench) -> None:
    running = await _in_the_background(Handshake(bench, room_id="r"))
    await bench.rooms.next()
    running.cancel()
    await asyncio.wait([running])
    assert bench.connections._by_user == {}


async def test_a_client_that_is_gone_before_the_accept_is_disconnected_from_its_room(bench: Bench) -> None:
    handshake = Handshake(bench, room_id="r")
    handshake.accept_fails = True
    running = await _in_the_background(handshake)
    (await bench.rooms.next()).answer(1)
    await running
    assert [room_id for room_id, *_ in bench.rooms.detached] == ["r"]
    assert bench.connections._by_user == {}


async def test_a_server_that_cannot_deny_with_a_body_closes(bench: Bench) -> None:
    handshake = Handshake(bench, query="role=king", room_id="r")
    handshake.extensions = {}
    await handshake.run()
    assert [message["type"] for message in handshake.sent] == ["websocket.close"]


async def test_a_bug_is_answered_as_internal_and_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    handshake = Handshake(bench)
    bench.access.tokens = None  # type: ignore[assignment]
    await handshake.run()
    assert handshake.refusal == (500, "internal")
    assert "a handshake failed" in caplog.text and "ann's" not in caplog.text


async def test_over_plain_asgi_the_socket_lives_until_the_client_goes(bench: Bench) -> None:
    handshake = Handshake(bench)
    handshake.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps({"type": "PING"})})
    handshake.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await handshake.run()
    accept, welcome, *_ = handshake.sent
    assert accept["type"] == "websocket.accept" and accept["subprotocol"] is None
    assert json.loads(welcome["text"])["type"] == "WELCOME"
    assert bench.connections._by_user == {}
