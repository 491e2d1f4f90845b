"""What owners do to their accounts, in memory as in SQL: each is done whole, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from gameroom.errors import AccountSuspended, InvalidCredentials, Unauthenticated, UsernameTaken
from gameroom.identity.account import Account, Suspension
from gameroom.identity.accounts import Added, Caller, NewPassword
from gameroom.identity.family import Family
from gameroom.identity.identity import IdentityStores
from gameroom.identity.profile import ProfileChange
from gameroom.identity.sign_ins import Holder
from gameroom.identity.tickets import Ticket
from tests.contract.identity_stores import (
    NOW,
    add,
    family,
    guest,
    once,
    user,
)


@pytest.fixture
def stores(identity_stores: IdentityStores) -> IdentityStores:
    return identity_stores


async def entered(stores: IdentityStores, account: Account, sign_ins: int = 1) -> list[Family]:
    """The sign-ins of a new account."""
    opened = [family(account) for _ in range(sign_ins)]
    await stores.accounts.add(account, None, opened[0])
    for each in opened[1:]:
        await stores.sign_ins.open(each)
    return opened


def by(sign_in: Family) -> Caller:
    """Who changes their account by this sign-in."""
    return Caller(sign_in.user_id, sign_in.sign_in_id)


NOBODY = Caller("nobody", "none")


async def told(stores: IdentityStores) -> set[str]:
    """The sign-ins that every node hears have ended."""
    return {each.sign_in_id for each in await stores.revocations.revocations(0, 100)}


# --- the profile ----------------------------------------------------------------------------------------------


async def test_what_is_given_replaces_and_the_rest_stays(stores: IdentityStores) -> None:
    ada = replace(user("Ada"), avatar_url="https://example.org/a.png", metadata={"level": 1, "old": True})
    mine = by((await entered(stores, ada))[0])
    renamed = await stores.accounts.change_profile(mine, ProfileChange(display_name="Ada L."), NOW)
    assert renamed == replace(ada, display_name="Ada L.")
    change = ProfileChange(avatar_url=None, metadata={"level": 2})
    changed = await stores.accounts.change_profile(mine, change, NOW)
    assert changed == replace(ada, display_name="Ada L.", avatar_url=None, metadata={"level": 2})
    assert await stores.accounts.find(ada.user_id) == changed
    assert await stores.accounts.change_profile(mine, ProfileChange(), NOW) == changed


async def test_who_is_not_there_has_no_profile(stores: IdentityStores) -> None:
    assert await stores.accounts.find("nobody") is None
    assert await stores.accounts.change_profile(NOBODY, ProfileChange(display_name="N"), NOW) is None
    assert await stores.accounts.find("nobody") is None


# --- the password ---------------------------------------------------------------------------------------------


def new_password(account: Account, stays: Family, old: str = "$argon2id$…", new: str = "new") -> NewPassword:
    return NewPassword(by=Caller(account.user_id, stays.sign_in_id), old_hash=old, new_hash=new, at=NOW)


async def test_a_new_password_ends_all_other_sign_ins(stores: IdentityStores) -> None:
    ada, bob = user("Ada"), user("Bob")
    mine, other, third = await entered(stores, ada, 3)
    (theirs,) = await entered(stores, bob)
    assert await stores.accounts.change_password(new_password(ada, mine))
    changed = replace(ada, password_hash="new")
    assert await stores.sign_ins.holder(mine.sign_in_id) == Holder(changed, ended=False)
    for ended in (other, third):
        assert await stores.sign_ins.holder(ended.sign_in_id) == Holder(changed, ended=True)
    assert await stores.sign_ins.holder(theirs.sign_in_id) == Holder(bob, ended=False)
    assert await told(stores) == {other.sign_in_id, third.sign_in_id}


async def test_a_password_that_has_become_another_is_not_replaced(stores: IdentityStores) -> None:
    ada = user("Ada")
    mine, other = await entered(stores, ada, 2)
    assert not await stores.accounts.change_password(new_password(ada, mine, old="another"))
    assert not await stores.accounts.change_password(new_password(user("Bob"), mine))
    assert await stores.accounts.find(ada.user_id) == ada
    assert await told(stores) == set()
    assert await stores.sign_ins.holder(other.sign_in_id) == Holder(ada, ended=False)


async def test_of_two_who_change_a_password_one_wins(stores: IdentityStores) -> None:
    ada = user("Ada")
    sign_ins = await entered(stores, ada, 2)
    changes = [
        new_password(ada, stays, new=new) for stays, new in zip(sign_ins, ("mine", "yours"), strict=True)
    ]
    assert sorted(await asyncio.gather(*map(stores.accounts.change_password, changes))) == [False, True]
    assert len(await told(stores)) == 1


async def test_no_sign_in_is_opened_with_a_former_password(stores: IdentityStores) -> None:
    ada = user("Ada")
    (mine,) = await entered(stores, ada)
    assert ada.password_hash is not None
    await stores.sign_ins.open(family(ada), ada.password_hash)
    await stores.accounts.change_password(new_password(ada, mine))
    late = family(ada)
    with pytest.raises(InvalidCredentials):
        await stores.sign_ins.open(late, ada.password_hash)
    assert await stores.sign_ins.holder(late.sign_in_id) is None
    await stores.sign_ins.open(family(ada), "new")


# --- the upgrade ----------------------------------------------------------------------------------------------


async def test_an_upgraded_guest_keeps_id_device_and_sign_ins(stores: IdentityStores) -> None:
    gus = guest(b"d" * 32)
    (before,) = await entered(stores, gus)
    fresh = family(gus)
    full = replace(gus, username="Gus", password_hash="hash")
    assert await stores.accounts.upgrade(by(before), "Gus", "hash", fresh) == full
    for each in (before, fresh):
        assert await stores.sign_ins.holder(each.sign_in_id) == Holder(full, ended=False)
    assert await stores.accounts.find_by_username("gus") == full
    assert await add(stores, guest(b"d" * 32)) == Added(full, created=False)


async def test_only_a_guest_is_upgraded(stores: IdentityStores) -> None:
    ada = user("Ada")
    (mine,) = await entered(stores, ada)
    fresh = family(ada)
    assert await stores.accounts.upgrade(by(mine), "Lovelace", "hash", fresh) is None
    assert await stores.accounts.upgrade(NOBODY, "Lovelace", "hash", family(guest())) is None
    assert await stores.accounts.find(ada.user_id) == ada
    assert await stores.sign_ins.holder(fresh.sign_in_id) is None


async def test_a_taken_name_upgrades_nobody(stores: IdentityStores) -> None:
    gus = guest()
    await add(stores, user("Ada"))
    (mine,) = await entered(stores, gus)
    fresh = family(gus)
    with pytest.raises(UsernameTaken):
        await stores.accounts.upgrade(by(mine), "ADA", "hash", fresh)
    assert await stores.accounts.find(gus.user_id) == gus
    assert await stores.sign_ins.holder(fresh.sign_in_id) is None


async def test_who_is_suspended_is_not_upgraded(stores: IdentityStores) -> None:
    gus = guest()
    (mine,) = await entered(stores, gus)
    await stores.accounts.suspend(gus.user_id, Suspension(None), NOW)
    with pytest.raises(AccountSuspended):
        await stores.accounts.upgrade(by(mine), "Gus", "hash", family(gus))
    assert await stores.accounts.find_by_username("Gus") is None


async def test_a_race_of_guests_for_a_name_has_one_winner(stores: IdentityStores) -> None:
    guests = [(each, (await entered(stores, each))[0]) for each in [guest() for _ in range(8)]]
    race = [stores.accounts.upgrade(by(mine), "Gus", "hash", family(gus)) for gus, mine in guests]
    results = await asyncio.gather(*race, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Account", *["UsernameTaken"] * 7]


# --- who has been signed out ----------------------------------------------------------------------------------


DEEDS: dict[str, Callable[[IdentityStores, Family], Awaitable[object]]] = {
    "profile": lambda stores, mine: stores.accounts.change_profile(
        by(mine), ProfileChange(display_name="G."), NOW
    ),
    "password": lambda stores, mine: stores.accounts.change_password(
        NewPassword(by=by(mine), old_hash="old", new_hash="new", at=NOW)
    ),
    "upgrade": lambda stores, mine: stores.accounts.upgrade(
        by(mine), "Gus", "hash", replace(mine, sign_in_id="fresh", handle_hash=b"f" * 32)
    ),
    "delete": lambda stores, mine: stores.accounts.delete(by(mine), NOW),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
async def test_who_is_signed_out_meanwhile_changes_nothing(
    stores: IdentityStores, deed: Callable[[IdentityStores, Family], Awaitable[object]]
) -> None:
    gus = replace(guest(), password_hash="old")
    (mine,) = await entered(stores, gus)
    await stores.sign_ins.end_all(gus.user_id, NOW)
    with pytest.raises(Unauthenticated, match="has ended"):
        await deed(stores, mine)
    assert await stores.accounts.find(gus.user_id) == gus
    assert await stores.sign_ins.holder("fresh") is None


# --- the end --------------------------------------------------------------------------------------------------


async def test_nothing_is_left_of_who_is_deleted(stores: IdentityStores) -> None:
    full = replace(user("Ada"), device_hash=b"d" * 32)
    sign_in = family(full)
    await stores.accounts.add(full, once(), sign_in)
    ticket = Ticket(
        ticket_hash=b"t" * 32, sign_in_id=sign_in.sign_in_id, token_expires_at=NOW, expires_at=NOW + 30_000
    )
    await stores.tickets.keep(ticket, NOW)
    await stores.accounts.delete(by(sign_in), NOW)
    assert await stores.accounts.find(full.user_id) is None
    assert await stores.accounts.find_by_username("ada") is None
    assert await stores.accounts.find_by_key(once(content=b"x" * 32)) is None
    assert await stores.sign_ins.holder(sign_in.sign_in_id) is None
    assert await stores.sign_ins.change(sign_in.handle_hash, lambda family, _: (family, family)) is None
    assert await stores.tickets.take(ticket.ticket_hash) is None
    assert await told(stores) == {sign_in.sign_in_id}


async def test_name_device_and_key_of_who_is_deleted_are_free(stores: IdentityStores) -> None:
    full = replace(user("Ada"), device_hash=b"d" * 32)
    sign_in = family(full)
    await stores.accounts.add(full, once(), sign_in)
    await stores.accounts.delete(by(sign_in), NOW)
    newcomer = replace(user("ADA"), device_hash=b"d" * 32)
    assert await add(stores, newcomer, once(content=b"x" * 32)) == Added(newcomer, created=True)


async def test_the_others_stay(stores: IdentityStores) -> None:
    ada, bob = user("Ada"), user("Bob")
    (mine,) = await entered(stores, ada)
    (theirs,) = await entered(stores, bob)
    for _ in range(2):
        await stores.accounts.delete(by(mine), NOW)
    assert await stores.accounts.find_by_username("Bob") == bob
    assert await stores.sign_ins.holder(theirs.sign_in_id) == Holder(bob, ended=False)
    assert len(await told(stores)) == 1


async def test_who_is_deleted_opens_no_sign_in(stores: IdentityStores) -> None:
    gus = guest()
    (mine,) = await entered(stores, gus)
    await stores.accounts.delete(by(mine), NOW)
    late = family(gus)
    with pytest.raises(Unauthenticated):
        await stores.sign_ins.open(late)
    assert await stores.accounts.upgrade(by(mine), "Gus", "hash", late) is None


async def test_a_revocation_outlives_its_user(stores: IdentityStores) -> None:
    gus = guest()
    await add(stores, gus)
    await stores.accounts.suspend(gus.user_id, Suspension(NOW + 1), NOW)
    again = replace(family(gus), created_at=NOW + 1)
    await stores.sign_ins.open(again)
    await stores.accounts.delete(by(again), NOW + 1)
    (told, _) = await stores.revocations.revocations(0, 10)
    assert (told.user_id, told.why, told.until) == (gus.user_id, "suspended", None)


# --- what operators do ----------------------------------------------------------------------------------------


async def test_a_role_that_is_taken_away_ends_the_sign_ins_that_had_it(stores: IdentityStores) -> None:
    ada, bob = user("Ada"), user("Bob")
    ours, (theirs,) = await entered(stores, ada, sign_ins=2), await entered(stores, bob)
    await stores.accounts.grant(ada.user_id, "admin")
    await stores.accounts.grant(ada.user_id, "admin")
    assert await stores.sign_ins.holder(ours[0].sign_in_id) == Holder(
        replace(ada, roles=("admin",)), ended=False
    )
    assert await told(stores) == set()
    await stores.accounts.revoke(ada.user_id, "admin", NOW)
    assert [await stores.sign_ins.holder(each.sign_in_id) for each in ours] == [Holder(ada, ended=True)] * 2
    assert await told(stores) == {each.sign_in_id for each in ours}
    assert await stores.sign_ins.holder(theirs.sign_in_id) == Holder(bob, ended=False)


async def test_who_has_not_got_the_role_stays_signed_in_without_it(stores: IdentityStores) -> None:
    ada = replace(user("Ada"), roles=("qa",))
    (sign_in,) = await entered(stores, ada)
    await stores.accounts.revoke(ada.user_id, "admin", NOW)
    assert await stores.sign_ins.holder(sign_in.sign_in_id) == Holder(ada, ended=False)


async def test_who_is_reinstated_signs_in_anew(stores: IdentityStores) -> None:
    gus = guest()
    (sign_in,) = await entered(stores, gus)
    await stores.accounts.suspend(gus.user_id, Suspension(NOW + 1), NOW)
    await stores.accounts.reinstate(gus.user_id)
    assert await stores.sign_ins.holder(sign_in.sign_in_id) == Holder(gus, ended=True)
    await stores.sign_ins.open(family(gus))


async def test_for_who_is_not_there_operators_do_nothing(stores: IdentityStores) -> None:
    await stores.accounts.grant("nobody", "admin")
    await stores.accounts.revoke("nobody", "admin", NOW)
    await stores.accounts.reinstate("nobody")
    assert await stores.accounts.find("nobody") is None


async def test_sign_ins_are_counted_that_have_neither_ended_nor_expired(stores: IdentityStores) -> None:
    ada = user("Ada")
    first, *_ = await entered(stores, ada, sign_ins=3)
    await entered(stores, user("Bob"))
    await stores.sign_ins.open(family(ada, expires_at=NOW + 1))
    await stores.sign_ins.change(first.handle_hash, lambda family, _: (family.ended(NOW), None))
    assert await stores.sign_ins.live(ada.user_id, NOW) == 3
    assert await stores.sign_ins.live(ada.user_id, NOW + 1) == 2
