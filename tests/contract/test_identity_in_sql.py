"""Identity in SQL, beyond its contract: doubts are settled, and who writes does not wait for strangers."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Table, func, select

from gameroom.errors import TokenReused, Unauthenticated, Unavailable
from gameroom.identity.access import Principal
from gameroom.identity.accounts import Caller, Entered, Registration
from gameroom.identity.identity import Identity, build_identity
from gameroom.identity.sign_ins import Refreshed
from gameroom.storage.engine import Database
from gameroom.storage.failures import OutcomeUnknown
from gameroom.storage.lanes import Work
from gameroom.storage.tables import sign_ins, users
from tests.contract.identity_stores import fresh_database, in_sql
from tests.unit.identity.hand_clock import HandClock
from tests.unit.identity.parts import KEYS, POLICY

ADA = Registration(username="Ada", password="correct horse")
KEY, DEVICE = "key-0123456789-abcdef", "device-0123456789"
DEADLINE_S = 10


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """SQLite: what is injected here is done to a real PostgreSQL in `tests/postgres`."""
    async with fresh_database(tmp_path) as database:
        yield database


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def identity(database: Database, clock: HandClock) -> Identity:
    return build_identity(in_sql(database), POLICY, KEYS, clock)


# --- a COMMIT whose outcome is unknown ------------------------------------------------------------------------


class Commits:
    """Lets the next writes end as it was told: `stored` or `lost`, and nobody knows which; or `away`."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fates: list[str] = []
        self._write = database.write
        monkeypatch.setattr(database, "write", self._write_in_doubt)
        monkeypatch.setattr("gameroom.storage.insistence.PAUSES_S", (0, 0, 0))

    async def _write_in_doubt(self, work: Work[object]) -> object:
        fate = self.fates.pop(0) if self.fates else "well"
        if fate == "away":
            raise Unavailable("The database is away")
        result = None if fate == "lost" else await self._write(work)
        if fate == "well":
            return result
        raise OutcomeUnknown("COMMIT failed")


@pytest.fixture
def commits(database: Database, monkeypatch: pytest.MonkeyPatch) -> Commits:
    return Commits(database, monkeypatch)


in_doubt = pytest.mark.parametrize(
    "fates", [["stored"], ["lost"], ["stored", "away", "lost"], ["lost", "away", "stored"]], ids="-".join
)

Enter = Callable[[Identity], Awaitable[Entered]]
ENTRANCES: dict[str, Enter] = {
    "register": lambda identity: identity.accounts.register(ADA, None),
    "register-with-key": lambda identity: identity.accounts.register(ADA, KEY),
    "guest": lambda identity: identity.accounts.guest(None, "Gus", None),
    "guest-with-key": lambda identity: identity.accounts.guest(DEVICE, "Gus", KEY),
}


@in_doubt
@pytest.mark.parametrize("enter", ENTRANCES.values(), ids=ENTRANCES.keys())
async def test_who_enters_in_doubt_has_entered_once(
    identity: Identity, database: Database, commits: Commits, enter: Enter, fates: list[str]
) -> None:
    commits.fates = list(fates)
    entered = await enter(identity)
    assert not commits.fates
    assert entered.created
    refreshed = await identity.sign_ins.refresh(entered.refresh_token.token)
    assert refreshed.account == entered.account
    assert await count(database, users) == 1
    assert await count(database, sign_ins) == 1


async def count(database: Database, table: Table) -> int:
    return await database.read(lambda c: c.execute(select(func.count()).select_from(table)).scalar_one())


@in_doubt
async def test_a_known_device_in_doubt_is_not_a_new_guest(
    identity: Identity, commits: Commits, fates: list[str]
) -> None:
    first = await identity.accounts.guest(DEVICE, None, None)
    commits.fates = list(fates)
    again = await identity.accounts.guest(DEVICE, None, None)
    assert (again.account, again.created) == (first.account, False)


@in_doubt
async def test_a_sign_in_opened_in_doubt_is_there_once(
    identity: Identity, database: Database, commits: Commits, fates: list[str]
) -> None:
    ada = await identity.accounts.register(ADA, KEY)
    commits.fates = list(fates)
    again = await identity.accounts.register(ADA, KEY)
    assert (await identity.sign_ins.refresh(again.refresh_token.token)).account == ada.account
    assert await count(database, sign_ins) == 2


@in_doubt
async def test_a_refresh_in_doubt_gives_the_living_token(
    identity: Identity, commits: Commits, fates: list[str]
) -> None:
    first = (await identity.accounts.register(ADA, None)).refresh_token.token
    commits.fates = list(fates)
    second = (await identity.sign_ins.refresh(first)).refresh_token.token
    assert isinstance(await identity.sign_ins.refresh(second), Refreshed)
    with pytest.raises(TokenReused):
        await identity.sign_ins.refresh(first)


