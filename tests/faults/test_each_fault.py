"""One fault at a time, and what players see of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.kit.faults.checker import check
from tests.kit.faults.databases import Database, PostgresDatabase, SqliteFile
from tests.kit.faults.findings import Damaged
from tests.kit.faults.history import History, now_ms
from tests.kit.faults.nemesis import frozen, frozen_postgres, full, killed, losing, stopped
from tests.kit.faults.replay import Turn, turns_of
from tests.kit.faults.run import GAME, SETTINGS
from tests.kit.faults.whims import POISON
from tests.kit.people import People, gathering
from tests.kit.player import Player
from tests.kit.postgres import DRIVER, Postgres, fresh_database, plain
from tests.kit.proxy import Fate, Proxy
from tests.kit.server import Server
from tests.kit.wire import Json, Refused

pytestmark = pytest.mark.faults

DEADLINE_S = float(str(SETTINGS["command_deadline_ms"])) / 1000


@dataclass
class Pair:
    """Two people in one room."""

    room_id: str
    ann: Player
    bob: Player

    async def chat(self, text: str) -> Json:
        """Something that Ann says and Bob hears."""
        reply = await self.ann.ask("SEND_CHAT", room_id=self.room_id, text=text)
        await self.bob.until("CHAT_MESSAGE", text=text)
        return reply.frame


async def pair(people: People, **settings: int) -> Pair:
    ann, bob = await people.newcomers("Ann", "Bob")
    room_id = await ann.create("hourglass", settings=settings)
    await bob.join(room_id)
    return Pair(room_id, ann, bob)


async def taken(player: Player) -> None:
    """What the player has sent is in its room's hands."""
    await player.send_text("ping")
    await player.until("pong")


async def start_round(table: Pair) -> None:
    for player in (table.ann, table.bob):
        await player.ask("SET_READY", room_id=table.room_id, ready=True)
    await table.ann.ask("START_GAME", room_id=table.room_id)
    await table.bob.until("GAME_STARTED")


@asynccontextmanager
async def serving(folder: Path, database: Database) -> AsyncIterator[tuple[Server, People]]:
    server = Server(folder, GAME, **SETTINGS, database_url=database.url)
    try:
        await asyncio.to_thread(server.start)
        async with gathering(server) as people:
            yield server, people
    finally:
        server.kill9()


def turns_in(database: Database, room_id: str) -> list[Turn]:
    return list(turns_of(database.journal().records[room_id]))


# --- the database is away -------------------------------------------------------------------------------------


async def test_while_the_database_is_locked_nothing_is_told_that_is_not_stored(
    tmp_path: Path, database: Database
) -> None:
    await see_it_through(tmp_path, database, database.locked)


async def test_while_the_disk_is_full_nothing_is_told_that_is_not_stored(disk: Path) -> None:
    await see_it_through(disk, SqliteFile(disk / "gameroom.db"), lambda: full(disk))


@pytest.mark.parametrize("fault", [stopped, killed, frozen_postgres], ids=["stopped", "killed", "frozen"])
async def test_while_postgresql_is_away_nothing_is_told_that_is_not_stored(
    tmp_path: Path, postgres: Postgres, fault: Callable[[Postgres], AbstractContextManager[None]]
) -> None:
    await see_it_through(tmp_path, PostgresDatabase(postgres.url), lambda: fault(postgres))


@pytest.mark.parametrize("fault", [Proxy.refusing, Proxy.stalling], ids=["cut", "stalled"])
async def test_while_connections_fail_nothing_is_told_that_is_not_stored(
    tmp_path: Path, postgres_server: str, fault: Callable[[Proxy], AbstractContextManager[None]]
) -> None:
    with through_a_proxy(postgres_server) as (database, proxy):
        await see_it_through(tmp_path, database, lambda: fault(proxy))


async def see_it_through(
    folder: Path, database: Database, away: Callable[[], AbstractContextManager[None]]
) -> None:
    """The decided command is silent; what waits behind it is withdrawn at its deadline; then play goes on."""
    async with serving(folder, database) as (_, people):
        table = await pair(people)
        stored = await table.chat("before")
        with away():
            decided = await table.ann.send("SEND_CHAT", room_id=table.room_id, text="decided")
            await taken(table.ann)
            late = {"room_id": table.room_id, "id": str(uuid4()), "text": "late"}
            with pytest.raises(Refused) as refused:
                await table.ann.ask("SEND_CHAT", **late)
            assert refused.value.code == "unavailable"
            assert not decided.done()
            assert table.bob.heard() == []
        assert (await decided).frame["seq"] == stored["seq"] + 1
        assert not (await table.ann.ask("SEND_CHAT", **late)).repeated
        await table.bob.until("CHAT_MESSAGE", text="late")
        said = [record.data["text"] for record in database.journal().records[table.room_id][2:]]
        assert said == ["before", "decided", "late"]


@pytest.mark.parametrize("fate", [Fate.CUT, Fate.LOSE_ANSWER, Fate.LOSE_END])
async def test_an_append_whose_answer_is_lost_is_done_once(
    tmp_path: Path, postgres_server: str, fate: Fate
) -> None:
    """Or had not been done; whoever sent it cannot tell, and finds out."""
    with through_a_proxy(postgres_server) as (database, proxy):
        async with serving(tmp_path, database) as (_, people):
            table = await pair(people)
            with losing(proxy, fate):
                await table.chat("once")
            await table.chat("and on")
            said = [record.data["text"] for record in database.journal().records[table.room_id][2:]]
            assert said == ["once", "and on"]


