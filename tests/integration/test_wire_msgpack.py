"""MessagePack over a real server: clients that know only the wire and the package `msgpack`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from msgpack import ExtType, packb, unpackb
from websockets.asyncio.client import ClientConnection

from tests.kit.api import Account, bearer
from tests.kit.people import JSON_V1, People, open_socket
from tests.kit.player import DEADLINE
from tests.kit.wire import Json, Refused

MSGPACK_V1 = "gameroom.v1.msgpack"


class PackedClient:
    """A socket that has agreed on MessagePack; only `pong` may come in text."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, type_: str, **fields: object) -> None:
        await self.connection.send(packb({"type": type_, **fields}))

    async def next(self) -> Json:
        """The next frame."""
        async with asyncio.timeout(DEADLINE):
            message = await self.connection.recv()
        assert isinstance(message, bytes), f"text where binary was agreed: {message}"
        frame: Json = unpackb(message)
        return frame

    async def ask(self, type_: str, **fields: object) -> Json:
        """The answer to a command, and nothing before it."""
        await self.send(type_, **fields)
        frame = await self.next()
        assert frame["type"] in ("REPLY", "ERROR") and frame.get("command") == type_, frame
        return frame

    async def closed(self) -> tuple[int, str]:
        async with asyncio.timeout(DEADLINE):
            await self.connection.wait_closed()
        return self.connection.close_code or 0, self.connection.close_reason or ""


Connect = Callable[..., Awaitable[PackedClient]]


@pytest.fixture
async def connect(people: People) -> AsyncIterator[Connect]:
    """Opens sockets that agree on MessagePack, with an account's token in the header; closes them."""
    opened: list[PackedClient] = []

    async def connect(account: Account | None = None, path: str = "/ws") -> PackedClient:
        headers = bearer(account.access_token) if account else None
        url = f"{people.server.ws_url}{path}"
        client = PackedClient(await open_socket(url, headers=headers, subprotocols=[MSGPACK_V1]))
        opened.append(client)
        assert client.connection.subprotocol == MSGPACK_V1
        return client

    yield connect
    for client in opened:
        await client.connection.close()


@pytest.fixture
async def carol(people: People, connect: Connect) -> PackedClient:
    """Connected, her WELCOME read."""
    client = await connect(await people.guest("Carol"))
    assert (await client.next())["type"] == "WELCOME"
    return client


def room_path(room_id: str, query: str = "") -> str:
    return f"/ws/game-room-groups/{room_id}{query}"


# --- the handshake --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offered", [[MSGPACK_V1, JSON_V1], [JSON_V1, MSGPACK_V1], ["chat", MSGPACK_V1]])
async def test_the_first_known_subprotocol_is_spoken(people: People, offered: list[str]) -> None:
    token = (await people.guest()).access_token
    connection = await open_socket(f"{people.server.ws_url}/ws", subprotocols=[f"bearer.{token}", *offered])
    try:
        assert connection.subprotocol == (JSON_V1 if offered[0] == JSON_V1 else MSGPACK_V1)
        async with asyncio.timeout(DEADLINE):
            welcome = await connection.recv()
        assert isinstance(welcome, str if offered[0] == JSON_V1 else bytes)
    finally:
        await connection.close()


async def test_the_first_frame_authenticates(people: People, connect: Connect) -> None:
    account = await people.guest("Carol")
    carol = await connect()
    await carol.connection.send("ping")
    await carol.send("AUTHENTICATE", id="a", access_token=account.access_token)
    async with asyncio.timeout(DEADLINE):
        assert await carol.connection.recv() == "pong"
    welcome, reply = await carol.next(), await carol.next()
    assert (welcome["type"], welcome["user"]) == ("WELCOME", account.user)
    assert (reply["type"], reply["id"], reply["command"]) == ("REPLY", "a", "AUTHENTICATE")


async def test_a_text_first_frame_is_explained_in_msgpack(connect: Connect) -> None:
    carol = await connect()
    await carol.connection.send('{"type":"AUTHENTICATE"}')
    error = await carol.next()
    assert (error["code"], error["id"]) == ("unauthenticated", None) and "MessagePack" in error["message"]
    assert await carol.closed() == (4500, "unauthenticated")


async def test_errors_as_frames(people: People, connect: Connect) -> None:
    room_id = await (await people.newcomer()).create("relay", password="sesame")
    carol = await connect(await people.guest(), room_path(room_id, "?errors=frame"))
    error = await carol.next()
    assert (error["type"], error["code"]) == ("ERROR", "wrong_room_password")
    assert await carol.closed() == (4509, "wrong_room_password")


async def test_a_refused_handshake_is_json_all_the_same(people: People, connect: Connect) -> None:
    with pytest.raises(Refused) as refused:
        await connect(path="/ws?ticket=made-up")
    assert (refused.value.status, refused.value.code) == (401, "unauthenticated")


# --- one room -------------------------------------------------------------------------------------------------

VALUES = [None, True, 1, 1.0, -0.5, 2**63 - 1, -(2**63), 1e300, "é😀", "", [], {}, {"": [{"a": [[]]}]}]


