"""What was sent to PostgreSQL and not answered: nobody is told of it before it is known, and it is done once."""

import asyncio
from itertools import count

import pytest

from gameroom.identity.accounts import Caller, Registration
from gameroom.identity.identity import Identity, build_identity
from gameroom.rooms.journal import Fenced
from gameroom.rooms.records import Position
from gameroom.storage import postgres
from gameroom.storage.epochs import SqlEpochs
from tests.contract.identity_stores import family, guest, in_sql
from tests.contract.room_stores import birth, listing, record, sealed, snapshot, unit
from tests.kit.postgres import execute
from tests.kit.proxy import Fate, Proxy
from tests.postgres.sessions import DEADLINE_S, GATES, Gate, Node, Sessions, through, until
from tests.unit.identity.hand_clock import HandClock
from tests.unit.identity.parts import KEYS, POLICY

ids = count()

APPEND, CLAIM, RELEASE, SNAPSHOT = (
    b"INSERT INTO records",
    b"SET home=",
    b"SET home=",
    b"INSERT INTO snapshots",
)
COMMIT = b"COMMIT"

unanswered = pytest.mark.parametrize(
    "fate", [Fate.CUT, Fate.LOSE_ANSWER, Fate.LOSE_END], ids=lambda fate: fate.name
)


