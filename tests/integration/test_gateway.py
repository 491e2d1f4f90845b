"""The gateway as clients meet it: a real uvicorn, the real `websockets` client, real tokens and rooms.

Every test runs over the fast path and over uvicorn's own class, which offers plain ASGI only.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import pytest
import uvicorn
from msgpack import packb, unpackb
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode
from websockets.typing import Subprotocol

from gameroom.bus.local import LocalBus
from gameroom.clock import SystemClock
from gameroom.games.registry import Games, load_game
from gameroom.games.relay import Relay
from gameroom.gateway.fast_path import FastPathProtocol
from gameroom.gateway.gateway import Gateway
from gameroom.gateway.policy import GatewayPolicy
from gameroom.identity.identity import IdentityPolicy, IdentityStores, build_identity
from gameroom.identity.keys import KeyRing, generate_key
from gameroom.identity.memory import MemoryStores
from gameroom.identity.tokens import TokenPolicy
from gameroom.rooms.directory import MemoryDirectory
from gameroom.rooms.journal import MemoryJournal
from gameroom.rooms.local import LocalRooms
from gameroom.rooms.placement import MemoryPlacement
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.reception import Reception
from gameroom.rooms.room_passwords import RoomPasswords
from gameroom.rooms.rooms import Card
from tests.kit.compiled import interpreted
from tests.kit.raw_socket import raw_socket

Frame = dict[str, Any]
JSON_V1, MSGPACK_V1 = "gameroom.v1.json", "gameroom.v1.msgpack"
PATIENCE_S = 5.0
POLICY = GatewayPolicy(server_version="test", first_frame_timeout_s=0.3, ping_interval_ms=200)


class NoCards:
    """Implements `Cards`: nobody has one."""

    async def cards(self, user_ids: list[str]) -> dict[str, Card]:
        return {}


@dataclass(frozen=True)
class Person:
    user_id: str
    token: str
    refresh_token: str
    sign_in_id: str

    @property
    def header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Node:
    """One server process's worth of parts, in this process."""

    def __init__(self, protocol: type[asyncio.Protocol] | str, policy: GatewayPolicy = POLICY) -> None:
        stores, clock, bus, journal = MemoryStores(), SystemClock(), LocalBus(), MemoryJournal()
        self.identity = build_identity(
            IdentityStores(accounts=stores, sign_ins=stores, revocations=stores, tickets=stores),
            IdentityPolicy(tokens=TokenPolicy(issuer="test", audience="test")),
            KeyRing([generate_key()]),
            clock,
        )
        games = Games([load_game(Relay)])
        self.rooms = LocalRooms(
            home="node",
            games=games,
            journal=journal,
            placement=MemoryPlacement(journal),
            bus=bus,
            cards=NoCards(),
            clock=clock,
            policy=RoomPolicy(),
        )
        self.gateway = Gateway(
            policy=policy,
            clock=clock,
            access=self.identity.access,
            reception=Reception(
                self.rooms, MemoryDirectory(journal), games, RoomPasswords(b"key of the tests")
            ),
            bus=bus,
        )
        self.identity.revocations.watch(self.gateway.connections.revoked)
        app = Starlette(routes=self.gateway.routes())
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                port=0,
                ws=protocol,
                ws_max_size=policy.max_message_bytes,
                ws_per_message_deflate=False,
                ws_ping_interval=None,
                lifespan="off",
                log_config=None,
            )
        )

    async def __aenter__(self) -> "Node":
        await self.rooms.start()
        await self.identity.revocations.start()
        self._server.config.load()
        self._server.lifespan = self._server.config.lifespan_class(self._server.config)
        await self._server.startup()
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.should_exit = True
        await self._server.shutdown()
        await self.identity.revocations.stop()
        await self.gateway.stop()
        await self.rooms.stop()

    async def guest(self) -> Person:
        user = (await self.identity.accounts.guest(None, "Guest", None)).account
        refresh = await self.identity.sign_ins.open(user.user_id)
        access = self.identity.tokens.issue(user.user_id, refresh.sign_in_id, ())
        return Person(user.user_id, access.token, refresh.token, refresh.sign_in_id)

    async def ticket(self, person: Person) -> str:
        claims = self.identity.tokens.verify(person.token)
        return (await self.identity.tickets.issue(claims.sid, claims.expires_at)).ticket

    def url(self, path: str) -> str:
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"ws://127.0.0.1:{port}{path}"

    @asynccontextmanager
    async def knock(self, path: str, **options: Any) -> AsyncIterator["Talk"]:
        """An accepted socket. Raises `InvalidStatus` where it is refused."""
        options.setdefault("ping_interval", None)
        async with connect(self.url(path), **options) as socket:
            yield Talk(socket)

    @asynccontextmanager
    async def visit(self, person: Person, path: str = "/ws") -> AsyncIterator["Talk"]:
        """A socket that the person has opened by the header, its WELCOME read."""
        async with self.knock(path, additional_headers=person.header) as talk:
            assert (await talk.next())["type"] == "WELCOME"
            yield talk

    async def refusal(self, path: str, **options: Any) -> tuple[int, Frame, dict[str, str]]:
        """Status, problem and headers of a refused handshake."""
        with pytest.raises(InvalidStatus) as refused:
            async with self.knock(path, **options):
                raise AssertionError("the handshake was accepted")
        response = refused.value.response
        headers = {name.lower(): value for name, value in response.headers.raw_items()}
        return response.status_code, json.loads(response.body or b"null"), headers