async def test_one_room_in_both_encodings(people: People, carol: PackedClient) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    room_id = await alice.create("relay")
    await bob.join(room_id)
    joined = await carol.ask("JOIN_GAME_ROOM_GROUP", id="j", room_id=room_id)
    assert joined["data"]["room"]["members"].keys() >= {alice.user_id, bob.user_id}
    for player in (alice, bob):
        await player.until("MEMBER_JOINED", user_id=carol_of(joined))
    await alice.act("send", data=VALUES)
    await carol.send("GAME_ACTION", id="g", action={"type": "send", "data": VALUES})
    heard = [await carol.next() for _ in range(3)]
    assert [frame["type"] for frame in heard] == ["GAME_UPDATED", "GAME_UPDATED", "REPLY"]
    assert [frame["seq"] for frame in heard] == [joined["seq"] + 1, joined["seq"] + 2, joined["seq"] + 2]
    for seat, event in ((0, heard[0]), (2, heard[1])):
        in_json = await bob.expect("GAME_UPDATED", seat=seat)
        assert repr(event) == repr(in_json)
        assert repr(event["announcements"]) == repr([{"type": "message", "from": seat, "data": VALUES}])


def carol_of(joined: Json) -> str:
    """The id of the newest member in the view of a JOIN."""
    return list(joined["data"]["room"]["members"])[-1]


async def test_what_is_not_for_everyone(people: People, carol: PackedClient) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    room_id = await alice.create("relay")
    await bob.join(room_id)
    user_id = carol_of(await carol.ask("JOIN_GAME_ROOM_GROUP", room_id=room_id, updates="view"))
    await bob.ask("SEND_CHAT", text="psst", to=user_id)
    await bob.ask("SEND_CHAT", text="not you", to=alice.user_id)
    await bob.act("send", data="for seat 2", to=[2])
    await bob.act("send", data="for seat 0", to=[0])
    chat, hidden, heard, unheard = [await carol.next() for _ in range(4)]
    assert (chat["type"], chat["data"]["text"]) == ("CHAT_MESSAGE", "psst")
    assert hidden == {
        "type": "HIDDEN",
        "room_id": room_id,
        "epoch": chat["epoch"],
        "seq": chat["seq"] + 1,
    }
    assert [announced["data"] for announced in heard["announcements"]] == ["for seat 2"]
    assert "announcements" not in unheard


async def test_who_wants_no_patches_gets_views(people: People, carol: PackedClient) -> None:
    alice = await people.newcomer("Alice")
    room_id = await alice.create("tic-tac-toe")
    await carol.ask("JOIN_GAME_ROOM_GROUP", room_id=room_id, updates="view")
    await alice.ask("SET_READY", ready=True)
    event = await carol.next()
    assert event["type"] == "MEMBER_UPDATED" and "patch" not in event
    assert event["view"]["members"][alice.user_id]["ready"] is True


async def test_a_resume_from_one_encoding_to_the_other(people: People, connect: Connect) -> None:
    alice, account = await people.newcomer("Alice"), await people.guest("Carol")
    room_id = await alice.create("relay")
    in_json = await people.enter(account, room_id)
    await in_json.drop()
    await alice.until("MEMBER_DISCONNECTED")
    await alice.act("send", data=VALUES)
    epoch, seq = in_json.room.position
    carol = await connect(account, room_path(room_id, f"?epoch={epoch}&seq={seq}"))
    welcome, reply, *missed = [await carol.next() for _ in range(5)]
    assert (welcome["type"], reply["command"]) == ("WELCOME", "JOIN_GAME_ROOM_GROUP")
    assert reply["data"] == {"resumed": True, "missed": 3}
    assert [event["seq"] for event in missed] == [seq + 1, seq + 2, seq + 3]
    assert repr(missed[1]["announcements"][0]["data"]) == repr(VALUES)
    assert [("patch" in event) for event in missed] == [False, False, True]
    assert missed[2]["patch"][0]["path"] == ""


async def test_a_command_is_done_once_in_either_encoding(people: People, connect: Connect) -> None:
    account = await people.guest("Carol")
    in_json = await people.connect(account)
    room_id = await in_json.create("relay")
    action = {"type": "send", "data": VALUES}
    await in_json.ask("GAME_ACTION", id="once", action=action)
    carol = await connect(account, room_path(room_id))
    await carol.next(), await carol.next()
    repeat = await carol.ask("GAME_ACTION", id="once", action=action)
    assert (repeat["type"], repeat["repeated"]) == ("REPLY", True)
    other = await carol.ask("GAME_ACTION", id="once", action={"type": "send", "data": 1})
    assert (other["type"], other["code"]) == ("ERROR", "id_reused")


# --- what is refused ------------------------------------------------------------------------------------------


def action(value: object) -> bytes:
    return packb({"type": "GAME_ACTION", "id": "i", "action": {"type": "send", "data": value}})


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('{"type":"PING"}', "malformed_frame"),
        (b'{"type":"PING"}', "malformed_frame"),
        (packb({"type": "PING"})[:-1], "malformed_frame"),
        (packb({"type": "PING"}) + b"\xc0", "malformed_frame"),
        (action("----").replace(b"\xa4----", b"\x91" * 64 + b"\x90"), "malformed_frame"),
        (action(b"bin"), "validation_failed"),
        (action(ExtType(1, b"ext")), "validation_failed"),
        (action({1: 2}), "validation_failed"),
        (action(float("nan")), "validation_failed"),
        (action(2**64 - 1), "validation_failed"),
    ],
)
async def test_what_is_no_command_is_explained(carol: PackedClient, message: str | bytes, code: str) -> None:
    await carol.connection.send(message)
    error = await carol.next()
    assert (error["type"], error["code"]) == ("ERROR", code)
    assert (await carol.ask("PING", id="p"))["id"] == "p"


async def test_twenty_malformed_messages_in_a_row_end_the_socket(carol: PackedClient) -> None:
    for number in range(20):
        await carol.connection.send("{}" if number % 2 else b"\xc1")
    codes = [(await carol.next())["code"] for _ in range(21)]
    assert codes == ["malformed_frame"] * 20 + ["protocol_abuse"]
    assert await carol.closed() == (4503, "protocol_abuse")
