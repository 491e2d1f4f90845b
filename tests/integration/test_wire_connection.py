"""The life of one connection: WELCOME, heartbeat, sizes, rates, closes, and who replaces whom."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from websockets.frames import Opcode

from tests.conftest import HASTY_SIGN_INS, Servers
from tests.kit.api import bearer
from tests.kit.encoding import Encoding
from tests.kit.people import People, gathering
from tests.kit.player import Disconnected, Player
from tests.kit.raw_socket import RawSocket, raw_socket
from tests.kit.server import Server
from tests.kit.ways import pairwise, plainly
from tests.kit.wire import Json, Refused

pytestmark = pairwise
MAX_MESSAGE = 64 * 1024


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that pings often."""
    folder = tmp_path_factory.mktemp("quick")
    with Server(folder, ping_interval_ms=400, **HASTY_SIGN_INS) as server:
        yield server


async def flood(player: Player, frames: int, frame: Json) -> Disconnected | None:
    """Sends as fast as it can, until closed."""
    try:
        for _ in range(frames):
            await player.send_frame(frame)
    except Disconnected as gone:
        return gone
    return None


# --- answers --------------------------------------------------------------------------------------------------


async def test_ping_and_bare_ping(people: People) -> None:
    player = await people.newcomer()
    reply = await player.ask("PING", id="p-1")
    assert (reply.frame["id"], reply.frame["command"]) == ("p-1", "PING")
    await player.ping()
    await player.ping()


async def test_bare_ping_is_answered_on_a_room_bound_socket(people: People) -> None:
    room_id = await (await people.newcomer()).create("relay")
    player = await people.enter(await people.guest(), room_id)
    await player.ping()


async def test_a_command_without_id_is_answered_with_null(people: People) -> None:
    player = await people.newcomer()
    await player.send_frame({"type": "PING"})
    assert (await player.expect("REPLY"))["id"] is None
    await player.send_frame({"type": "SET_READY", "ready": True})
    assert (await player.expect("ERROR"))["id"] is None


async def test_ack_false_asks_for_errors_only(people: People) -> None:
    player = await people.newcomer()
    await player.create("relay")
    quiet: Json = {"type": "GAME_ACTION", "ack": False, "action": {"type": "send", "data": 1}}
    await player.send_frame(quiet)
    await player.send_frame({**quiet, "action": {"type": "sent", "data": 1}})
    await player.expect("GAME_UPDATED")
    assert (await player.expect("ERROR"))["code"] == "unknown_action"
    await player.verify()
    assert not player.heard()


async def test_ids_of_64_characters_and_no_more(people: People) -> None:
    player = await people.newcomer()
    await player.ask("PING", id="i" * 64)
    for frame_id in ("", "i" * 65, 7):
        await player.send_frame({"type": "PING", "id": frame_id})
        assert (await player.expect("ERROR"))["code"] == "validation_failed"


async def test_an_error_echoes_id_and_command(people: People) -> None:
    player = await people.newcomer()
    await player.send_frame({"type": "SEND_CHAT", "id": "c-1", "room_id": "none", "text": "hi"})
    error = await player.expect("ERROR")
    assert (error["id"], error["command"], error["code"]) == ("c-1", "SEND_CHAT", "room_not_found")


async def test_a_broken_command_still_gets_its_id_back(people: People) -> None:
    player = await people.newcomer()
    await player.send_frame({"type": "SEND_CHAT", "id": "c-2", "text": 7})
    error = await player.expect("ERROR")
    assert (error["id"], error["code"]) == ("c-2", "validation_failed")
    assert [field["pointer"] for field in error["errors"]] == ["#/text"]


# --- heartbeat ------------------------------------------------------------------------------------------------


async def test_who_answers_no_pings_is_closed_after_two_misses(quick: Server) -> None:
    async with gathering(quick) as people:
        account = await people.guest()
        async with raw_socket(f"{quick.ws_url}/ws", bearer(account.access_token)) as raw:
            close, before = await raw.until_close()
    assert close is not None
    assert (close.code, close.reason) == (4003, "no_heartbeat")
    assert sum(frame.opcode is Opcode.PING for frame in before) >= 2
    last = json.loads(bytes(before[-1].data))
    assert (last["type"], last["id"], last["code"]) == ("ERROR", None, "no_heartbeat")


async def test_any_frame_answers_a_ping(quick: Server) -> None:
    """Reading: a bare `ping` is a frame like any other, so who sends one in time is alive without a pong."""
    async with gathering(quick) as people:
        account = await people.guest()
        async with raw_socket(f"{quick.ws_url}/ws", bearer(account.access_token)) as raw:
            pings = await _answering_with_text(raw, until=6)
    assert pings == 6