@pytest.fixture(scope="module")
def own_url(own_url: str) -> str:
    execute(own_url, *GATES)
    return own_url


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that hangs is cut after a moment."""
    monkeypatch.setattr(postgres, "DEADLINE_S", 1.0)


@pytest.fixture
async def node(sessions: Sessions, proxy: Proxy) -> Node:
    """It reaches the database by way of the proxy; its sessions are called `node`."""
    return await sessions.node(url=through(proxy, sessions.url))


@pytest.fixture
async def room(node: Node) -> str:
    room_id = f"d{next(ids)}"
    await node.journal.create(birth(room_id))
    return room_id


async def seqs(node: Node, room_id: str) -> list[int]:
    return [stored.seq for stored in await node.journal.read(room_id, -1, 100)]


# --- the answer is lost ---------------------------------------------------------------------------------------


@unanswered
async def test_an_append_without_an_answer_is_stored_once(
    node: Node, proxy: Proxy, room: str, fate: Fate
) -> None:
    appended = unit(
        record(room, 2, command=("ann", "c1")), record(room, 3), listing=listing(room, members=("ann", "bob"))
    )
    trap = proxy.trap(APPEND, fate)
    await node.journal.append(appended)
    assert trap.sprung.is_set()
    await node.journal.append(unit(record(room, 4)))
    assert await seqs(node, room) == [1, 2, 3, 4]
    assert room in await node.placement.rooms_of("bob")


@unanswered
async def test_of_a_batch_without_an_answer_each_unit_is_stored_once(
    node: Node, proxy: Proxy, fate: Fate
) -> None:
    rooms = [f"d{next(ids)}" for _ in range(5)]
    for room_id in rooms:
        await node.journal.create(birth(room_id))
    trap = proxy.trap(APPEND, fate)
    await asyncio.gather(*(node.journal.append(unit(record(room_id, 2))) for room_id in rooms))
    assert trap.sprung.is_set()
    assert [await seqs(node, room_id) for room_id in rooms] == [[1, 2]] * 5


@unanswered
async def test_a_claim_without_an_answer_is_one_claim_and_still_clean(
    node: Node, proxy: Proxy, room: str, fate: Fate
) -> None:
    await node.placement.release(room, 1)
    trap = proxy.trap(CLAIM, fate)
    claim = await node.placement.claim(room, "node-b")
    assert trap.sprung.is_set()
    assert claim is not None
    assert (claim.term, claim.clean) == (2, True)
    await node.journal.append(unit(record(room, 2, term=2)))


@unanswered
async def test_a_release_and_a_snapshot_without_an_answer_are_done(
    node: Node, proxy: Proxy, room: str, fate: Fate
) -> None:
    saving = proxy.trap(SNAPSHOT, fate)
    await node.journal.save_snapshot(snapshot(room, 1))
    releasing = proxy.trap(RELEASE, fate)
    await node.placement.release(room, 1)
    assert saving.sprung.is_set()
    assert releasing.sprung.is_set()
    assert (await node.journal.recover(room)).snapshot == snapshot(room, 1)
    with pytest.raises(Fenced):
        await node.journal.append(unit(record(room, 2)))


@unanswered
@pytest.mark.parametrize("command_id", ["c1", None])
async def test_a_create_without_an_answer_makes_one_room_and_is_no_repeat(
    node: Node, proxy: Proxy, fate: Fate, command_id: str | None
) -> None:
    room_id, creator = f"d{next(ids)}", f"u{next(ids)}"
    trap = proxy.trap(COMMIT, fate)
    born = await node.journal.create(birth(room_id, creator=creator, command_id=command_id))
    assert trap.sprung.is_set()
    assert (born.room_id, born.repeated) == (room_id, False)
    assert await seqs(node, room_id) == [1]


@unanswered
async def test_an_account_whose_commit_has_no_answer_is_there_once(
    node: Node, proxy: Proxy, fate: Fate
) -> None:
    identity = identity_of(node)
    ada = Registration(username=f"Ada{next(ids)}", password="correct horse")
    trap = proxy.trap(COMMIT, fate)
    entered = await identity.accounts.register(ada, None)
    assert trap.sprung.is_set()
    assert entered.created
    assert (await identity.sign_ins.refresh(entered.refresh_token.token)).account == entered.account


def identity_of(node: Node) -> Identity:
    return build_identity(in_sql(node.database), POLICY, KEYS, HandClock())


# --- ghosts: what was sent is done later ----------------------------------------------------------------------


async def test_an_append_that_arrives_late_finds_itself_stored(node: Node, proxy: Proxy, room: str) -> None:
    """It was held in the network, and the sender cut off; another copy was stored meanwhile."""
    trap = proxy.trap(APPEND, Fate.HOLD)
    await node.journal.append(unit(record(room, 2)))
    await node.journal.append(unit(record(room, 3)))
    assert trap.sprung.is_set()
    trap.released.set()
    await until(trap.answered.is_set)
    await node.journal.append(unit(record(room, 4)))
    assert await seqs(node, room) == [1, 2, 3, 4]


async def test_an_append_that_arrives_after_a_claim_is_not_stored(
    sessions: Sessions, node: Node, proxy: Proxy, room: str
) -> None:
    other = await sessions.node("other")
    trap = proxy.trap(APPEND, Fate.HOLD)
    append = node.journal.append(unit(record(room, 2)))
    await until(trap.sprung.is_set)
    async with asyncio.timeout(DEADLINE_S):
        claim = await other.placement.claim(room, "node-b")
    assert claim is not None
    assert await seqs(other, room) == [1]
    trap.released.set()
    await until(trap.answered.is_set)
    with pytest.raises(Fenced):
        await append
    await other.journal.append(unit(record(room, 2, term=claim.term, body=b"another")))
    assert await seqs(other, room) == [1, 2]


async def test_a_claim_that_arrives_late_takes_nothing(node: Node, proxy: Proxy, room: str) -> None:
    """Its copy was made meanwhile: from the term that it knew, not from any."""
    trap = proxy.trap(CLAIM, Fate.HOLD)
    claim = await node.placement.claim(room, "node-b")
    assert trap.sprung.is_set()
    assert claim is not None
    trap.released.set()
    await until(trap.answered.is_set)
    await node.journal.append(unit(record(room, 2, term=claim.term)))


@pytest.mark.parametrize("dies", [False, True], ids=["the ghost commits", "the ghost is rolled back"])
async def test_a_doubt_waits_for_its_ghost(
    sessions: Sessions, node: Node, proxy: Proxy, room: str, dies: bool
) -> None:
    """The append is under way in the server, seen by nobody, when its sender is cut off."""
    appended = unit(record(room, 2, command=("ann", "c1")), listing=listing(room, members=("bob",)))
    gate = Gate(sessions, "node")
    append = node.journal.append(appended)
    await sessions.until_waiting("node", append)
    (ghost,) = sessions.waiting("node")
    proxy.cut()
    await until(lambda: len(sessions.waiting("node")) == 2)  # the ghost, and who waits for it
    assert not append.done()
    if dies:
        sessions.ask("SELECT pg_terminate_backend(%s)", ghost)
    gate.open()
    async with asyncio.timeout(DEADLINE_S):
        await append
    assert await seqs(node, room) == [1, 2]
    assert room in await node.placement.rooms_of("bob")


async def test_a_create_in_doubt_waits_for_its_ghost(sessions: Sessions, node: Node, proxy: Proxy) -> None:
    """Its COMMIT arrives while the second attempt waits for it at the unique index: it is no other's room."""
    room_id, creator = f"d{next(ids)}", f"u{next(ids)}"
    trap = proxy.trap(COMMIT, Fate.HOLD)
    creating = asyncio.ensure_future(node.journal.create(birth(room_id, creator=creator, command_id="c1")))
    await until(trap.sprung.is_set)
    await sessions.until_waiting("node", creating)
    assert not creating.done()
    trap.released.set()
    async with asyncio.timeout(DEADLINE_S):
        born = await creating
    assert (born.room_id, born.repeated) == (room_id, False)
    assert await seqs(node, room_id) == [1]


