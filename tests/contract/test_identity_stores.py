"""One contract, whatever implements it: what identity may rely on, in memory as in SQL."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection

from gameroom.errors import AccountSuspended, IdReused, UsernameTaken
from gameroom.identity.account import Account, Suspension
from gameroom.identity.accounts import Added, Once
from gameroom.identity.family import Family
from gameroom.identity.identity import IdentityStores
from gameroom.identity.sign_ins import Holder, Step
from gameroom.identity.tickets import Taken, Ticket
from gameroom.ids import new_id
from gameroom.storage.cards import CARDS_AT_ONCE, SqlCards
from gameroom.storage.engine import Database
from gameroom.storage.users import account_named
from tests.contract.identity_stores import (
    DAY,
    NOW,
    add,
    family,
    fresh_database,
    guest,
    in_sql,
    once,
    user,
)


@pytest.fixture
def stores(identity_stores: IdentityStores) -> IdentityStores:
    return identity_stores


async def created(stores: IdentityStores, account: Account, once: Once | None = None) -> bool:
    """Whether adding it made a new account, rather than finding one; a key that is there already fails."""
    added = await add(stores, account, once)
    assert added is not None
    return added.created


# --- accounts -------------------------------------------------------------------------------------------------


async def test_an_account_comes_back_as_it_was_stored(stores: IdentityStores) -> None:
    full = replace(
        user("Ada"),
        device_hash=b"d" * 32,
        avatar_url="https://example.org/a.png",
        roles=("admin", "qa"),
        metadata={"level": 3, "tags": ["a", "ü"]},
        suspension=Suspension(NOW),  # which ended at that moment
    )
    await add(stores, full)
    assert await stores.accounts.find_by_username("Ada") == full
    assert await stores.accounts.find_by_username("nobody") is None


async def test_names_are_found_and_unique_whatever_the_case(stores: IdentityStores) -> None:
    ada = user("Ada")
    assert await add(stores, ada) == Added(ada, created=True)
    assert await stores.accounts.find_by_username("aDA") == ada
    assert await stores.accounts.find_by_username("adah") is None
    with pytest.raises(UsernameTaken):
        await add(stores, user("ADA"))


async def test_any_number_of_guests_have_no_name(stores: IdentityStores) -> None:
    for _ in range(3):
        assert await created(stores, guest())


async def test_a_race_for_a_name_has_one_winner(stores: IdentityStores) -> None:
    race = [add(stores, user(name)) for name in ("ada", "ADA", "Ada", "aDa") for _ in range(5)]
    results = await asyncio.gather(*race, return_exceptions=True)
    losers = [result for result in results if isinstance(result, UsernameTaken)]
    (winner,) = [result for result in results if isinstance(result, Added)]
    assert len(losers) == len(race) - 1
    assert winner.created
    assert await stores.accounts.find_by_username("ada") == winner.account


async def test_a_race_for_a_device_makes_one_guest(stores: IdentityStores) -> None:
    results = await asyncio.gather(*[add(stores, guest(b"d" * 32)) for _ in range(10)])
    added = [each for each in results if each is not None]
    assert len({each.account.user_id for each in added}) == 1
    assert len(added) == 10
    assert sum(each.created for each in added) == 1


async def test_a_race_with_one_key_makes_one_account(stores: IdentityStores) -> None:
    results = await asyncio.gather(*[add(stores, user("Ada"), once()) for _ in range(10)])
    (winner,) = [each for each in results if each is not None]
    assert winner.created
    assert await stores.accounts.find_by_key(once()) == winner.account


async def test_a_key_finds_its_account_and_refuses_other_content(stores: IdentityStores) -> None:
    assert await stores.accounts.find_by_key(once()) is None
    gus = guest()
    assert await created(stores, gus, once())
    assert await stores.accounts.find_by_key(once()) == gus
    with pytest.raises(IdReused):
        await stores.accounts.find_by_key(once(content=b"x" * 32))
    assert await created(stores, guest(), once(key=b"other"))


async def test_an_add_with_a_known_key_changes_nothing(stores: IdentityStores) -> None:
    await add(stores, guest(), once())
    ada = user("Ada")
    sign_in = family(ada)
    for content in (b"c" * 32, b"x" * 32):
        assert await stores.accounts.add(ada, once(content=content), sign_in) is None
    assert await stores.accounts.find_by_username("Ada") is None
    assert await stores.sign_ins.holder(sign_in.sign_in_id) is None


async def test_a_refused_add_remembers_no_key(stores: IdentityStores) -> None:
    await add(stores, user("Ada"))
    with pytest.raises(UsernameTaken):
        await add(stores, user("Ada"), once())
    assert await created(stores, user("Bob"), once(content=b"x" * 32))


async def test_a_key_is_forgotten_after_a_day(stores: IdentityStores) -> None:
    gus = guest()
    await add(stores, gus, once())
    assert await stores.accounts.find_by_key(once(at=NOW + DAY - 1)) == gus
    late = once(at=NOW + DAY, content=b"x" * 32)
    assert await stores.accounts.find_by_key(late) is None
    assert await created(stores, guest(), late)


async def test_an_account_comes_with_its_first_sign_in(stores: IdentityStores) -> None:
    gus = guest(b"d" * 32)
    first, again = family(gus), family(guest())
    await stores.accounts.add(gus, None, first)
    await stores.accounts.add(guest(b"d" * 32), None, again)
    for sign_in in (first, again):
        assert await stores.sign_ins.holder(sign_in.sign_in_id) == Holder(gus, ended=False)


async def test_no_sign_in_is_opened_for_who_is_suspended(stores: IdentityStores) -> None:
    gus = guest(b"d" * 32)
    await add(stores, gus)
    await stores.accounts.suspend(gus.user_id, Suspension(NOW + 1), NOW)
    sign_ins = [family(gus), family(gus)]
    with pytest.raises(AccountSuspended):
        await stores.sign_ins.open(sign_ins[0])
    with pytest.raises(AccountSuspended):
        await stores.accounts.add(guest(b"d" * 32), once(), sign_ins[1])
    assert [await stores.sign_ins.holder(each.sign_in_id) for each in sign_ins] == [None, None]
    assert await stores.accounts.find_by_key(once()) is None
    later = replace(sign_ins[0], created_at=NOW + 1)
    await stores.sign_ins.open(later)
    assert await stores.sign_ins.holder(later.sign_in_id) is not None


async def test_a_password_hash_is_replaced_only_where_it_is_the_old_one(stores: IdentityStores) -> None:
    ada = user("Ada")
    await add(stores, ada)
    assert not await stores.accounts.replace_password_hash(ada.user_id, "another", "new")
    assert await stores.accounts.find_by_username("Ada") == ada
    assert await stores.accounts.replace_password_hash(ada.user_id, "$argon2id$…", "new")
    assert await stores.accounts.find_by_username("Ada") == replace(ada, password_hash="new")


@pytest.mark.parametrize("until", [NOW + DAY, None])
async def test_a_suspension_ends_every_sign_in_with_its_revocation(
    stores: IdentityStores, until: int | None
) -> None:
    ada, bob = user("Ada"), user("Bob")
    ours, theirs = [family(ada, b"1"), family(ada, b"2")], family(bob, b"3")
    await stores.accounts.add(ada, None, ours[0])
    await stores.sign_ins.open(ours[1])
    await stores.accounts.add(bob, None, theirs)
    await stores.accounts.suspend(ada.user_id, Suspension(until), NOW)
    suspended = replace(ada, suspension=Suspension(until))
    for each in ours:
        assert await stores.sign_ins.holder(each.sign_in_id) == Holder(suspended, ended=True)
    assert await stores.sign_ins.holder(theirs.sign_in_id) == Holder(bob, ended=False)
    told = await stores.revocations.revocations(0, 10)
    assert {each.why for each in told} == {"suspended"}
    assert {each.until for each in told} == {until}
    assert {each.sign_in_id for each in told} == {each.sign_in_id for each in ours}


# --- sign-ins -------------------------------------------------------------------------------------------------


class Spend:
    """A step: the presenter learns which token was current."""

    def __init__(self, successor: bytes) -> None:
        self._successor = successor

    def __call__(self, before: Family, _: Account) -> Step[bytes]:
        return replace(before, current=self._successor, spent=before.current, spent_at=NOW), before.current


def end(before: Family, _: Account) -> Step[None]:
    return before.ended(NOW), None


def look(before: Family, _: Account) -> Step[Family]:
    return before, before


async def opened(stores: IdentityStores) -> Family:
    ada = user("Ada")
    sign_in = family(ada)
    await stores.accounts.add(ada, None, sign_in)
    return sign_in


async def test_a_change_is_stored_and_its_result_handed_back(stores: IdentityStores) -> None:
    sign_in = await opened(stores)
    assert await stores.sign_ins.change(sign_in.handle_hash, Spend(b"2" * 32)) == b"1" * 32
    after = replace(sign_in, current=b"2" * 32, spent=b"1" * 32, spent_at=NOW)
    assert await stores.sign_ins.change(sign_in.handle_hash, look) == after
    assert await stores.sign_ins.change(b"unknown", look) is None


async def test_changes_at_once_see_each_other(stores: IdentityStores) -> None:
    sign_in = await opened(stores)
    tokens = [bytes([number]) * 32 for number in range(20)]
    spent = await asyncio.gather(*[stores.sign_ins.change(sign_in.handle_hash, Spend(t)) for t in tokens])
    # Every token but the last was handed on exactly once: the writes formed one chain.
    assert len({sign_in.current, *tokens} - set(spent)) == 1
    assert len(set(spent)) == len(tokens)


async def test_a_step_that_raises_changes_nothing(stores: IdentityStores) -> None:
    sign_in = await opened(stores)

    def fail(before: Family, _: Account) -> Step[None]:
        raise LookupError(before.sign_in_id)

    with pytest.raises(LookupError):
        await stores.sign_ins.change(sign_in.handle_hash, fail)
    assert await stores.sign_ins.change(sign_in.handle_hash, look) == sign_in


async def test_an_ended_sign_in_is_told_once(stores: IdentityStores) -> None:
    sign_in = await opened(stores)
    for _ in range(2):
        await stores.sign_ins.change(sign_in.handle_hash, end)
    await stores.sign_ins.end_all(sign_in.user_id, NOW)
    (told,) = await stores.revocations.revocations(0, 10)
    assert (told.sign_in_id, told.user_id, told.why) == (sign_in.sign_in_id, sign_in.user_id, "signed_out")
    assert told.until is None
    holder = await stores.sign_ins.holder(sign_in.sign_in_id)
    assert holder is not None
    assert holder.ended


async def test_a_step_sees_the_user_as_of_now(stores: IdentityStores) -> None:
    sign_in = await opened(stores)
    await stores.accounts.suspend(sign_in.user_id, Suspension(None), NOW)
    account = await stores.sign_ins.change(sign_in.handle_hash, lambda family, user: (family, user))
    assert account is not None
    assert account.suspension == Suspension(None)


async def test_nobody_holds_an_unknown_sign_in(stores: IdentityStores) -> None:
    assert await stores.sign_ins.holder("unknown") is None


# --- revocations ----------------------------------------------------------------------------------------------


async def test_revocations_are_numbered_and_read_in_pages(stores: IdentityStores) -> None:
    assert await stores.revocations.last_revocation() == 0
    ada = user("Ada")
    await add(stores, ada)
    for _ in range(4):
        await stores.sign_ins.open(family(ada))
    await stores.sign_ins.end_all(ada.user_id, NOW)
    whole = await stores.revocations.revocations(0, 10)
    numbers = [each.number for each in whole]
    assert len(set(numbers)) == 5
    assert numbers == sorted(numbers)
    assert await stores.revocations.revocations(numbers[1], 2) == whole[2:4]
    assert await stores.revocations.last_revocation() == numbers[-1]


# --- tickets --------------------------------------------------------------------------------------------------


def ticket(number: int = 1, expires_at: int = NOW + 30_000) -> Ticket:
    return Ticket(
        ticket_hash=bytes([number]) * 32, sign_in_id="s", token_expires_at=NOW, expires_at=expires_at
    )


async def test_a_ticket_is_taken_once(stores: IdentityStores) -> None:
    await stores.tickets.keep(ticket(), NOW)
    race = await asyncio.gather(*[stores.tickets.take(ticket().ticket_hash) for _ in range(10)])
    assert [taken for taken in race if taken] == [Taken(ticket(), None)]
    assert await stores.tickets.take(b"unknown") is None


async def test_a_ticket_comes_with_its_holder(stores: IdentityStores) -> None:
    sign_in = await opened(stores)
    bought = replace(ticket(), sign_in_id=sign_in.sign_in_id)
    await stores.tickets.keep(bought, NOW)
    holder = await stores.sign_ins.holder(sign_in.sign_in_id)
    assert holder is not None
    assert await stores.tickets.take(bought.ticket_hash) == Taken(bought, holder)


# --- what only SQL does ---------------------------------------------------------------------------------------


async def test_sql_forgets_what_is_long_past(database: Database) -> None:
    stores = in_sql(database)
    ada = user("Ada")
    old = family(ada, b"old", expires_at=NOW - 8 * DAY)
    await stores.accounts.add(ada, None, old)
    await stores.sign_ins.end_all(ada.user_id, NOW - 2 * DAY)
    await stores.sign_ins.open(family(ada, b"new"))
    await stores.tickets.keep(ticket(1, expires_at=NOW), NOW - 1)
    assert await stores.sign_ins.holder(old.sign_in_id) is None
    await stores.sign_ins.end_all(ada.user_id, NOW)
    (left,) = await stores.revocations.revocations(0, 10)
    assert left.number == 2  # and no number is given twice, though the highest row was deleted
    await stores.tickets.keep(ticket(2), NOW)
    assert await stores.tickets.take(ticket(1).ticket_hash) is None


async def test_sql_looks_again_where_the_index_has_decided(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look before the insert misses a winner that another node commits at that moment (PostgreSQL)."""
    stores = in_sql(database)
    await add(stores, user("Ada"))
    missed: list[str] = []

    def blind_once(connection: Connection, username: str) -> Account | None:
        if missed:
            return account_named(connection, username)
        missed.append(username)
        return None

    monkeypatch.setattr("gameroom.storage.users.account_named", blind_once)
    with pytest.raises(UsernameTaken):
        await add(stores, user("ADA"))
    assert missed == ["ADA"]


async def test_accounts_survive_the_process(tmp_path: Path) -> None:
    ada = user("Ada")
    async with fresh_database(tmp_path) as database:
        await add(in_sql(database), ada)
    async with fresh_database(tmp_path) as database:
        assert await in_sql(database).accounts.find_by_username("ada") == ada


async def test_cards_are_of_those_who_exist(database: Database) -> None:
    stores = in_sql(database)
    ada, gus = replace(user("Ada"), avatar_url="https://example.org/a.png"), guest()
    for account in (ada, gus):
        await add(stores, account)
    strangers = [new_id() for _ in range(CARDS_AT_ONCE + 1)]
    cards = await SqlCards(database).cards([ada.user_id, *strangers, gus.user_id])
    assert {user_id: (card.display_name, card.avatar_url) for user_id, card in cards.items()} == {
        ada.user_id: ("A", "https://example.org/a.png"),
        gus.user_id: ("G", None),
    }
    assert await SqlCards(database).cards([]) == {}
