"""Accounts: who gets in, and as whom."""

import asyncio
from dataclasses import replace

import pytest

from gameroom.errors import AccountSuspended, IdReused, InvalidCredentials, UsernameTaken
from gameroom.identity.account import Account, user_view
from gameroom.identity.accounts import Accounts, Entered, Registration
from gameroom.identity.memory import MemoryStores
from gameroom.identity.passwords import Passwords
from tests.unit.identity.hand_clock import START, HandClock
from tests.unit.identity.parts import CHEAP, POLICY, memory_identity

ADA = Registration(username="Ada", password="correct horse")
KEY = "key-0123456789-abcdef"
DEVICE = "device-0123456789"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def accounts(clock: HandClock) -> Accounts:
    return memory_identity(clock).accounts


async def registered(accounts: Accounts, new: Registration = ADA, key: str | None = None) -> Account:
    return (await accounts.register(new, key)).account


async def sign_in(accounts: Accounts) -> Account:
    return await accounts.authenticate("Ada", "correct horse")


async def test_a_registered_user_signs_in_whatever_the_case(accounts: Accounts) -> None:
    ada = await registered(accounts)
    assert await accounts.authenticate("aDA", "correct horse") == ada
    assert ada.password_hash is not None
    assert "correct horse" not in ada.password_hash


@pytest.mark.parametrize(
    ("username", "password"),
    [("Ada", "wrong"), ("Bob", "correct horse"), ("a\0", "x"), ("", ""), ("Ada", "x" * 10_000)],
)
async def test_name_or_password_is_wrong_and_nobody_says_which(
    accounts: Accounts, username: str, password: str
) -> None:
    await accounts.register(ADA, None)
    with pytest.raises(InvalidCredentials, match=r"^The username or the password is wrong$"):
        await accounts.authenticate(username, password)


