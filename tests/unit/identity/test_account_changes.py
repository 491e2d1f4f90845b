"""What owners do to their accounts: what they are refused, what a repeat does, and who hears of it."""

import asyncio

import pytest

from gameroom.errors import Conflict, Forbidden, InvalidCredentials, Unauthenticated, UsernameTaken
from gameroom.identity.account import Account, user_view
from gameroom.identity.accounts import Caller, Entered, Registration
from gameroom.identity.identity import Identity
from gameroom.identity.passwords import Passwords, Verdict
from gameroom.identity.profile import ProfileChange
from gameroom.protocol.views import User
from tests.unit.identity.hand_clock import HandClock
from tests.unit.identity.parts import CHEAP, memory_identity

PASSWORD, OTHER = "correct horse", "another horse"
DEVICE = "device-0123456789"
KEY = "key-0123456789-abcdef"


class Ear:
    """Implements `news.Reader`: writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[User | str] = []

    def changed(self, user: User) -> None:
        self.told.append(user)

    def deleted(self, user_id: str) -> None:
        self.told.append(user_id)


class Broken:
    """Implements `news.Reader`, badly."""

    def changed(self, user: User) -> None:
        raise LookupError(user.user_id)

    def deleted(self, user_id: str) -> None:
        raise LookupError(user_id)


@pytest.fixture
def identity() -> Identity:
    return memory_identity(HandClock())


@pytest.fixture
def ear(identity: Identity) -> Ear:
    ear = Ear()
    identity.news.watch(ear)
    return ear


async def registered(identity: Identity, name: str = "Ada") -> tuple[Account, Caller]:
    """A full account, and its sign-in."""
    entered = await identity.accounts.register(Registration(username=name, password=PASSWORD), None)
    return entered.account, caller(entered)


async def guest(identity: Identity, device: str | None = None) -> Caller:
    return caller(await identity.accounts.guest(device, "Gus", None))


def caller(entered: Entered) -> Caller:
    return Caller(entered.account.user_id, entered.refresh_token.sign_in_id)


async def stays(identity: Identity, refresh_token: str) -> bool:
    """Whether the sign-in of this token goes on."""
    try:
        await identity.sign_ins.refresh(refresh_token)
    except Unauthenticated:
        return False
    return True


# --- news -----------------------------------------------------------------------------------------------------


async def test_every_change_of_a_card_is_told_once_it_is_stored(identity: Identity, ear: Ear) -> None:
    gus = await guest(identity)
    renamed = await identity.changes.profile(gus, ProfileChange(display_name="G."))
    upgraded = (await identity.changes.upgrade(gus, "Gus", PASSWORD)).account
    await identity.changes.delete(gus)
    assert ear.told == [user_view(renamed), user_view(upgraded), gus.user_id]
    assert (renamed.display_name, upgraded.username) == ("G.", "Gus")


async def test_what_did_not_happen_is_told_to_nobody(identity: Identity, ear: Ear) -> None:
    _, by_ada = await registered(identity)
    gus = await guest(identity)
    for refused in (
        identity.changes.profile(Caller("nobody", "s"), ProfileChange(display_name="N")),
        identity.changes.upgrade(gus, "Ada", PASSWORD),
        identity.changes.upgrade(by_ada, "Lovelace", PASSWORD),
        identity.changes.password(by_ada, "wrong", OTHER),
    ):
        with pytest.raises((Unauthenticated, UsernameTaken, Conflict)):
            await refused
    await identity.changes.upgrade(by_ada, "Ada", PASSWORD)
    assert ear.told == []


async def test_a_reader_that_breaks_keeps_nobody_from_hearing(
    ear: Ear, identity: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    later = Ear()
    for reader in (Broken(), later):
        identity.news.watch(reader)
    gus = await guest(identity)
    await identity.changes.profile(gus, ProfileChange(display_name="G."))
    await identity.changes.delete(gus)
    assert ear.told == later.told
    assert len(later.told) == 2
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


async def test_news_keep_the_order_in_which_things_were_stored(
    identity: Identity, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database with several writers may give the later answer first."""
    gus = await guest(identity)
    stores = identity.changes._store
    store, stored, may_return = stores.change_profile, asyncio.Event(), asyncio.Event()

    async def held_up(by: Caller, change: ProfileChange, now: int) -> Account | None:
        monkeypatch.setattr(stores, "change_profile", store)
        changed = await store(by, change, now)
        stored.set()
        await may_return.wait()
        return changed

    monkeypatch.setattr(stores, "change_profile", held_up)
    first = asyncio.create_task(identity.changes.profile(gus, ProfileChange(display_name="First")))
    await stored.wait()
    second = asyncio.create_task(identity.changes.profile(gus, ProfileChange(display_name="Second")))
    end = asyncio.create_task(identity.changes.delete(gus))
    await identity.changes.profile(await guest(identity), ProfileChange(display_name="Of somebody else"))
    may_return.set()
    await asyncio.gather(first, second, end)
    told = [each if isinstance(each, str) else each.display_name for each in ear.told]
    assert told == ["Of somebody else", "First", "Second", gus.user_id]


# --- the password ---------------------------------------------------------------------------------------------


async def test_the_new_password_holds_and_the_callers_sign_in_alone_goes_on(identity: Identity) -> None:
    entered = await identity.accounts.register(Registration(username="Ada", password=PASSWORD), None)
    other = await identity.sign_ins.open(entered.account.user_id)
    mine = entered.refresh_token
    await identity.changes.password(caller(entered), PASSWORD, OTHER)
    assert (await identity.accounts.authenticate("Ada", OTHER)).user_id == entered.account.user_id
    with pytest.raises(InvalidCredentials):
        await identity.accounts.authenticate("Ada", PASSWORD)
    assert await stays(identity, mine.token)
    assert not await stays(identity, other.token)


