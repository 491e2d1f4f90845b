"""The endpoint on bare ASGI: what it answers where a handshake goes wrong, and that nothing of it stays behind."""

import asyncio
import json
from typing import Any

import pytest

from gameroom.errors import RoomFull
from gameroom.gateway.endpoint import SocketEndpoint
from gameroom.gateway.policy import GatewayPolicy
from tests.unit.gateway.fakes import Bench, principal

Message = dict[str, Any]


class Handshake:
    """One handshake, and what the application has sent for it."""

    def __init__(self, bench: Bench, query: str = "", room_id: str | None = None) -> None:
        bench.access.tokens["ann's"] = principal(bench.clock)
        self.sent: list[Message] = []
        self.accept_fails = False
        self.extensions: dict[str, object] = {"websocket.http.response": {}}
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.incoming.put_nowait({"type": "websocket.connect"})
        self._endpoint = SocketEndpoint(bench.environment, bench.connections)
        self._query = query
        self._room_id = room_id

    async def run(self) -> None:
        scope = {
            "type": "websocket",
            "path": "/ws",
            "query_string": self._query.encode(),
            "headers": [(b"authorization", b"Bearer ann's")],
            "path_params": {"room_id": self._room_id} if self._room_id else {},
            "extensions": self.extensions,
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


async def _in_the_background(handshake: Handshake) -> "asyncio.Task[None]":
    return asyncio.create_task(handshake.run())


async def test_a_refused_join_leaves_nothing_behind(bench: Bench) -> None:
    handshake = Handshake(bench, room_id="r")
    running = await _in_the_background(handshake)
    (await bench.rooms.next()).refuse(RoomFull("full"))
    await running
    assert handshake.refusal == (409, "room_full")
    assert bench.connections._by_user == {} and bench.bus._receivers == {}


async def test_a_join_that_takes_too_long_is_unavailable_and_undone_when_it_comes() -> None:
    bench = Bench(policy=GatewayPolicy(server_version="test", join_timeout_s=0.01))
    handshake = Handshake(bench, room_id="r")
    running = await _in_the_background(handshake)
    pending = await bench.rooms.next()
    await running
    assert handshake.refusal == (503, "unavailable")
    assert bench.connections._by_user == {}
    pending.answer(1)
    assert [room_id for room_id, *_ in bench.rooms.detached] == ["r"]


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