@dataclass(frozen=True)
class Talk:
    """One open socket, in JSON."""

    socket: ClientConnection

    async def say(self, type_: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": type_, **fields}))

    async def next(self) -> Frame:
        async with asyncio.timeout(PATIENCE_S):
            frame: Frame = json.loads(await self.socket.recv())
            return frame

    async def ask(self, type_: str, **fields: Any) -> Frame:
        """Say it, and skip to the answer."""
        await self.say(type_, **fields)
        while (frame := await self.next())["type"] not in ("REPLY", "ERROR"):
            pass
        return frame

    async def end(self) -> tuple[list[Frame], int, str]:
        """All frames until the close, its code and its reason."""
        frames: list[Frame] = []
        try:
            while True:
                frames.append(await self.next())
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return frames, closed.rcvd.code, closed.rcvd.reason


@pytest.fixture(params=[FastPathProtocol, "websockets-sansio"], ids=["fast-path", "plain-asgi"])
def protocol(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
async def node(protocol: Any) -> AsyncIterator[Node]:
    async with Node(protocol) as node:
        yield node


# --- who you are ----------------------------------------------------------------------------------------------


async def test_the_four_ways_to_say_who_you_are(node: Node) -> None:
    ann = await node.guest()
    ways: list[tuple[str, dict[str, Any]]] = [
        ("/ws", {"additional_headers": ann.header}),
        ("/ws", {"subprotocols": [JSON_V1, f"bearer.{ann.token}"]}),
        (f"/ws?ticket={await node.ticket(ann)}", {}),
    ]
    for path, options in ways:
        async with node.knock(path, **options) as talk:
            welcome = await talk.next()
            assert (welcome["type"], welcome["user"]["user_id"]) == ("WELCOME", ann.user_id)
    async with node.knock("/ws") as talk:
        await talk.say("AUTHENTICATE", id="a", access_token=ann.token)
        await talk.say("PING", id="p")
        frames = [await talk.next() for _ in range(3)]
    assert [(frame["type"], frame.get("id")) for frame in frames] == [
        ("WELCOME", None),
        ("REPLY", "a"),
        ("REPLY", "p"),
    ]


async def test_the_first_credential_found_decides(node: Node) -> None:
    ann = await node.guest()
    ticket = await node.ticket(ann)
    bad = {"Authorization": "Bearer not.a.token"}
    status, problem, headers = await node.refusal(f"/ws?ticket={ticket}", additional_headers=bad)
    assert (status, problem["code"]) == (401, "unauthenticated")
    assert headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-request-id"]
    bad["X-Request-Id"] = "chosen-by-the-client"
    _, _, headers = await node.refusal("/ws", additional_headers=bad)
    assert headers["x-request-id"] == "chosen-by-the-client"
    bearer = Subprotocol("bearer.not.a.token")
    status, *_ = await node.refusal(f"/ws?ticket={ticket}", subprotocols=[JSON_V1, bearer])
    assert status == 401
    async with node.knock(f"/ws?ticket={ticket}") as talk:
        assert (await talk.next())["type"] == "WELCOME"
    status, *_ = await node.refusal(f"/ws?ticket={ticket}")
    assert status == 401


async def test_the_subprotocol_is_echoed_and_the_token_is_not(node: Node) -> None:
    ann = await node.guest()
    bearer = f"bearer.{ann.token}"
    for offered, echoed in (
        ([bearer, JSON_V1], JSON_V1),
        (["gameroom.v9.cbor", JSON_V1, bearer], JSON_V1),
        ([bearer], None),
    ):
        async with node.knock("/ws", subprotocols=offered) as talk:
            assert talk.socket.subprotocol == echoed


async def test_unknown_subprotocols_alone_are_refused_before_a_ticket_is_spent(node: Node) -> None:
    ticket = await node.ticket(await node.guest())
    status, problem, _ = await node.refusal(f"/ws?ticket={ticket}", subprotocols=["gameroom.v9.cbor"])
    assert (status, problem["code"]) == (400, "unsupported_protocol")
    async with node.knock(f"/ws?ticket={ticket}") as talk:
        assert (await talk.next())["type"] == "WELCOME"


async def test_pages_of_other_origins_are_refused(node: Node) -> None:
    ann = await node.guest()
    headers = {**ann.header, "Origin": "https://evil.example"}
    status, problem, _ = await node.refusal("/ws", additional_headers=headers)
    assert (status, problem["code"], problem["params"]) == (403, "forbidden", {"reason": "origin"})
    own = {**ann.header, "Origin": node.url("").replace("ws:", "http:")}
    async with node.knock("/ws", additional_headers=own) as talk:
        assert (await talk.next())["type"] == "WELCOME"


async def test_errors_as_frames(node: Node) -> None:
    async with node.knock("/ws?errors=frame&ticket=junk", subprotocols=[JSON_V1]) as talk:
        frames, code, reason = await talk.end()
        assert talk.socket.subprotocol == JSON_V1
    assert [(frame["type"], frame["id"], frame["code"]) for frame in frames] == [
        ("ERROR", None, "unauthenticated")
    ]
    assert (code, reason) == (4500, "unauthenticated")


# --- the first frame ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [
        '{"type": "PING"}',
        "{",
        '{"type": "AUTHENTICATE"}',
        '{"type": "AUTHENTICATE", "access_token": "x"}',
        b"binary",
    ],
)
async def test_any_other_first_frame_or_a_bad_token_ends_the_socket(node: Node, first: str | bytes) -> None:
    async with node.knock("/ws") as talk:
        await talk.socket.send("ping")
        assert await talk.socket.recv() == "pong"
        await talk.socket.send(first)
        frames, code, reason = await talk.end()
    assert [(frame["type"], frame["id"], frame["code"]) for frame in frames] == [
        ("ERROR", None, "unauthenticated")
    ]
    assert (code, reason) == (4500, "unauthenticated")


