"""PostgreSQL fails in every way: each failure is sorted, and when the server is back, so are we."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from gameroom.errors import Unavailable
from gameroom.rooms.journal import Refused
from gameroom.rooms.records import MAX_RECORD_BYTES
from gameroom.storage import postgres
from gameroom.storage.failures import OutcomeUnknown
from gameroom.storage.lanes import Work
from tests.contract.room_stores import birth, record, unit
from tests.kit.postgres import Postgres, execute, fresh_database
from tests.kit.proxy import Fate, Proxy
from tests.postgres.sessions import DEADLINE_S, Node, Sessions, migrated, through, until

ids = count()

FAILING = """
CREATE TABLE numbers (n integer PRIMARY KEY);
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.n > 0 THEN
        RAISE EXCEPTION 'a secret %', NEW.n USING ERRCODE = current_setting('test.state'), DETAIL = 'a secret';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER at_once BEFORE INSERT ON numbers FOR EACH ROW WHEN (NEW.n = 1) EXECUTE FUNCTION fail();
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON numbers DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.n = 2) EXECUTE FUNCTION fail();
"""
"""A table that does not take 1 at all, and 2 not at COMMIT, both with the error of the test's choice."""


@pytest.fixture(scope="module")
def own_url(own_url: str) -> str:
    execute(own_url, FAILING)
    return own_url


@pytest.fixture
async def node(sessions: Sessions, proxy: Proxy) -> Node:
    return await sessions.node(url=through(proxy, sessions.url))


def inserting(number: int, state: str = "P0001") -> Work[None]:
    def work(connection: Connection) -> None:
        connection.execute(text("SELECT set_config('test.state', :state, true)"), {"state": state})
        connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": number})

    return work


def nothing(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))


def numbers(sessions: Sessions) -> list[int]:
    return [number for (number,) in sessions.ask("SELECT n FROM numbers ORDER BY n")]


# --- what the server says -------------------------------------------------------------------------------------

OF_THE_DATABASE = {
    "08006": "cannot be reached",
    "25006": "read-only",
    "53100": "the disk is full",
    "53200": "short of resources",
    "53300": "no connection to spare",
    "55P03": "locked by another transaction",
    "57014": "too slow",
    "57P01": "stopping or starting",
    "58030": "its machine fails",
    "40001": "busy with other transactions",
    "40P01": "busy with other transactions",
    "42501": "denies its permission",
    "XX001": "is damaged",
}
OF_THE_STATEMENT = ("22003", "42601", "P0001", "XX000")
AT = pytest.mark.parametrize("number", [1, 2], ids=["at a statement", "at COMMIT"])


@AT
@pytest.mark.parametrize("state", OF_THE_DATABASE)
async def test_an_error_of_the_database_is_unavailable_and_certain(
    sessions: Sessions, node: Node, caplog: pytest.LogCaptureFixture, state: str, number: int
) -> None:
    with pytest.raises(Unavailable) as refused:
        await node.database.write(inserting(number, state))
    assert numbers(sessions) == []
    assert OF_THE_DATABASE[state] in caplog.text
    assert "127.0.0.1" not in refused.value.message


@AT
@pytest.mark.parametrize("state", OF_THE_STATEMENT)
async def test_an_error_of_the_statement_is_raised_as_it_is(
    sessions: Sessions, node: Node, state: str, number: int
) -> None:
    with pytest.raises(DBAPIError):
        await node.database.write(inserting(number, state))
    assert numbers(sessions) == []


async def test_details_stay_out_of_errors(node: Node) -> None:
    with pytest.raises(DBAPIError) as refused:
        await node.database.write(inserting(1))
    assert "a secret 1" in str(refused.value.orig)
    assert "DETAIL" not in str(refused.value)
    too_large = unit(record("r", 2, body=b"the secret" * 200_000))
    await node.journal.create(birth("r"))
    (refusal,) = await asyncio.gather(node.journal.append(too_large), return_exceptions=True)
    assert "records_body_size" in str(refusal)
    assert "secret" not in str(refusal)


