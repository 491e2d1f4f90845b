"""What people do at the same moment on several nodes: races that one writer thread hides."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import pytest
from sqlalchemy import Connection

from gameroom.errors import AccountSuspended, InvalidCredentials, Unauthenticated, UsernameTaken
from gameroom.identity.account import Account, Suspension
from gameroom.identity.accounts import Caller, NewPassword, Once
from gameroom.identity.family import Family
from gameroom.identity.identity import IdentityStores
from gameroom.identity.revocations import Revocation, Revocations
from gameroom.identity.sign_ins import Holder
from gameroom.identity.tickets import Ticket
from gameroom.storage import accounts
from tests.contract.identity_stores import DAY, NOW, family, guest, in_sql, once, user
from tests.contract.room_stores import birth, listing
from tests.kit.postgres import execute
from tests.postgres.sessions import DEADLINE_S, GATE, Gate, Node, Sessions
from tests.unit.identity.hand_clock import HandClock

ids = count()

GATES = (
    GATE,
    "CREATE TRIGGER gate BEFORE INSERT ON sign_ins FOR EACH ROW EXECUTE FUNCTION wait_at_gate()",
    "CREATE TRIGGER gate AFTER UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION wait_at_gate()",
    "CREATE TRIGGER gate AFTER INSERT ON revocations FOR EACH ROW EXECUTE FUNCTION wait_at_gate()",
)


@pytest.fixture(scope="module")
def own_url(own_url: str) -> str:
    execute(own_url, *GATES)
    return own_url


@pytest.fixture
async def nodes(sessions: Sessions) -> dict[str, Node]:
    return {name: await sessions.node(name) for name in ("slow", "quick")}


@pytest.fixture
def slow(nodes: dict[str, Node]) -> IdentityStores:
    """The stores of a node that waits at its gates."""
    return in_sql(nodes["slow"].database)


@pytest.fixture
def quick(nodes: dict[str, Node]) -> IdentityStores:
    return in_sql(nodes["quick"].database)


async def ada(stores: IdentityStores) -> tuple[Account, Family]:
    """A new account with its first sign-in."""
    account = user(f"Ada{next(ids)}")
    first = family(account)
    await stores.accounts.add(account, None, first)
    return account, first


# --- who signs in while the account changes -------------------------------------------------------------------

Change = Callable[[IdentityStores, Account, Family], Awaitable[object]]


def change_password(stores: IdentityStores, account: Account, stays: Family) -> Awaitable[object]:
    assert account.password_hash is not None
    change = NewPassword(
        by=Caller(account.user_id, stays.sign_in_id),
        old_hash=account.password_hash,
        new_hash=f"new {account.user_id}",
        at=NOW,
    )
    return stores.accounts.change_password(change)


CHANGES: dict[str, tuple[Change, type[Exception]]] = {
    "another password": (change_password, InvalidCredentials),
    "a suspension": (lambda s, a, _: s.accounts.suspend(a.user_id, Suspension(None), NOW), AccountSuspended),
    "deletion": (lambda s, a, f: s.accounts.delete(Caller(a.user_id, f.sign_in_id), NOW), Unauthenticated),
}
changes = pytest.mark.parametrize(("change", "refusal"), CHANGES.values(), ids=CHANGES.keys())


@changes
async def test_a_sign_in_on_its_way_is_ended_by_what_changes_the_account(
    sessions: Sessions,
    slow: IdentityStores,
    quick: IdentityStores,
    change: Change,
    refusal: type[Exception],
) -> None:
    """It was let in with what held a moment ago; whoever changes that must find it."""
    account, first = await ada(quick)
    gate, late = Gate(sessions, "slow"), family(account)
    opening = asyncio.ensure_future(slow.sign_ins.open(late, account.password_hash))
    await sessions.until_waiting("slow", opening)
    changing = asyncio.ensure_future(change(quick, account, first))
    await sessions.until_waiting("quick", changing)
    gate.open()
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.gather(opening, changing)
    holder = await quick.sign_ins.holder(late.sign_in_id)
    assert holder is None or holder.ended
    assert late.sign_in_id in {each.sign_in_id for each in await quick.revocations.revocations(0, 1000)}


@changes
async def test_a_change_on_its_way_refuses_who_signs_in_with_what_was(
    sessions: Sessions,
    slow: IdentityStores,
    quick: IdentityStores,
    change: Change,
    refusal: type[Exception],
) -> None:
    account, first = await ada(quick)
    gate, late = Gate(sessions, "slow"), family(account)
    changing = asyncio.ensure_future(change(slow, account, first))
    await sessions.until_waiting("slow", changing)
    opening = asyncio.ensure_future(quick.sign_ins.open(late, account.password_hash))
    await sessions.until_waiting("quick", opening)
    gate.open()
    async with asyncio.timeout(DEADLINE_S):
        await changing
        with pytest.raises(refusal):
            await opening
    assert await quick.sign_ins.holder(late.sign_in_id) is None


# --- revocations ----------------------------------------------------------------------------------------------


async def test_a_revocation_that_commits_late_is_heard_by_the_next_poll(
    sessions: Sessions, slow: IdentityStores, quick: IdentityStores
) -> None:
    """Numbers are given in another order than they become visible."""
    heard: list[Revocation] = []
    revocations = Revocations(quick.revocations, HandClock())
    revocations.watch(heard.append)
    (one, _), (two, _) = await ada(quick), await ada(quick)
    gate = Gate(sessions, "slow")
    late = asyncio.ensure_future(slow.sign_ins.end_all(one.user_id, NOW))
    await sessions.until_waiting("slow", late)
    await quick.sign_ins.end_all(two.user_id, NOW)
    await revocations.poll()
    assert heard[-1].user_id == two.user_id
    assert one.user_id not in {each.user_id for each in heard}
    gate.open()
    await late
    await revocations.poll()
    assert heard[-1].user_id == one.user_id
    assert heard[-1].number < heard[-2].number
    assert len({each.number for each in heard}) == len(heard)


# --- many at once ---------------------------------------------------------------------------------------------


def on_both(slow: IdentityStores, quick: IdentityStores, each: int = 6) -> list[IdentityStores]:
    return [slow, quick] * each


async def test_a_name_a_device_and_a_key_are_taken_once_on_all_nodes(
    slow: IdentityStores, quick: IdentityStores
) -> None:
    name, device, key = f"Bob{next(ids)}", b"d" * 32, b"r" * 32
    people = [user(name) for _ in on_both(slow, quick)]
    adds = [s.accounts.add(p, None, family(p)) for s, p in zip(on_both(slow, quick), people, strict=True)]
    outcomes = await asyncio.gather(*adds, return_exceptions=True)
    assert sum(isinstance(outcome, UsernameTaken) for outcome in outcomes) == len(people) - 1
    guests = [guest(device) for _ in people]
    adds = [s.accounts.add(g, None, family(g)) for s, g in zip(on_both(slow, quick), guests, strict=True)]
    assert sorted(added.created for added in await asyncio.gather(*adds) if added) == [False] * 11 + [True]
    others = [guest() for _ in people]
    adds = [
        s.accounts.add(g, once(key), family(g)) for s, g in zip(on_both(slow, quick), others, strict=True)
    ]
    assert sum(added is not None for added in await asyncio.gather(*adds)) == 1


async def test_a_name_that_the_same_request_took_meanwhile_is_not_taken_by_another(
    slow: IdentityStores, quick: IdentityStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent to two nodes: one stores it when the other has looked for its key, and not yet for the name."""
    name, key, loop = f"Bob{next(ids)}", b"m" * 32, asyncio.get_running_loop()
    look = accounts.remembers

    def look_and_be_overtaken(connection: Connection, once: Once) -> bool:
        seen = look(connection, once)
        monkeypatch.setattr(accounts, "remembers", look)
        overtaking = quick.accounts.add(winner := user(name), once, family(winner))
        assert asyncio.run_coroutine_threadsafe(overtaking, loop).result(DEADLINE_S) is not None
        return seen

    monkeypatch.setattr(accounts, "remembers", look_and_be_overtaken)
    loser = user(name)
    assert await slow.accounts.add(loser, once(key), family(loser)) is None