async def test_who_says_nothing_is_sent_away(node: Node) -> None:
    async with node.knock("/ws") as talk:
        _, code, reason = await talk.end()
    assert (code, reason) == (4500, "unauthenticated")


async def test_frames_behind_the_first_are_answered_after_it_in_order(node: Node) -> None:
    ann = await node.guest()
    async with node.knock("/ws") as talk:
        frames = [json.dumps({"type": "AUTHENTICATE", "access_token": ann.token})]
        frames += [json.dumps({"type": "PING", "id": str(number)}) for number in range(5)]
        for frame in frames:
            await talk.socket.send(frame)
        answers = [await talk.next() for _ in range(7)]
    assert [frame["type"] for frame in answers] == ["WELCOME"] + ["REPLY"] * 6
    assert [frame["id"] for frame in answers[2:]] == ["0", "1", "2", "3", "4"]


# --- one room -------------------------------------------------------------------------------------------------


async def test_a_room_bound_socket_joins_by_itself(node: Node) -> None:
    ann, bob = await node.guest(), await node.guest()
    async with node.visit(ann) as host:
        room_id = (await host.ask("CREATE_GAME_ROOM_GROUP", game="relay"))["room_id"]
        async with node.visit(bob, f"/ws/game-room-groups/{room_id}?role=spectator") as guest:
            reply = await guest.next()
            assert (reply["type"], reply["id"], reply["command"]) == ("REPLY", None, "JOIN_GAME_ROOM_GROUP")
            assert reply["data"]["room"]["members"][bob.user_id]["role"] == "spectator"
            joined = await host.next()
            assert (joined["type"], joined["seq"]) == ("MEMBER_JOINED", reply["seq"])
            await host.say("SEND_CHAT", text="welcome")
            chat = await guest.next()
            assert (chat["type"], chat["seq"]) == ("CHAT_MESSAGE", reply["seq"] + 1)