async def _answering_with_text(raw: RawSocket, until: int) -> int:
    """Answers each of the server's pings with a bare text `ping`; how many came before it closed."""
    pings = 0
    while pings < until:
        frame = await raw.next()
        if frame is None or frame.opcode is Opcode.CLOSE:
            break
        if frame.opcode is Opcode.PING:
            pings += 1
            await raw.send_frame(Opcode.TEXT, b"ping")
    return pings


async def test_who_answers_pings_stays(quick: Server) -> None:
    async with gathering(quick) as people:
        player = await people.newcomer()
        assert player.welcome["ping_interval_ms"] == 400
        room_id = await player.create("relay")
        with pytest.raises(TimeoutError):
            await player.gone(2.5)
        assert player.room.room_id == room_id


# --- sizes ----------------------------------------------------------------------------------------------------


def command_of(size: int, encoding: Encoding) -> Json:
    """A valid relay action that has exactly this many bytes in this encoding."""

    def saying(length: int) -> Json:
        return {"type": "GAME_ACTION", "action": {"type": "send", "data": "x" * length}}

    length = 0
    while gap := size - len(encoding.pack(saying(length))):
        length += gap
    return saying(length)


async def test_a_message_of_the_greatest_size_is_taken(people: People) -> None:
    player = await people.newcomer()
    await player.create("relay")
    await player.send_frame(command_of(MAX_MESSAGE, people.way.encoding))
    await player.expect("GAME_UPDATED")
    await player.expect("REPLY")


@pytest.mark.parametrize("size", [MAX_MESSAGE + 1, 65 * 1024, 1024 * 1024])
async def test_a_message_that_is_too_big_closes_1009(people: People, size: int) -> None:
    player = await people.newcomer()
    await player.create("relay")
    await flood(player, 1, command_of(size, people.way.encoding))
    error = await player.until("ERROR")
    assert (error["id"], error["code"], error["params"]) == (None, "message_too_big", {"limit": MAX_MESSAGE})
    closed = await player.closed()
    assert (closed.code, closed.reason) == (1009, "message_too_big")


@plainly
async def test_a_message_that_grows_too_big_by_fragments_closes_1009(people: People) -> None:
    account = await people.guest()
    async with raw_socket(f"{people.server.ws_url}/ws", bearer(account.access_token)) as raw:
        await raw.send_frame(Opcode.TEXT, b"x" * 40_000, fin=False)
        await raw.send_frame(Opcode.CONT, b"x" * 40_000, fin=True)
        close, _ = await raw.until_close()
    assert close is not None
    assert close.code == 1009


@plainly
async def test_a_fragmented_command_is_one_command(people: People) -> None:
    account = await people.guest()
    async with raw_socket(f"{people.server.ws_url}/ws", bearer(account.access_token)) as raw:
        await raw.next()
        await raw.send_frame(Opcode.TEXT, b'{"type": "PI', fin=False)
        await raw.send_frame(Opcode.PING, b"between")
        await raw.send_frame(Opcode.CONT, b'NG", "id": "1"}', fin=True)
        frames = [await raw.next() for _ in range(2)]
    opcodes = [frame.opcode for frame in frames if frame is not None]
    assert sorted(opcodes) == [Opcode.TEXT, Opcode.PONG]
    [reply] = [json.loads(bytes(frame.data)) for frame in frames if frame and frame.opcode is Opcode.TEXT]
    assert (reply["type"], reply["id"]) == ("REPLY", "1")


# --- broken framing -------------------------------------------------------------------------------------------


@plainly
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x02hi", 1002),
        (b"\xf1\x80\x00\x00\x00\x00", 1002),
        (b"\x83\x80\x00\x00\x00\x00", 1002),
        (b"\x80\x80\x00\x00\x00\x00", 1002),
        (b"\x89\xfe\x00\x7e\x00\x00\x00\x00" + b"x" * 126, 1002),
        (b"\x81\x82\x00\x00\x00\x00\xc3\x28", 1007),
    ],
    ids=["unmasked", "reserved-bits", "unknown-opcode", "continues-nothing", "long-ping", "no-utf8"],
)
async def test_broken_framing_closes_with_its_own_code(people: People, data: bytes, code: int) -> None:
    account = await people.guest()
    async with raw_socket(f"{people.server.ws_url}/ws", bearer(account.access_token)) as raw:
        await raw.next()
        await raw.send_bytes(data)
        close, _ = await raw.until_close()
    assert close is not None
    assert close.code == code


# --- rates ----------------------------------------------------------------------------------------------------


async def test_a_burst_of_200_is_taken(people: People) -> None:
    player = await people.newcomer()
    answers = [await player.send("PING") for _ in range(195)]
    await asyncio.gather(*answers)