async def test_a_claim_in_doubt_waits_for_its_ghost(
    sessions: Sessions, node: Node, proxy: Proxy, room: str
) -> None:
    await node.placement.release(room, 1)
    gate = Gate(sessions, "node")
    claiming = asyncio.ensure_future(node.placement.claim(room, "node-b"))
    await sessions.until_waiting("node", claiming)
    proxy.cut()
    await until(lambda: len(sessions.waiting("node")) == 2)
    gate.open()
    async with asyncio.timeout(DEADLINE_S):
        claim = await claiming
    assert claim is not None
    assert (claim.term, claim.clean) == (2, True)


async def test_a_new_epoch_in_doubt_waits_for_its_ghost(sessions: Sessions, node: Node, proxy: Proxy) -> None:
    """What the first attempt has begun is seen by nobody, and is not begun again behind itself."""
    room_id = f"d{next(ids)}"
    await node.journal.create(birth(room_id, first=sealed(room_id, 1)))
    trap = proxy.trap(COMMIT, Fate.HOLD)
    beginning = asyncio.ensure_future(SqlEpochs(node.database).begin(room_id, 1_000))
    await until(trap.sprung.is_set)
    await sessions.until_waiting("node", beginning)
    assert not beginning.done()
    trap.released.set()
    async with asyncio.timeout(DEADLINE_S):
        assert await beginning == Position(epoch=4, seq=2, at=1_000)
    assert await seqs(node, room_id) == [1, 2]


async def test_an_upgrade_in_doubt_waits_for_its_ghost(sessions: Sessions, node: Node, proxy: Proxy) -> None:
    """The second attempt finds a full account: made by the first, not by somebody else."""
    stores, gus, name = in_sql(node.database), guest(), f"Gus{next(ids)}"
    first = family(gus)
    await stores.accounts.add(gus, None, first)
    trap = proxy.trap(COMMIT, Fate.HOLD)
    by = Caller(gus.user_id, first.sign_in_id)
    upgrading = asyncio.ensure_future(stores.accounts.upgrade(by, name, "hash", family(gus)))
    await until(trap.sprung.is_set)
    await sessions.until_waiting("node", upgrading)
    assert not upgrading.done()
    trap.released.set()
    async with asyncio.timeout(DEADLINE_S):
        upgraded = await upgrading
    assert upgraded is not None
    assert upgraded.username == name