async def test_a_room_that_cannot_be_joined_refuses_the_handshake(node: Node) -> None:
    ann, bob = await node.guest(), await node.guest()
    status, problem, _ = await node.refusal("/ws/game-room-groups/none", additional_headers=ann.header)
    assert (status, problem["code"]) == (404, "room_not_found")
    status, problem, _ = await node.refusal("/ws/game-room-groups/%00", additional_headers=ann.header)
    assert (status, problem["code"]) == (404, "room_not_found")
    async with node.visit(ann) as host:
        reply = await host.ask("CREATE_GAME_ROOM_GROUP", game="relay", password="sesame")
        path = f"/ws/game-room-groups/{reply['room_id']}"
        status, problem, _ = await node.refusal(path, additional_headers=bob.header)
        assert (status, problem["code"]) == (403, "wrong_room_password")
        for query in ("?role=king", "?epoch=0", "?epoch=0&seq=x", "?epoch=0&seq=-1"):
            status, problem, _ = await node.refusal(path + query, additional_headers=ann.header)
            assert (status, problem["code"]) == (422, "validation_failed")
            assert problem["errors"][0]["pointer"] in ("#/role", "#/seq")
        async with node.knock(f"{path}?errors=frame", additional_headers=bob.header) as talk:
            assert (await talk.end())[1:] == (4509, "wrong_room_password")


@interpreted
async def test_nothing_is_said_of_a_join_that_is_in_doubt(protocol: Any) -> None:
    policy = GatewayPolicy(server_version="test", step_timeout_s=0.2, command_deadline_s=0.05)
    async with Node(protocol, policy) as node:
        ann = await node.guest()
        node.rooms.submit = lambda *_: None  # type: ignore[method-assign]
        status, body, headers = await node.refusal("/ws/game-room-groups/r", additional_headers=ann.header)
        assert (status, body) == (504, None) and headers["x-request-id"]
        async with node.knock("/ws/game-room-groups/r?errors=frame", additional_headers=ann.header) as talk:
            assert await talk.end() == ([], 1011, "internal")


async def test_the_first_frame_on_a_room_bound_socket_joins_or_ends_it(node: Node) -> None:
    ann = await node.guest()
    async with node.visit(ann) as host:
        room_id = (await host.ask("CREATE_GAME_ROOM_GROUP", game="relay"))["room_id"]
        bob = await node.guest()
        async with node.knock(f"/ws/game-room-groups/{room_id}") as talk:
            await talk.say("AUTHENTICATE", access_token=bob.token)
            await talk.say("SEND_CHAT", text="hi")
            frames = [await talk.next() for _ in range(5)]
        assert [(frame["type"], frame.get("command")) for frame in frames] == [
            ("WELCOME", None),
            ("REPLY", "AUTHENTICATE"),
            ("REPLY", "JOIN_GAME_ROOM_GROUP"),
            ("CHAT_MESSAGE", None),
            ("REPLY", "SEND_CHAT"),
        ]
    async with node.knock("/ws/game-room-groups/none") as talk:
        await talk.say("AUTHENTICATE", access_token=bob.token)
        frames, code, reason = await talk.end()
    assert [frame["type"] for frame in frames] == ["WELCOME", "REPLY", "ERROR"]
    assert (code, reason) == (4504, "room_not_found")