async def test_who_must_give_way_is_done_again(sessions: Sessions, node: Node) -> None:
    """Two who lock each other out: PostgreSQL shoots one, and both are done in the end."""
    execute(
        sessions.url,
        "CREATE TABLE doors (n integer, taken integer)",
        "INSERT INTO doors VALUES (1, 0), (2, 0)",
    )
    both = asyncio.Barrier(2)
    loop = asyncio.get_running_loop()
    met: list[bool] = []

    def through_doors(first: int, second: int) -> Work[None]:
        def work(connection: Connection) -> None:
            take = text("UPDATE doors SET taken = taken + 1 WHERE n = :n")
            connection.execute(take, {"n": first})
            if len(met) < 2:
                met.append(True)
                asyncio.run_coroutine_threadsafe(both.wait(), loop).result(DEADLINE_S)
            connection.execute(take, {"n": second})

        return work

    await asyncio.gather(node.database.write(through_doors(1, 2)), node.database.write(through_doors(2, 1)))
    assert sessions.ask("SELECT n, taken FROM doors ORDER BY n") == [(1, 2), (2, 2)]


# --- connections ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["write", "read", "append"])
async def test_connections_that_died_in_the_pool_are_replaced(node: Node, proxy: Proxy, kind: str) -> None:
    use = getattr(node.database, kind)
    await use(nothing)
    proxy.cut()
    if kind == "append":  # whatever it was, it may have been stored
        with pytest.raises(OutcomeUnknown):
            await use(nothing)
    await use(nothing)


async def test_while_nobody_gets_in_all_is_unavailable_and_appends_wait(node: Node, proxy: Proxy) -> None:
    room_id = f"f{next(ids)}"
    await node.journal.create(birth(room_id))
    with proxy.refusing():
        append = node.journal.append(unit(record(room_id, 2)))
        for use in (node.database.write, node.database.read):
            with pytest.raises(Unavailable):
                await use(nothing)
        with pytest.raises(Unavailable):
            await node.placement.rooms_of("ann")
        assert not append.done()
    async with asyncio.timeout(DEADLINE_S):
        await append
    assert [stored.seq for stored in await node.journal.read(room_id, -1, 10)] == [1, 2]


async def test_a_statement_cut_off_before_commit_is_unavailable(
    sessions: Sessions, node: Node, proxy: Proxy
) -> None:
    trap = proxy.trap(b"INSERT INTO numbers", Fate.LOSE_ANSWER)
    with pytest.raises(Unavailable):
        await node.database.write(inserting(0))
    assert trap.sprung.is_set()
    assert numbers(sessions) == []


async def test_a_session_that_is_ended_at_commit_leaves_it_unknown(sessions: Sessions, node: Node) -> None:
    """FATAL is not ERROR: it may come when all is done."""

    def work(connection: Connection) -> None:
        inserting(2)(connection)
        ending = text("SELECT pg_backend_pid()")
        pid = connection.scalar(ending)
        sessions.ask("SELECT pg_terminate_backend(%s, 5000)", pid)

    with pytest.raises(OutcomeUnknown):
        await node.database.write(work)
    assert numbers(sessions) == []