async def test_beyond_the_burst_commands_are_refused_and_may_be_sent_again(people: People) -> None:
    """The refusal says when; the same command is then done, with the same id."""
    player = await people.newcomer()
    await player.create("relay")
    ids = [f"c-{number}" for number in range(230)]
    answers = [await player.send("SEND_CHAT", id=id_, text=id_) for id_ in ids]
    outcomes = await asyncio.gather(*answers, return_exceptions=True)
    refused = {
        id_: outcome for id_, outcome in zip(ids, outcomes, strict=True) if isinstance(outcome, Refused)
    }
    assert refused and {outcome.code for outcome in refused.values()} == {"rate_limited"}
    last = refused[max(refused, key=ids.index)]
    await asyncio.sleep(last.body["retry_after_ms"] / 1000)
    again = next(iter(refused))
    done = await player.ask("SEND_CHAT", id=again, text=again)
    assert (done.frame["id"], "repeated" in done.frame) == (again, False)
    assert player.lost is None


async def test_a_flood_closes_4005(people: People) -> None:
    """Reading of "at 10 x 4005": after ten refusals, or at ten times the rate; this is beyond both."""
    player = await people.newcomer()
    await flood(player, 6_000, {"type": "PING"})
    closed = await player.closed()
    assert (closed.code, closed.reason) == (4005, "rate_limited")


async def test_who_does_not_read_is_closed_and_harms_nobody(servers: Servers) -> None:
    """4002 where it can still be told; else the connection is just gone. Everyone else hears everything."""
    server = servers.start(frames_per_second=1_000, frame_burst=5_000)
    async with gathering(server) as people:
        slow = await people.guest("Slow")
        talker, listener = await people.newcomers("Talker", "Listener")
        room_id = await talker.create("relay")
        await listener.join(room_id)
        url = f"{server.ws_url}/ws/game-room-groups/{room_id}"
        async with raw_socket(url, bearer(slow.access_token)) as raw:
            await talker.until("MEMBER_JOINED", user_id=slow.user_id)
            await _talk_until_gone(talker, slow.user_id)
            await listener.until("MEMBER_DISCONNECTED", user_id=slow.user_id)
            close, _ = await raw.until_close()
        assert close is None or (close.code, close.reason) == (4002, "too_slow")


async def _talk_until_gone(talker: Player, user_id: str) -> None:
    for _ in range(1_000):
        await talker.act("send", data="x" * 60_000)
        if any(frame["type"] == "MEMBER_DISCONNECTED" for frame in talker.heard()):
            return
    raise AssertionError(f"60 MB later {user_id} is still connected")


# --- who replaces whom ----------------------------------------------------------------------------------------


async def test_a_newer_connection_replaces_the_older_in_the_room(people: People) -> None:
    account = await people.guest("Alice")
    older = await people.connect(account)
    room_id = await older.create("relay")
    witness = await people.newcomer("Bob")
    await witness.join(room_id)
    await older.expect("MEMBER_JOINED")

    newer = await people.connect(account)
    await newer.join(room_id)
    await older.expect("DETACHED", room_id=room_id, reason="replaced")
    await newer.act("send", data=1)
    await newer.expect("GAME_UPDATED")
    assert (await older.ask("PING")).data["server_time"]
    with pytest.raises(Refused) as refused:
        await older.ask("SEND_CHAT", room_id=room_id, text="still here?")
    assert refused.value.code == "not_member"
    await witness.expect("GAME_UPDATED")
    await witness.verify()
    assert not witness.heard()


async def test_a_replaced_room_bound_socket_closes_4507(people: People) -> None:
    room_id = await (await people.newcomer("Host")).create("relay")
    account = await people.guest("Alice")
    older = await people.enter(account, room_id)
    await people.enter(account, room_id)
    await older.expect("DETACHED", room_id=room_id, reason="replaced")
    closed = await older.closed()
    assert (closed.code, closed.reason) == (4507, "replaced")


async def test_the_close_of_the_replaced_connection_disconnects_nobody(people: People) -> None:
    host = await people.newcomer("Host")
    room_id = await host.create("relay")
    account = await people.guest("Alice")
    older = await people.connect(account)
    await older.join(room_id)
    newer = await people.connect(account)
    await newer.join(room_id)
    await older.drop()
    await newer.act("send", data="here")
    await host.until("GAME_UPDATED")
    await host.verify()
    assert host.room.members[account.user_id]["connected"] is True
    assert not host.heard()


async def test_beyond_five_connections_the_oldest_goes(people: People) -> None:
    account = await people.guest()
    players = [await people.connect(account) for _ in range(6)]
    closed = await players[0].closed()
    assert (closed.code, closed.reason) == (4507, "replaced")
    assert [player.lost for player in players[1:]] == [None] * 5
    for player in players[1:]:
        await player.ask("PING")