async def test_a_socket_that_closes_disconnects_its_member(node: Node) -> None:
    ann, bob = await node.guest(), await node.guest()
    async with node.visit(ann) as host:
        room_id = (await host.ask("CREATE_GAME_ROOM_GROUP", game="relay"))["room_id"]
        async with node.visit(bob, f"/ws/game-room-groups/{room_id}") as guest:
            assert (await host.next())["type"] == "MEMBER_JOINED"
            await guest.next()
        gone = await host.next()
        assert (gone["type"], gone["data"]["user_id"]) == ("MEMBER_DISCONNECTED", bob.user_id)


async def test_closing_a_room_ends_its_room_bound_sockets(node: Node) -> None:
    ann, bob = await node.guest(), await node.guest()
    async with node.visit(ann) as host:
        room_id = (await host.ask("CREATE_GAME_ROOM_GROUP", game="relay"))["room_id"]
        async with node.visit(bob, f"/ws/game-room-groups/{room_id}") as guest:
            await host.say("CLOSE_GAME_ROOM_GROUP")
            frames, code, reason = await guest.end()
            assert [frame["type"] for frame in frames[1:]] == [
                "GAME_ROOM_GROUP_CLOSED",
                "DETACHED",
                "ERROR",
            ]
            assert (code, reason) == (4505, "room_closed")
        frames = [await host.next() for _ in range(4)]
        assert [frame["type"] for frame in frames] == [
            "MEMBER_JOINED",
            "GAME_ROOM_GROUP_CLOSED",
            "REPLY",
            "DETACHED",
        ]


async def test_a_repeated_create_answers_with_the_room_it_made(node: Node) -> None:
    ann = await node.guest()
    async with node.visit(ann) as talk:
        first = await talk.ask("CREATE_GAME_ROOM_GROUP", id="c1", game="relay")
    async with node.visit(ann) as talk:
        again = await talk.ask("CREATE_GAME_ROOM_GROUP", id="c1", game="relay")
        assert again["repeated"] is True and again["room_id"] == first["room_id"]
        assert again["data"]["room"]["room_id"] == first["room_id"]
        chat = await talk.ask("SEND_CHAT", text="implied")
        assert chat["room_id"] == first["room_id"]


# --- the end --------------------------------------------------------------------------------------------------


async def test_the_end_of_a_sign_in_ends_its_sockets(node: Node) -> None:
    ann = await node.guest()
    async with node.visit(ann) as talk:
        await node.identity.sign_ins.end(ann.refresh_token)
        frames, code, reason = await talk.end()
    assert [(frame["type"], frame["code"]) for frame in frames] == [("ERROR", "signed_out")]
    assert (code, reason) == (4501, "signed_out")
    status, *_ = await node.refusal("/ws", additional_headers=ann.header)
    assert status == 401


async def test_a_suspended_user_is_sent_away_and_kept_out(node: Node) -> None:
    ann = await node.guest()
    async with node.visit(ann) as talk:
        await node.identity.accounts.suspend(ann.user_id, 4_000_000_000_000)
        frames, code, reason = await talk.end()
    assert (code, reason) == (4502, "account_suspended")
    assert [frame["params"] for frame in frames] == [{"until": "2096-10-02T07:06:40.000Z"}]
    status, problem, _ = await node.refusal("/ws", additional_headers=ann.header)
    assert (status, problem["code"], problem["params"]) == (403, "account_suspended", frames[0]["params"])
    async with node.knock("/ws?errors=frame", additional_headers=ann.header) as talk:
        assert (await talk.end())[1:] == (4502, "account_suspended")