@in_doubt
async def test_what_ends_in_doubt_has_ended_and_is_told_once(
    identity: Identity, database: Database, commits: Commits, fates: list[str]
) -> None:
    ada = await identity.accounts.register(ADA, None)
    other = await identity.sign_ins.open(ada.account.user_id)
    commits.fates = list(fates)
    await identity.sign_ins.end(other.token)
    commits.fates = list(fates)
    await identity.accounts.suspend(ada.account.user_id, None)
    told = await in_sql(database).revocations.revocations(0, 10)
    assert [(each.sign_in_id, each.why) for each in told] == [
        (other.sign_in_id, "signed_out"),
        (ada.refresh_token.sign_in_id, "suspended"),
    ]


def caller(entered: Entered) -> Caller:
    return Caller(entered.account.user_id, entered.refresh_token.sign_in_id)


@in_doubt
async def test_what_owners_do_in_doubt_is_done_once(
    identity: Identity, database: Database, commits: Commits, fates: list[str]
) -> None:
    gus = caller(await identity.accounts.guest(DEVICE, "Gus", None))
    commits.fates = list(fates)
    upgraded = await identity.changes.upgrade(gus, "Gus", "correct horse")
    assert (await identity.sign_ins.refresh(upgraded.refresh_token.token)).account == upgraded.account
    assert await count(database, sign_ins) == 2
    commits.fates = list(fates)
    await identity.changes.password(caller(upgraded), "correct horse", "another horse")
    assert (await identity.accounts.authenticate("Gus", "another horse")).user_id == gus.user_id
    commits.fates = list(fates)
    await identity.changes.delete(caller(upgraded))
    assert not commits.fates
    assert await count(database, users) == 0
    assert len({each.sign_in_id for each in await in_sql(database).revocations.revocations(0, 10)}) == 2


@pytest.mark.parametrize("fate", ["stored", "lost"])
async def test_a_ticket_in_doubt_opens_one_socket_at_most(
    identity: Identity, clock: HandClock, commits: Commits, fate: str
) -> None:
    ada = await identity.accounts.register(ADA, None)
    commits.fates = [fate]
    bought = await identity.tickets.issue(ada.refresh_token.sign_in_id, clock.now() + 900_000)
    commits.fates = [fate]
    results = [await redeemed(identity, bought.ticket) for _ in range(2)]
    assert results == [fate == "lost", False]


async def redeemed(identity: Identity, ticket: str) -> bool:
    try:
        return isinstance(await identity.access.redeem(ticket), Principal)
    except Unauthenticated:
        return False


async def test_a_doubt_that_cannot_be_settled_is_never_called_unavailable(
    identity: Identity, commits: Commits
) -> None:
    commits.fates = ["lost", "away", "away", "away"]
    with pytest.raises(OutcomeUnknown):
        await identity.accounts.register(ADA, None)


# --- who waits behind whom ------------------------------------------------------------------------------------


@asynccontextmanager
async def busy_writer(database: Database) -> AsyncIterator[None]:
    """Meanwhile a write is under way, and whoever wants to write waits."""
    may_end = threading.Event()

    def work(_: Connection) -> None:
        assert may_end.wait(DEADLINE_S)

    writing = asyncio.ensure_future(database.write(work))
    try:
        yield
    finally:
        may_end.set()
        await writing


STRANGERS: dict[str, Callable[[Identity, str], Awaitable[object]]] = {
    "refreshes-with-junk": lambda identity, _: identity.sign_ins.refresh("made.up"),
    "signs-out-with-junk": lambda identity, _: identity.sign_ins.end("made.up"),
    "has-a-ticket-of-junk": lambda identity, _: identity.access.redeem("made-up"),
    "refreshes-what-has-ended": lambda identity, ended: identity.sign_ins.refresh(ended),
    "uses-a-token-again-of-what-has-ended": lambda identity, ended: identity.sign_ins.refresh(ended + "x"),
    "signs-out-once-more": lambda identity, ended: identity.sign_ins.end(ended),
}


@pytest.mark.parametrize("knock", STRANGERS.values(), ids=STRANGERS.keys())
async def test_who_has_nothing_to_write_does_not_queue_with_writers(
    identity: Identity, database: Database, knock: Callable[[Identity, str], Awaitable[object]]
) -> None:
    ended = (await identity.accounts.register(ADA, None)).refresh_token.token
    await identity.sign_ins.end(ended)
    async with busy_writer(database), asyncio.timeout(DEADLINE_S / 2):
        (outcome,) = await asyncio.gather(knock(identity, ended), return_exceptions=True)
    assert outcome is None or isinstance(outcome, Unauthenticated)
