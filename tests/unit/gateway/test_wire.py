"""What two ends have agreed on: how frames leave and how they are read, from the handshake to the close."""

import asyncio
import json
from typing import Any

import pytest
from msgpack import packb, unpackb

from gameroom.bus.bus import Share
from gameroom.errors import Unauthenticated
from gameroom.gateway import closing
from gameroom.gateway.anonymous import AnonymousConnection
from gameroom.gateway.policy import GatewayPolicy
from gameroom.gateway.wire import WIRES, new_wire
from gameroom.protocol import frames
from gameroom.protocol.asyncapi import ENCODINGS
from gameroom.protocol.codec import CommandRefused
from gameroom.protocol.commands import Ping
from gameroom.protocol.frames import Frame
from tests.unit.gateway.fakes import Bench, Client, FakeSocket, event, principal

MSGPACK = "gameroom.v1.msgpack"


def packed_story(socket: FakeSocket) -> list[str]:
    """What was sent in binary since the last call: types, with the code of an error."""
    told = [unpackb(frame) for frame in socket.sent_binary]
    socket.sent_binary.clear()
    return [f"{frame['type']} {frame.get('code', '')}".strip() for frame in told]


def send(client: Client, type_: str, **fields: Any) -> None:
    client.connection.binary(packb({"type": type_, **fields}))


async def join(client: Client) -> None:
    send(client, "JOIN_GAME_ROOM_GROUP", room_id="r")
    (await client.bench.rooms.next()).answer(1, {"room": {}, "resumed": False})
    assert packed_story(client.socket) == ["REPLY"]