async def test_a_ticket_opens_one_socket_on_all_nodes(slow: IdentityStores, quick: IdentityStores) -> None:
    account, first = await ada(quick)
    for number in range(5):
        ticket = Ticket(
            ticket_hash=bytes([number]) * 32,
            sign_in_id=first.sign_in_id,
            token_expires_at=NOW + DAY,
            expires_at=NOW + 30_000,
        )
        await quick.tickets.keep(ticket, NOW)
        taken = await asyncio.gather(*(s.tickets.take(ticket.ticket_hash) for s in on_both(slow, quick)))
        (only,) = [each for each in taken if each is not None]
        assert only.holder == Holder(account, ended=False)


async def test_what_has_expired_is_forgotten_by_many_at_once(
    sessions: Sessions, slow: IdentityStores, quick: IdentityStores
) -> None:
    """Everybody who signs in clears away: nobody fails for it."""
    account, _ = await ada(quick)
    for _ in range(3):
        for _ in range(30):
            await quick.sign_ins.open(family(account, expires_at=NOW - 8 * DAY))
        opened = [family(account) for _ in on_both(slow, quick)]
        await asyncio.gather(
            *(s.sign_ins.open(each) for s, each in zip(on_both(slow, quick), opened, strict=True))
        )
    ((left,),) = sessions.ask("SELECT count(*) FROM sign_ins WHERE expires_at < %s", NOW)
    assert left <= 1


async def test_one_create_makes_one_room_on_all_nodes(nodes: dict[str, Node]) -> None:
    births = [birth(f"twin-{n}", creator="twin", command_id="c1") for n in range(12)]
    creates = [
        nodes[name].journal.create(each) for name, each in zip(["slow", "quick"] * 6, births, strict=True)
    ]
    born = await asyncio.gather(*creates)
    assert len({each.room_id for each in born}) == 1
    assert sorted(each.repeated for each in born) == [False] + [True] * 11


async def test_an_invite_code_leads_to_one_room(nodes: dict[str, Node]) -> None:
    births = [birth(f"code-{n}", listed=listing(f"code-{n}", code="SAME")) for n in range(12)]
    creates = [
        nodes[name].journal.create(each) for name, each in zip(["slow", "quick"] * 6, births, strict=True)
    ]
    born = [
        each
        for each in await asyncio.gather(*creates, return_exceptions=True)
        if not isinstance(each, Exception)
    ]
    assert [each.room_id for each in born] == [await nodes["quick"].placement.room_of_code("SAME")]
