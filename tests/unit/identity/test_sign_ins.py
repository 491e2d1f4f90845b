"""What a family of refresh tokens becomes, by cases; the model in tests/contract goes through the rest."""

from collections.abc import Callable

import pytest

from gameroom.errors import AccountSuspended, TokenExpired, TokenReused, Unauthenticated
from gameroom.identity.account import Account
from gameroom.identity.accounts import Registration
from gameroom.identity.identity import Identity
from gameroom.identity.sign_ins import Refreshed
from tests.unit.identity.hand_clock import HandClock
from tests.unit.identity.parts import memory_identity


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def identity(clock: HandClock) -> Identity:
    return memory_identity(clock)


@pytest.fixture
async def ada(identity: Identity) -> Account:
    new = Registration(username="Ada", password="correct horse")
    return (await identity.accounts.register(new, None)).account


@pytest.fixture
async def first(identity: Identity, ada: Account) -> str:
    return (await identity.sign_ins.open(ada.user_id)).token


async def refreshed(identity: Identity, token: str) -> str:
    return (await identity.sign_ins.refresh(token)).refresh_token.token


async def test_a_refresh_keeps_the_sign_in_and_spends_the_token(identity: Identity, ada: Account) -> None:
    opened = await identity.sign_ins.open(ada.user_id)
    result: Refreshed = await identity.sign_ins.refresh(opened.token)
    assert result.account == ada
    assert result.refresh_token.sign_in_id == opened.sign_in_id
    assert result.refresh_token.token != opened.token
    assert result.refresh_token.expires_in == 30 * 24 * 3600


async def test_a_lost_answer_is_forgiven_for_half_a_minute(
    identity: Identity, clock: HandClock, first: str
) -> None:
    await refreshed(identity, first)
    clock.pass_s(15)
    await refreshed(identity, first)
    clock.pass_s(15)
    await refreshed(identity, first)
    clock.pass_s(0.001)
    with pytest.raises(TokenReused):
        await refreshed(identity, first)


async def test_a_token_whose_successor_was_used_is_not_forgiven(identity: Identity, first: str) -> None:
    third = await refreshed(identity, await refreshed(identity, first))
    with pytest.raises(TokenReused):
        await refreshed(identity, first)
    with pytest.raises(Unauthenticated, match="has ended"):
        await refreshed(identity, third)


async def test_the_lost_successor_is_void(identity: Identity, first: str) -> None:
    lost = await refreshed(identity, first)
    living = await refreshed(identity, first)
    with pytest.raises(TokenReused):
        await refreshed(identity, lost)
    with pytest.raises(Unauthenticated, match="has ended"):
        await refreshed(identity, living)


async def test_an_unused_token_expires_and_a_used_family_lives_on(
    identity: Identity, clock: HandClock, first: str
) -> None:
    clock.pass_s(29 * 24 * 3600)
    second = await refreshed(identity, first)
    clock.pass_s(30 * 24 * 3600 - 1)
    third = await refreshed(identity, second)
    clock.pass_s(30 * 24 * 3600)
    with pytest.raises(TokenExpired):
        await refreshed(identity, third)


async def test_an_ended_sign_in_refreshes_no_more(identity: Identity, first: str) -> None:
    second = await refreshed(identity, first)
    await identity.sign_ins.end(first)
    for token in (first, second):
        with pytest.raises(Unauthenticated, match="has ended"):
            await refreshed(identity, token)


@pytest.mark.parametrize("token", ["", ".", "a", "a.b", "." * 300, "x" * 5000, "é.é"])
async def test_what_is_no_token_is_refused_and_ends_nothing(
    identity: Identity, first: str, token: str
) -> None:
    with pytest.raises(Unauthenticated, match="not valid"):
        await identity.sign_ins.refresh(token)
    await identity.sign_ins.end(token)
    assert await refreshed(identity, first)


async def test_a_stranger_with_the_handle_of_another_family_gains_nothing(
    identity: Identity, ada: Account, first: str
) -> None:
    other = (await identity.sign_ins.open(ada.user_id)).token
    handle, secret = first.split(".")[0], other.split(".")[1]
    with pytest.raises(TokenReused):
        await identity.sign_ins.refresh(f"{handle}.{secret}")
    assert await refreshed(identity, other)


@pytest.mark.parametrize("damage", [lambda secret: secret[:-1], lambda secret: secret + "x", lambda _: ""])
async def test_a_damaged_token_ends_its_sign_in_and_is_not_only_said_to_be_used(
    identity: Identity, first: str, damage: Callable[[str], str]
) -> None:
    """Regression: a token that was never used was said to have been used before."""
    handle, secret = first.split(".")
    with pytest.raises(TokenReused, match="was used before, or is damaged; the whole sign-in has ended"):
        await identity.sign_ins.refresh(f"{handle}.{damage(secret)}")
    with pytest.raises(Unauthenticated, match="has ended"):
        await identity.sign_ins.refresh(first)


async def test_a_suspended_user_hears_of_the_suspension(identity: Identity, ada: Account, first: str) -> None:
    await identity.accounts.suspend(ada.user_id, None)
    with pytest.raises(AccountSuspended):
        await identity.sign_ins.refresh(first)


async def test_all_sign_ins_of_one_user_end_and_nobody_elses(identity: Identity, ada: Account) -> None:
    mine = [(await identity.sign_ins.open(ada.user_id)).token for _ in range(3)]
    guest = (await identity.accounts.guest(None, None, None)).account
    theirs = (await identity.sign_ins.open(guest.user_id)).token
    await identity.sign_ins.end_all(ada.user_id)
    for token in mine:
        with pytest.raises(Unauthenticated, match="has ended"):
            await identity.sign_ins.refresh(token)
    assert await refreshed(identity, theirs)