@pytest.fixture
def packings(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every frame that is packed during the test."""
    made: list[bytes] = []
    pack = frames.pack

    def counted(frame: bytes) -> bytes:
        made.append(frame)
        return pack(frame)

    monkeypatch.setattr(frames, "pack", counted)
    return made


# --- the wire -------------------------------------------------------------------------------------------------


def test_what_can_be_agreed_on_is_what_the_document_says() -> None:
    assert WIRES.keys() == ENCODINGS.keys()
    for subprotocol, encoding in ENCODINGS.items():
        wire, socket = new_wire(subprotocol), FakeSocket()
        wire.opened(socket)
        wire.send(Frame(b"{}"))
        assert {"text": bool(socket.sent), "binary": bool(socket.sent_binary)}[encoding["frames"]]


@pytest.mark.parametrize("subprotocol", [None, *WIRES])
def test_frames_leave_as_agreed_also_those_sent_before_the_socket_is_open(subprotocol: str | None) -> None:
    wire, socket = new_wire(subprotocol), FakeSocket()
    assert wire.subprotocol == subprotocol
    wire.send(Frame(b'{"a":1}'))
    assert not wire.is_open
    wire.opened(socket)
    assert wire.is_open
    wire.send(Frame(b'{"a":2}'))
    wire.end(closing.closing_for(Unauthenticated("no")))
    if subprotocol == MSGPACK:
        assert [unpackb(frame) for frame in socket.sent_binary[:2]] == [{"a": 1}, {"a": 2}]
        assert unpackb(socket.sent_binary[2])["code"] == "unauthenticated"
        assert socket.sent == []
    else:
        assert socket.sent[:2] == [b'{"a":1}', b'{"a":2}']
        assert json.loads(socket.sent[2])["code"] == "unauthenticated"
        assert socket.sent_binary == []
    assert socket.closed == (4500, "unauthenticated")


def test_commands_are_read_as_agreed() -> None:
    assert new_wire(None).read('{"type":"PING"}') == Ping()
    assert new_wire(MSGPACK).read(packb({"type": "PING"})) == Ping()


@pytest.mark.parametrize(
    ("subprotocol", "message", "says"),
    [
        (None, packb({"type": "PING"}), "send JSON in text"),
        (MSGPACK, '{"type":"PING"}', "send MessagePack in binary"),
    ],
)
def test_the_other_kind_of_message_is_malformed(
    subprotocol: str | None, message: str | bytes, says: str
) -> None:
    with pytest.raises(CommandRefused) as refused:
        new_wire(subprotocol).read(message)
    assert refused.value.error.code == "malformed_frame" and says in refused.value.error.message


# --- a connection ---------------------------------------------------------------------------------------------


async def test_a_connection_speaks_as_agreed_from_its_welcome_on(bench: Bench) -> None:
    connection = bench.admit(principal(bench.clock), subprotocol=MSGPACK)
    socket = FakeSocket()
    connection.welcome()
    bench.open(connection, socket)
    connection.binary(packb({"type": "PING", "id": "p"}))
    connection.binary(b"\xc1")
    connection.text('{"type":"PING"}')
    assert packed_story(socket) == ["WELCOME", "REPLY", "ERROR malformed_frame", "ERROR malformed_frame"]
    connection.oversized()
    assert packed_story(socket) == ["ERROR message_too_big"]
    assert socket.closed == (1009, "message_too_big") and socket.sent == []


async def test_bare_ping_is_text_whatever_was_agreed(bench: Bench) -> None:
    ann = bench.connect(subprotocol=MSGPACK)
    ann.connection.text("ping")
    assert (ann.socket.sent, ann.socket.sent_binary) == ([b"pong"], [])
    ann.connection.binary(b"ping")
    assert packed_story(ann.socket) == ["ERROR malformed_frame"] and ann.socket.sent == [b"pong"]


async def test_text_where_binary_was_agreed_counts_as_junk_and_against_the_limit() -> None:
    bench = Bench(policy=GatewayPolicy(server_version="test", frames_per_second=1, frame_burst=100))
    ann = bench.connect(subprotocol=MSGPACK)
    for _ in range(19):
        ann.connection.text('{"type":"PING"}')
    send(ann, "PING")
    for _ in range(20):
        ann.connection.text('{"type":"PING"}')
    malformed = ["ERROR malformed_frame"]
    assert packed_story(ann.socket) == malformed * 19 + ["REPLY"] + malformed * 20 + ["ERROR protocol_abuse"]
    assert ann.socket.closed == (4503, "protocol_abuse")


# --- rooms ----------------------------------------------------------------------------------------------------


async def test_one_event_is_packed_once_for_all_who_share_it(bench: Bench, packings: list[bytes]) -> None:
    ann, bob = bench.connect("ann", subprotocol=MSGPACK), bench.connect("bob", subprotocol=MSGPACK)
    eve = bench.connect("eve")
    await join(ann)
    await join(bob)
    await eve.join()
    packings.clear()
    bench.publish(2)
    assert len(packings) == 1
    assert ann.socket.sent_binary[0] is bob.socket.sent_binary[0]
    assert unpackb(ann.socket.sent_binary[0]) == {"type": "EVENT", "seq": 2} == eve.socket.take()[0]


async def test_nothing_is_packed_where_nobody_wants_it(bench: Bench, packings: list[bytes]) -> None:
    ann = bench.connect()
    packings.clear()
    await ann.join()
    bench.publish(2)
    ann.send("NO_SUCH_COMMAND")
    ann.connection.oversized()
    assert packings == []


async def test_each_user_gets_its_own_share_in_its_own_encoding(bench: Bench) -> None:
    ann, bob = bench.connect("ann", subprotocol=MSGPACK), bench.connect("bob")
    eve = bench.connect("eve", subprotocol=MSGPACK)
    await join(ann)
    await bob.join()
    await join(eve)
    whisper = Share(frozenset({"ann", "bob"}), b'{"type":"WHISPER"}')
    bench.bus.publish(event(2, shares=(whisper, Share(None, b'{"type":"HIDDEN"}'))))
    assert packed_story(ann.socket) == ["WHISPER"] == bob.socket.story()
    assert packed_story(eve.socket) == ["HIDDEN"]


async def test_missed_events_come_as_agreed(bench: Bench) -> None:
    ann = bench.connect(subprotocol=MSGPACK)
    send(ann, "JOIN_GAME_ROOM_GROUP", room_id="r", resume={"epoch": 0, "seq": 1})
    missed = (b'{"type":"ONE"}', b'{"type":"TWO"}')
    (await bench.rooms.next()).answer(3, {"resumed": True, "missed": 2}, missed=missed)
    assert packed_story(ann.socket) == ["REPLY", "ONE", "TWO"]


# --- before a connection --------------------------------------------------------------------------------------


class Stranger:
    """An anonymous connection that has agreed on MessagePack. `ann's` is a good token."""

    def __init__(self, bench: Bench) -> None:
        bench.access.tokens["ann's"] = principal(bench.clock)
        wire = new_wire(MSGPACK)
        self.receiver = AnonymousConnection(wire, bench.environment, bench.connections, None)
        self.socket = FakeSocket()
        wire.opened(self.socket)
        self.receiver.opened()


async def test_the_first_frame_is_read_and_answered_as_agreed(bench: Bench) -> None:
    ann = Stranger(bench)
    ann.receiver.text("ping")
    ann.receiver.binary(packb({"type": "AUTHENTICATE", "access_token": "ann's"}))
    ann.receiver.binary(packb({"type": "PING"}))
    ann.receiver.text('{"type":"PING"}')
    async with asyncio.timeout(5):
        await bench.tasks.idle()
    assert ann.socket.sent == [b"pong"]
    assert packed_story(ann.socket) == ["WELCOME", "REPLY", "REPLY", "ERROR malformed_frame"]
    ann.receiver.closed(1000)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ('{"type":"AUTHENTICATE","access_token":"ann\'s"}', "send MessagePack"),
        (b'{"type":"AUTHENTICATE"}', "MessagePack map"),
    ],
)
async def test_another_first_frame_is_refused_as_agreed(
    bench: Bench, message: str | bytes, says: str
) -> None:
    ann = Stranger(bench)
    if isinstance(message, str):
        ann.receiver.text(message)
    else:
        ann.receiver.binary(message)
    assert says in unpackb(ann.socket.sent_binary[0])["message"]
    assert packed_story(ann.socket) == ["ERROR unauthenticated"]
    assert ann.socket.closed == (4500, "unauthenticated") and ann.socket.sent == []
