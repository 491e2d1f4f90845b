"""The kit's player at a scripted server: answers find their commands, and a broken rule ends the test."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve

from tests.kit.people import open_socket
from tests.kit.player import Binding, Disconnected, Player
from tests.kit.test_conversation import VIEW, error, event, reply, welcome
from tests.kit.wire import Json, Position, Refused, RuleBroken

Script = Callable[[ServerConnection], Coroutine[object, object, None]]


@asynccontextmanager
async def facing(script: Script, bind: Binding | None = None) -> AsyncIterator[Player]:
    """A player welcomed by a server that then does what the script says."""

    async def handle(connection: ServerConnection) -> None:
        await connection.send(json.dumps(welcome()))
        await script(connection)

    async with serve(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        player = Player(await open_socket(f"ws://127.0.0.1:{port}/ws"), bind=bind)
        await player.welcomed()
        yield player


async def command_of(connection: ServerConnection) -> Json:
    command: Json = json.loads(await connection.recv())
    return command


async def answer(connection: ServerConnection, frame: Json) -> None:
    """This answer, with the id of the command that comes next."""
    command = await command_of(connection)
    await connection.send(json.dumps({**frame, "id": command["id"]}))


async def joins(connection: ServerConnection) -> None:
    await answer(connection, reply("JOIN_GAME_ROOM_GROUP", 5, {"resumed": False, "room": VIEW}))


async def test_answers_find_their_commands() -> None:
    async def script(connection: ServerConnection) -> None:
        await joins(connection)
        first, second = await command_of(connection), await command_of(connection)
        await connection.send(json.dumps({**error("not_host", command="SET_READY"), "id": second["id"]}))
        await connection.send(json.dumps(event(6)))
        await connection.send(json.dumps({**reply("SEND_CHAT", 6, {"message_id": "m"}), "id": first["id"]}))

    async with facing(script) as player:
        await player.join("r")
        chat = await player.send("SEND_CHAT", text="t")
        with pytest.raises(Refused) as refused:
            await player.ask("SET_READY", ready=True)
        assert refused.value.code == "not_host"
        assert (await chat).data == {"message_id": "m"}
        await player.expect("CHAT_MESSAGE", text="t")
        await player.close()


async def test_a_stale_copy_does_not_verify() -> None:
    async def script(connection: ServerConnection) -> None:
        await joins(connection)
        await answer(connection, reply("GET_GAME_ROOM_GROUP", 5, {"room": VIEW}))
        await answer(connection, reply("GET_GAME_ROOM_GROUP", 5, {"room": {**VIEW, "round": 2}}))

    async with facing(script) as player:
        await player.join("r")
        await player.verify()
        with pytest.raises(RuleBroken):
            await player.verify()


async def test_a_broken_rule_reaches_whoever_waits_and_whoever_closes() -> None:
    async def script(connection: ServerConnection) -> None:
        await joins(connection)
        await connection.send(json.dumps(event(9)))
        await connection.wait_closed()

    async with facing(script) as player:
        await player.join("r")
        with pytest.raises(RuleBroken):
            await player.next()
        with pytest.raises(RuleBroken):
            await player.close()


async def test_an_end_is_told_with_code_and_reason() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(json.dumps(error("token_expired")))
        await connection.close(4001, "token_expired")

    async with facing(script) as player:
        await player.expect("ERROR", code="token_expired")
        with pytest.raises(Disconnected) as gone:
            await player.next()
        assert (gone.value.code, gone.value.reason) == (4001, "token_expired")
        with pytest.raises(Disconnected):
            await player.ask("PING")
        with pytest.raises(Disconnected):
            await player.next()


async def test_a_silent_4xxx_close_is_a_broken_rule() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.close(4503, "protocol_abuse")

    async with facing(script) as player:
        with pytest.raises(RuleBroken):
            await player.closed()


async def test_a_lost_connection_fails_what_waits_for_an_answer() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.abort()

    async with facing(script) as player:
        waiting = await player.send("PING")
        with pytest.raises(Disconnected) as gone:
            await asyncio.wait_for(waiting, 5)
        assert gone.value.code == 1006


async def test_whoever_is_to_be_bound_joins_by_a_socket_for_the_room() -> None:
    paths: list[str] = []

    async def script(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async def room(connection: ServerConnection) -> None:
        assert connection.request is not None
        paths.append(connection.request.path)
        await connection.send(json.dumps(welcome()))
        joined = reply("JOIN_GAME_ROOM_GROUP", 5, {"resumed": False, "room": VIEW})
        await connection.send(json.dumps({**joined, "id": None}))
        await connection.wait_closed()

    async def bind(room_id: str, join: Json) -> ClientConnection:
        return await open_socket(f"ws://127.0.0.1:{port}/{room_id}?role={join['role']}")

    async with serve(room, "127.0.0.1", 0) as server, facing(script, bind) as player:
        port = server.sockets[0].getsockname()[1]
        joined = await player.join("r", role="player")
        assert (joined.position, player.room.view, paths) == (Position(1, 5), VIEW, ["/r?role=player"])
        await player.close()


async def test_what_a_query_cannot_say_is_asked_as_a_command() -> None:
    async def bind(room_id: str, join: Json) -> ClientConnection:
        raise AssertionError(f"not by a socket: {room_id} {join}")

    async with facing(joins, bind) as player:
        await player.join("r", password="sesame")
        assert player.room.position == Position(1, 5)
        await player.close()