@pytest.mark.parametrize("username", ["Ada", "nobody", "not a name"])
async def test_wrong_and_unknown_cost_one_verification_each(
    accounts: Accounts, username: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accounts.register(ADA, None)
    costs: list[str | None] = []
    verify = Passwords.verify

    async def counting(self: Passwords, password: str, stored: str | None) -> object:
        costs.append(stored)
        return await verify(self, password, stored)

    monkeypatch.setattr(Passwords, "verify", counting)
    with pytest.raises(InvalidCredentials):
        await accounts.authenticate(username, "wrong password")
    assert len(costs) == 1


async def test_a_guest_has_no_password_to_guess(accounts: Accounts) -> None:
    guest = (await accounts.guest(DEVICE, "Gus", None)).account
    assert user_view(guest).guest
    for username in ("Gus", guest.user_id):
        with pytest.raises(InvalidCredentials):
            await accounts.authenticate(username, "")


async def test_a_known_device_is_the_same_guest(accounts: Accounts) -> None:
    first = await accounts.guest(DEVICE, "Gus", None)
    again = await accounts.guest(DEVICE, "Somebody else", None)
    other = await accounts.guest(None, None, None)
    assert (first.created, again.created) == (True, False)
    assert again.account == first.account
    assert other.account.user_id != first.account.user_id
    assert other.account.display_name.startswith("Guest-")
    assert DEVICE.encode() not in (first.account.device_hash or b"")


async def test_a_race_for_a_name_has_one_winner(accounts: Accounts) -> None:
    race = [
        accounts.register(Registration(username=name, password="correct horse"), None)
        for name in ("Ada", "ADA")
    ]
    results = await asyncio.gather(*race, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Entered", "UsernameTaken"]
    (winner,) = [result for result in results if isinstance(result, Entered)]
    assert await sign_in(accounts) == winner.account


async def test_a_stored_hash_is_renewed_at_sign_in(clock: HandClock) -> None:
    stores = MemoryStores()
    await registered(memory_identity(clock, stores).accounts)
    stronger = replace(POLICY, hashing=replace(CHEAP, memory_kib=128))
    await sign_in(memory_identity(clock, stores, stronger).accounts)
    renewed = await stores.find_by_username("Ada")
    assert renewed is not None
    assert renewed.password_hash is not None
    assert "m=128" in renewed.password_hash


async def test_two_who_renew_a_hash_at_once_both_sign_in(clock: HandClock) -> None:
    stores = MemoryStores()
    await registered(memory_identity(clock, stores).accounts)
    stronger = memory_identity(clock, stores, replace(POLICY, hashing=replace(CHEAP, memory_kib=128)))
    for account in await asyncio.gather(*[sign_in(stronger.accounts) for _ in range(3)]):
        assert await stronger.sign_ins.open(account.user_id, account.password_hash)


# --- idempotency keys -----------------------------------------------------------------------------------------


async def test_a_repeated_registration_answers_the_same_user(accounts: Accounts) -> None:
    first = await accounts.register(ADA, KEY)
    again = await accounts.register(ADA, KEY)
    assert again.account == first.account
    assert again.refresh_token.sign_in_id != first.refresh_token.sign_in_id


async def test_one_registration_sent_twice_at_once_makes_one_account(accounts: Accounts) -> None:
    both = await asyncio.gather(*[accounts.register(ADA, KEY) for _ in range(2)])
    assert both[0].account == both[1].account
    with pytest.raises(IdReused):
        await accounts.register(Registration(username="Ada", password="another horse"), KEY)


async def test_a_repeat_costs_no_second_hash(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    await accounts.register(ADA, KEY)

    async def never(_: Passwords, password: str) -> str:
        raise AssertionError(f"{len(password)} characters were hashed")

    monkeypatch.setattr(Passwords, "hash", never)
    await accounts.register(ADA, KEY)
    with pytest.raises(IdReused):
        await accounts.register(Registration(username="Bob", password="correct horse"), KEY)


@pytest.mark.parametrize(
    "other",
    [
        Registration(username="Bob", password="correct horse"),
        Registration(username="Ada", password="another horse"),
        Registration(username="Ada", password="correct horse", display_name="A."),
    ],
    ids=["name", "password", "display-name"],
)
async def test_a_key_with_other_content_is_refused(accounts: Accounts, other: Registration) -> None:
    await accounts.register(ADA, KEY)
    with pytest.raises(IdReused):
        await accounts.register(other, KEY)


async def test_a_key_of_another_call_is_refused(accounts: Accounts) -> None:
    await accounts.register(ADA, KEY)
    with pytest.raises(IdReused):
        await accounts.guest(None, None, KEY)


async def test_a_repeated_guest_is_one_guest(accounts: Accounts) -> None:
    first = await accounts.guest(None, "Gus", KEY)
    again = await accounts.guest(None, "Gus", KEY)
    assert again.account == first.account
    assert again.created


async def test_a_key_holds_for_a_device_that_was_known_before(accounts: Accounts) -> None:
    await accounts.guest(DEVICE, None, None)
    await accounts.guest(DEVICE, None, KEY)
    with pytest.raises(IdReused):
        await accounts.guest("another-device-0123", None, KEY)


async def test_a_key_is_forgotten_after_a_day(accounts: Accounts, clock: HandClock) -> None:
    first = await accounts.guest(None, "Gus", KEY)
    clock.pass_s(24 * 3600 - 1)
    assert (await accounts.guest(None, "Gus", KEY)).account == first.account
    clock.pass_s(1)
    assert (await accounts.guest(None, "Gus", KEY)).created


async def test_a_repeat_without_its_key_is_no_repeat(accounts: Accounts) -> None:
    await accounts.register(ADA, KEY)
    with pytest.raises(UsernameTaken):
        await accounts.register(ADA, None)


# --- suspension -----------------------------------------------------------------------------------------------


async def test_a_suspended_account_is_told_until_when(accounts: Accounts, clock: HandClock) -> None:
    ada = await registered(accounts)
    await accounts.suspend(ada.user_id, START + 60_000)
    with pytest.raises(AccountSuspended) as told:
        await sign_in(accounts)
    assert told.value.params == {"until": "2027-01-15T08:01:00.000Z"}
    clock.pass_s(60)
    assert (await sign_in(accounts)).user_id == ada.user_id


async def test_a_suspension_for_good_has_no_end_and_is_told_only_to_the_owner(accounts: Accounts) -> None:
    ada = await registered(accounts)
    await accounts.suspend(ada.user_id, None)
    with pytest.raises(AccountSuspended) as told:
        await sign_in(accounts)
    assert told.value.params == {"until": None}
    with pytest.raises(InvalidCredentials):
        await accounts.authenticate("Ada", "a wrong guess")


async def test_a_suspended_user_does_not_come_back_by_repeating_the_registration(accounts: Accounts) -> None:
    ada = await registered(accounts, key=KEY)
    await accounts.suspend(ada.user_id, None)
    with pytest.raises(AccountSuspended):
        await accounts.register(ADA, KEY)


async def test_a_suspended_guest_does_not_come_back_by_its_device(accounts: Accounts) -> None:
    guest = await accounts.guest(DEVICE, None, None)
    await accounts.suspend(guest.account.user_id, None)
    with pytest.raises(AccountSuspended):
        await accounts.guest(DEVICE, None, None)