@contextmanager
def through_a_proxy(server_url: str) -> Iterator[tuple[Database, Proxy]]:
    """A database of a server that others use too, and the proxy by which ours reaches it."""
    with fresh_database(server_url) as url:
        parts = urlsplit(plain(url))
        with Proxy((parts.hostname or "", parts.port or 5432)) as proxy:
            user = "" if parts.username is None else f"{parts.username}@"
            near = f"{DRIVER}{user}127.0.0.1:{proxy.port}{parts.path}?sslmode=disable"
            yield PostgresDatabase(near, url), proxy


async def test_a_create_does_not_wait_for_ever(tmp_path: Path, database: Database) -> None:
    """It is no command of a room that is open, and has a deadline all the same."""
    async with serving(tmp_path, database) as (_, people):
        ann = await people.newcomer("Ann")
        create = {"id": str(uuid4()), "game": "hourglass"}
        with database.locked(), pytest.raises(Refused) as refused:
            await ann.ask("CREATE_GAME_ROOM_GROUP", **create)
        assert refused.value.code == "unavailable"
        assert not (await ann.ask("CREATE_GAME_ROOM_GROUP", **create)).repeated


# --- the process stands still ---------------------------------------------------------------------------------


async def test_a_frozen_server_goes_on_where_it_stood(tmp_path: Path, database: Database) -> None:
    async with serving(tmp_path, database) as (server, people):
        table = await pair(people)
        with frozen(server.pid):
            said = await table.ann.send("SEND_CHAT", room_id=table.room_id, text="anybody there")
            await asyncio.sleep(2 * DEADLINE_S)
            assert not said.done()
        await said
        await table.bob.until("CHAT_MESSAGE", text="anybody there")


# --- a record that the database refuses -----------------------------------------------------------------------


async def test_a_record_that_is_refused_in_a_batch_harms_its_own_room_alone(
    tmp_path: Path, database: Database
) -> None:
    async with serving(tmp_path, database) as (server, people):
        tables = [await pair(people) for _ in range(3)]
        with database.refusing(POISON):
            with database.locked():  # what is decided meanwhile comes into one batch
                first = await tables[0].ann.send(
                    "SEND_CHAT", room_id=tables[0].room_id, text="opens the batch"
                )
                said = [
                    await table.ann.send("SEND_CHAT", room_id=table.room_id, text=text)
                    for table, text in zip(tables[1:], (POISON, "innocent"), strict=True)
                ]
                await taken(tables[2].ann)
            await first
            with pytest.raises(Refused) as refused:
                await said[0]
            await said[1]
        assert refused.value.code == "internal"
        await tables[2].bob.until("CHAT_MESSAGE", text="innocent")
        assert "units was not stored at once" in server.log
        for table in tables:
            await table.chat("on we go")
        kept = [record.data.get("text") for record in database.journal().records[tables[1].room_id]]
        assert kept == [None, None, "on we go"]


# --- damage ---------------------------------------------------------------------------------------------------


async def test_a_record_damaged_while_the_server_was_down_closes_its_room_alone(
    tmp_path: Path, database: Database
) -> None:
    async with serving(tmp_path, database) as (server, people):
        damaged, sound = [await pair(people) for _ in range(2)]
        for table in (damaged, sound):
            await table.chat("before")
        accounts = [damaged.ann, sound.ann, sound.bob]
        server.kill9()
        database.flip_byte(damaged.room_id, 2)
        await asyncio.to_thread(server.start)
        for player in accounts:
            await player.gone()
        newcomer = await people.newcomer("Cid")
        with pytest.raises(Refused) as refused:
            await newcomer.join(damaged.room_id)
        assert refused.value.code in ("internal", "room_closed")
        assert damaged.room_id in server.log
        await newcomer.join(sound.room_id)
        await newcomer.ask("SEND_CHAT", room_id=sound.room_id, text="after")
        journal = await asyncio.to_thread(database.journal)
        assert [type(finding) for finding in check(History(ended_at=now_ms()), journal)].count(Damaged) == 1
        assert len(journal.records[damaged.room_id]) == 3


async def test_a_record_damaged_under_a_running_server_is_never_told(
    tmp_path: Path, database: Database
) -> None:
    async with serving(tmp_path, database) as (_, people):
        damaged, sound = [await pair(people) for _ in range(2)]
        command = {"id": str(uuid4()), "room_id": damaged.room_id, "text": "once"}
        said = await damaged.ann.ask("SEND_CHAT", **command)
        database.flip_byte(damaged.room_id, said.position.seq)
        with pytest.raises(Refused) as refused:
            await damaged.ann.ask("SEND_CHAT", **command)
        assert refused.value.code in ("internal", "room_closed")
        await sound.chat("on we go")


# --- time -----------------------------------------------------------------------------------------------------


async def test_a_turn_clock_that_ran_out_while_the_server_was_down_fires_once_before_any_command(
    tmp_path: Path, database: Database
) -> None:
    async with serving(tmp_path, database) as (server, people):
        table = await pair(people, turn_ms=1_200)
        ann = await people.guest("Ann again")
        await start_round(table)
        [due_at] = turns_in(database, table.room_id)[-1].after["play"]["timers"].values()
        server.kill9()
        died_with = len(turns_in(database, table.room_id))
        await asyncio.sleep(max(0, due_at - now_ms()) / 1000 + 0.5)
        await asyncio.to_thread(server.start)
        back_at = now_ms()
        newcomer = await people.connect(ann)
        await newcomer.join(table.room_id, role="spectator")
        since = turns_in(database, table.room_id)[died_with:]
        assert since[0].fired is not None
        assert since[0].fired.due_at == due_at
        assert since[0].at - back_at < 2_000
        assert [turn.fired.due_at for turn in since if turn.fired].count(due_at) == 1
        assert any("MEMBER_JOINED" in turn.kinds for turn in since[1:])
