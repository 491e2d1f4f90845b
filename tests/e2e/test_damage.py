"""A byte that is changed in the database closes the room that it belongs to, and no other."""

import asyncio
import sqlite3

import pytest

from tests.conftest import Servers
from tests.kit.people import gathering
from tests.kit.server import Server
from tests.kit.wire import Refused


def flip_a_byte(server: Server, room_id: str, seq: int) -> bytes:
    """Changes a record while the server is down; the body that it had."""
    with sqlite3.connect(server.data_dir / "gameroom.db") as database:
        at = (room_id, seq)
        (body,) = database.execute("SELECT body FROM records WHERE room_id = ? AND seq = ?", at).fetchone()
        flipped = body[:-1] + bytes([body[-1] ^ 1])
        database.execute("UPDATE records SET body = ? WHERE room_id = ? AND seq = ?", (flipped, *at))
    database.close()
    return bytes(body)


def write_back(server: Server, room_id: str, seq: int, body: bytes) -> None:
    with sqlite3.connect(server.data_dir / "gameroom.db") as database:
        database.execute("UPDATE records SET body = ? WHERE room_id = ? AND seq = ?", (body, room_id, seq))
    database.close()


async def test_a_flipped_byte_closes_its_room_until_it_is_repaired(servers: Servers) -> None:
    server = servers.start()
    async with gathering(server) as people:
        account = await people.guest("Alice")
        alice = await people.connect(account)
        good, bad = await alice.create("tic-tac-toe"), await alice.create("tic-tac-toe")
        await alice.ask("SEND_CHAT", room_id=bad, text="before")
        server.kill9()
        body = flip_a_byte(server, bad, 2)
        await asyncio.to_thread(server.start)

        back = await people.connect(account)
        with pytest.raises(Refused) as refused:
            await back.join(bad)
        assert refused.value.code == "room_closed"
        with pytest.raises(Refused) as at_the_door:
            await people.enter(account, bad)
        assert at_the_door.value.status == 410
        await back.join(good)
        await back.ask("SEND_CHAT", room_id=good, text="here all is well")
        assert f"gameroom journal verify {bad}" in server.log and "seq 2" in server.log

        server.kill9()
        write_back(server, bad, 2, body)
        await asyncio.to_thread(server.start)
        again = await people.connect(account)
        assert (await again.join(bad)).position.seq == 2


async def test_damage_that_a_repeat_meets_detaches_all_members(servers: Servers) -> None:
    server = servers.start()
    async with gathering(server) as people:
        alice, bob = await people.newcomers("Alice", "Bob")
        room_id = await alice.create("relay")
        bound = await people.enter(await people.guest("Carol"), room_id)
        await bob.join(room_id)
        said = {"id": "said-once", "room_id": room_id, "text": "once"}
        reply = await alice.ask("SEND_CHAT", **said)
        flip_a_byte(server, room_id, reply.position.seq)

        with pytest.raises(Refused) as refused:
            await alice.ask("SEND_CHAT", **said)
        assert refused.value.code == "room_closed"
        for player in (alice, bob, bound):
            assert (await player.until("DETACHED"))["reason"] == "damaged"
        assert (await bound.closed()).code == 4505
        with pytest.raises(Refused) as late:
            await bob.join(room_id)
        assert late.value.code == "room_closed"
        await bob.create("tic-tac-toe")