# --- a server that hangs --------------------------------------------------------------------------------------


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines are tenths of seconds."""
    monkeypatch.setattr(postgres, "DEADLINE_S", 0.5)
    monkeypatch.setitem(postgres.LIBPQ, "connect_timeout", "2")
    monkeypatch.setitem(postgres._TIMEOUTS, "lock_timeout", "200")
    monkeypatch.setitem(postgres._TIMEOUTS, "statement_timeout", "300")


@pytest.mark.usefixtures("hasty")
async def test_what_hangs_is_given_up_at_its_deadline(node: Node, proxy: Proxy) -> None:
    uses = (node.database.write, node.database.read)
    await asyncio.gather(*(use(nothing) for use in uses))
    with proxy.stalling():
        began = time.monotonic()
        outcomes = await asyncio.gather(*(use(nothing) for use in uses), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Unavailable] * 2
        assert time.monotonic() - began < 0.5 + 2 + 2  # it is cut, then there is no way to connect again
    await asyncio.gather(*(use(nothing) for use in uses))


@pytest.mark.usefixtures("hasty")
async def test_an_append_that_hangs_is_silent_until_its_outcome_is_known(node: Node, proxy: Proxy) -> None:
    room_id = f"f{next(ids)}"
    await node.journal.create(birth(room_id))
    with proxy.stalling():
        append = node.journal.append(unit(record(room_id, 2)))
        with pytest.raises(Unavailable):
            await node.database.read(nothing)
        assert not append.done()
    async with asyncio.timeout(DEADLINE_S):
        await append
    assert [stored.seq for stored in await node.journal.read(room_id, -1, 10)] == [1, 2]


@pytest.mark.usefixtures("hasty")
async def test_a_slow_statement_and_a_lock_of_somebody_else_are_unavailable(
    sessions: Sessions, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    room_id = f"f{next(ids)}"
    await node.journal.create(birth(room_id))
    with pytest.raises(Unavailable):
        await node.database.read(lambda c: c.execute(text("SELECT pg_sleep(5)")).close())
    assert "too slow" in caplog.text
    with sessions.beside.transaction():
        sessions.ask("SELECT FROM rooms WHERE room_id = %s FOR UPDATE", room_id)
        with pytest.raises(Unavailable):
            await node.placement.claim(room_id, "node-b")
        append = node.journal.append(unit(record(room_id, 2)))
        await until(lambda: "locked by another transaction" in caplog.text)
        assert not append.done()
    async with asyncio.timeout(DEADLINE_S):
        await append


# --- a server of one's own: stopped, killed, frozen -----------------------------------------------------------


@pytest.fixture(scope="module")
def mortal(new_postgres: Callable[..., Postgres]) -> Iterator[Postgres]:
    with new_postgres() as server:
        yield server


async def test_a_server_that_goes_and_comes_back_costs_a_pause(mortal: Postgres) -> None:
    with fresh_database(mortal.url) as url:
        sessions = Sessions(migrated(url))
        node = await sessions.node()
        await node.journal.create(birth("r"))
        seq = 1
        for end in (mortal.stop, mortal.kill):
            end()
            append = node.journal.append(unit(record("r", seq + 1)))
            with pytest.raises(Unavailable):
                await node.database.write(nothing)
            await asyncio.to_thread(mortal.start)
            async with asyncio.timeout(DEADLINE_S):
                await append
            await node.database.write(nothing)
            seq += 1
        mortal.freeze()
        append = node.journal.append(unit(record("r", seq + 1)))
        mortal.thaw()
        async with asyncio.timeout(DEADLINE_S):
            await append
        assert [stored.seq for stored in await node.journal.read("r", -1, 10)] == [1, 2, 3, 4]
        await sessions.close()


# --- one unit at fault ----------------------------------------------------------------------------------------

AT_FAULT = {
    "too large": record("at-fault", 2, body=b"b" * (MAX_RECORD_BYTES + 1)),
    "beyond 64 bits": record("at-fault", 2**64),
    "not storable text": record("at-fault", 2, command=("\ud800", "c1")),
    "text with a zero byte": record("at-fault", 2, command=("ann", "c\x001")),
    "a seq that is taken": record("at-fault", 1, body=b"another"),
}


@pytest.mark.parametrize("fault", AT_FAULT)
async def test_only_the_unit_at_fault_is_refused(node: Node, fault: str) -> None:
    others = [f"f{next(ids)}" for _ in range(5)]
    for room_id in (*others, "at-fault"):
        with suppress(Unavailable):  # it is there from the case before
            await node.journal.create(birth(room_id))
    units = [unit(AT_FAULT[fault]), *(unit(record(room_id, 2)) for room_id in others)]
    bad, *outcomes = await asyncio.gather(*map(node.journal.append, units), return_exceptions=True)
    assert isinstance(bad, Refused)
    assert outcomes == [None] * 5
    assert [stored.seq for stored in await node.journal.read("at-fault", -1, 10)] == [1]