async def test_a_wrong_current_password_changes_nothing(identity: Identity) -> None:
    ada, by_ada = await registered(identity)
    for wrong in ("wrong", "", "x" * 10_000):
        with pytest.raises(InvalidCredentials, match=r"^The current password is wrong$"):
            await identity.changes.password(by_ada, wrong, OTHER)
    assert await identity.accounts.authenticate("Ada", PASSWORD) == ada


async def test_of_two_who_change_the_password_at_once_one_is_told_that_it_is_wrong_by_now(
    identity: Identity,
) -> None:
    _, by_ada = await registered(identity)
    both = [identity.changes.password(by_ada, PASSWORD, new) for new in (OTHER, OTHER * 2)]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["InvalidCredentials", "NoneType"]


async def test_a_hash_that_a_sign_in_renews_meanwhile_does_not_stop_the_change(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, by_ada = await registered(identity)
    renewed = await Passwords(CHEAP).hash(PASSWORD)
    plain = Passwords.hash

    async def late(self: Passwords, password: str) -> str:
        monkeypatch.setattr(Passwords, "hash", plain)
        assert await stores.replace_password_hash(ada.user_id, str(ada.password_hash), renewed)
        return await self.hash(password)

    stores = identity.changes._store
    monkeypatch.setattr(Passwords, "hash", late)
    await identity.changes.password(by_ada, PASSWORD, OTHER)
    assert (await identity.accounts.authenticate("Ada", OTHER)).user_id == ada.user_id


async def test_a_guest_has_no_password_to_change_and_costs_no_hash(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    gus = await guest(identity)

    async def never(_: Passwords, password: str, stored: str | None) -> Verdict:
        raise AssertionError(f"{len(password)} characters were held against {stored}")

    monkeypatch.setattr(Passwords, "verify", never)
    with pytest.raises(Forbidden) as told:
        await identity.changes.password(gus, "", OTHER)
    assert told.value.params == {"reason": "guest"}


async def test_a_sign_in_with_the_former_password_that_was_under_way_is_refused(identity: Identity) -> None:
    """Else somebody who knows the old password and is just signing in would stay."""
    _, by_ada = await registered(identity)
    checked = await identity.accounts.authenticate("Ada", PASSWORD)
    await identity.changes.password(by_ada, PASSWORD, OTHER)
    with pytest.raises(InvalidCredentials):
        await identity.sign_ins.open(checked.user_id, checked.password_hash)


# --- the upgrade ----------------------------------------------------------------------------------------------


async def test_an_upgraded_guest_signs_in_by_password_and_by_device(identity: Identity) -> None:
    gus = await guest(identity, DEVICE)
    upgraded = await identity.changes.upgrade(gus, "Gus", PASSWORD)
    assert upgraded.account.user_id == gus.user_id
    assert not user_view(upgraded.account).guest
    assert await identity.accounts.authenticate("gus", PASSWORD) == upgraded.account
    assert (await identity.accounts.guest(DEVICE, None, None)).account == upgraded.account
    assert await stays(identity, upgraded.refresh_token.token)


async def test_a_repeated_upgrade_is_answered_the_same_with_fresh_tokens(identity: Identity) -> None:
    gus = await guest(identity)
    first = await identity.changes.upgrade(gus, "Gus", PASSWORD)
    again = await identity.changes.upgrade(gus, "Gus", PASSWORD)
    assert again.account == first.account
    assert again.refresh_token.token != first.refresh_token.token
    assert await stays(identity, again.refresh_token.token)


async def test_one_upgrade_sent_twice_at_once_is_done_once(identity: Identity) -> None:
    gus = await guest(identity)
    both = await asyncio.gather(*[identity.changes.upgrade(gus, "Gus", PASSWORD) for _ in range(2)])
    assert both[0].account == both[1].account


@pytest.mark.parametrize(("name", "password"), [("Bob", PASSWORD), ("Gus", OTHER), ("gus", PASSWORD)])
async def test_a_full_account_is_upgraded_to_nothing_else(
    identity: Identity, name: str, password: str
) -> None:
    gus = await guest(identity)
    await identity.changes.upgrade(gus, "Gus", PASSWORD)
    with pytest.raises(Conflict):
        await identity.changes.upgrade(gus, name, password)
    assert (await identity.accounts.authenticate("Gus", PASSWORD)).user_id == gus.user_id


# --- the end --------------------------------------------------------------------------------------------------


async def test_a_repeated_registration_of_who_is_deleted_makes_a_new_account(identity: Identity) -> None:
    new = Registration(username="Ada", password=PASSWORD)
    first = await identity.accounts.register(new, KEY)
    await identity.changes.delete(caller(first))
    again = await identity.accounts.register(new, KEY)
    assert again.created
    assert again.account.user_id != first.account.user_id


async def test_a_device_of_who_is_deleted_is_a_new_guest(identity: Identity) -> None:
    first = await guest(identity, DEVICE)
    await identity.changes.delete(first)
    again = await identity.accounts.guest(DEVICE, None, None)
    assert again.created
    assert again.account.user_id != first.user_id


async def test_nothing_is_done_for_who_has_been_deleted(identity: Identity) -> None:
    ada, by_ada = await registered(identity)
    await identity.changes.delete(by_ada)
    for refused in (
        identity.changes.profile(by_ada, ProfileChange(display_name="A")),
        identity.changes.password(by_ada, PASSWORD, OTHER),
        identity.changes.upgrade(by_ada, "Ada", PASSWORD),
        identity.sign_ins.open(ada.user_id),
    ):
        with pytest.raises(Unauthenticated):
            await refused