async def test_a_drain_refuses_newcomers(node: Node) -> None:
    ann = await node.guest()
    async with node.visit(ann) as talk:
        await node.gateway.connections.drain(reconnect_after_ms=100)
        frames, code, reason = await talk.end()
    assert [frame["type"] for frame in frames] == ["SERVER_DRAINING", "ERROR"]
    assert (code, reason) == (4004, "draining")
    status, problem, _ = await node.refusal("/ws", additional_headers=ann.header)
    assert (status, problem["code"]) == (503, "unavailable")


async def test_ten_thousand_junk_frames_are_cut_short_and_harm_nobody(node: Node) -> None:
    ann, bob = await node.guest(), await node.guest()
    async with node.visit(bob) as neighbour, node.visit(ann) as talk:
        try:
            for _ in range(10_000):
                await talk.socket.send("{")
        except ConnectionClosed:
            pass
        frames, code, reason = await talk.end()
        assert len(frames) == 21 and (code, reason) == (4503, "protocol_abuse")
        assert (await neighbour.ask("PING"))["type"] == "REPLY"


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_flood_of_pings_is_cut_short(is_known: bool) -> None:
    """Each is answered, and costs the server what a small command costs."""
    policy = GatewayPolicy(server_version="test", frames_per_second=10, frame_burst=20)
    async with Node(FastPathProtocol, policy) as node:
        headers = (await node.guest()).header if is_known else {}
        async with raw_socket(node.url("/ws"), headers) as peer:
            for _ in range(20):
                await peer.send_bytes(b"\x89\x80\0\0\0\0" * 50)
            close, frames = await peer.until_close()
    assert close is not None and (close.code, close.reason) == (4005, "rate_limited")
    assert 200 <= sum(frame.opcode is Opcode.PONG for frame in frames) < 300


async def test_an_oversized_frame_is_explained() -> None:
    async with Node(FastPathProtocol) as node, node.visit(await node.guest()) as talk:
        await talk.socket.send("x" * 70_000)
        frames, code, reason = await talk.end()
    assert [(frame["code"], frame["params"]) for frame in frames] == [("message_too_big", {"limit": 65_536})]
    assert (code, reason) == (1009, "message_too_big")


# --- MessagePack ----------------------------------------------------------------------------------------------


async def test_messagepack_in_fragments_with_a_ping_between(node: Node) -> None:
    ann = await node.guest()
    async with node.knock("/ws", additional_headers=ann.header, subprotocols=[MSGPACK_V1]) as talk:
        command = packb({"type": "PING", "id": "p"})

        async def fragments() -> AsyncIterator[bytes]:
            yield command[:5]
            await talk.socket.ping()
            yield b""
            yield command[5:]

        async with asyncio.timeout(PATIENCE_S):
            assert unpackb(await talk.socket.recv(decode=False))["type"] == "WELCOME"
            await talk.socket.send(fragments())
            reply = await talk.socket.recv()
    assert isinstance(reply, bytes) and unpackb(reply)["id"] == "p"


async def test_errors_as_frames_in_messagepack(node: Node) -> None:
    async with node.knock("/ws?errors=frame&ticket=junk", subprotocols=[MSGPACK_V1]) as talk:
        async with asyncio.timeout(PATIENCE_S):
            error = await talk.socket.recv()
            await talk.socket.wait_closed()
        assert talk.socket.subprotocol == MSGPACK_V1
    assert isinstance(error, bytes) and unpackb(error)["code"] == "unauthenticated"
    assert (talk.socket.close_code, talk.socket.close_reason) == (4500, "unauthenticated")


async def test_an_oversized_frame_is_explained_in_messagepack() -> None:
    async with Node(FastPathProtocol) as node:
        ann = await node.guest()
        async with node.knock("/ws", additional_headers=ann.header, subprotocols=[MSGPACK_V1]) as talk:
            async with asyncio.timeout(PATIENCE_S):
                await talk.socket.recv()
                await talk.socket.send(packb({"type": "SEND_CHAT", "text": "x" * 70_000}))
                error = await talk.socket.recv()
                await talk.socket.wait_closed()
    assert isinstance(error, bytes) and unpackb(error)["code"] == "message_too_big"
    assert talk.socket.close_code == 1009
