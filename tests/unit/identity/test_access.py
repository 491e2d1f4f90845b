"""The door: who a token or a ticket belongs to, and when it no longer opens."""

import asyncio

import pytest

from gameroom.errors import AccountSuspended, TokenExpired, Unauthenticated
from gameroom.identity.access import Principal, bearer_token
from gameroom.identity.account import Account, user_view
from gameroom.identity.accounts import Registration
from gameroom.identity.identity import Identity
from tests.unit.identity.hand_clock import START, HandClock
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


class SignedIn:
    """One sign-in with its tokens."""

    def __init__(self, identity: Identity, account: Account, sign_in_id: str, refresh_token: str) -> None:
        self.refresh_token = refresh_token
        self.sign_in_id = sign_in_id
        self.access_token = identity.tokens.issue(account.user_id, sign_in_id, account.roles).token


@pytest.fixture
async def signed_in(identity: Identity, ada: Account) -> SignedIn:
    opened = await identity.sign_ins.open(ada.user_id)
    return SignedIn(identity, ada, opened.sign_in_id, opened.token)


async def ticket(identity: Identity, signed_in: SignedIn) -> str:
    principal = await identity.access.authenticate(signed_in.access_token)
    return (await identity.tickets.issue(principal.sign_in_id, principal.expires_at)).ticket


async def test_a_token_and_a_ticket_lead_to_the_same_principal(
    identity: Identity, ada: Account, signed_in: SignedIn
) -> None:
    principal = await identity.access.authenticate(signed_in.access_token)
    assert principal == Principal(
        user=user_view(ada), sign_in_id=signed_in.sign_in_id, expires_at=START + 900_000
    )
    assert await identity.access.redeem(await ticket(identity, signed_in)) == principal


async def test_a_token_expires(identity: Identity, clock: HandClock, signed_in: SignedIn) -> None:
    clock.pass_s(899)
    await identity.access.authenticate(signed_in.access_token)
    clock.pass_s(1)
    with pytest.raises(TokenExpired):
        await identity.access.authenticate(signed_in.access_token)


async def test_an_ended_sign_in_opens_nothing(identity: Identity, signed_in: SignedIn) -> None:
    unused = await ticket(identity, signed_in)
    await identity.sign_ins.end(signed_in.refresh_token)
    with pytest.raises(Unauthenticated, match="has ended"):
        await identity.access.authenticate(signed_in.access_token)
    with pytest.raises(Unauthenticated, match="has ended"):
        await identity.access.redeem(unused)


async def test_roles_are_those_of_the_account_not_of_the_token(
    identity: Identity, ada: Account, signed_in: SignedIn
) -> None:
    boastful = identity.tokens.issue(ada.user_id, signed_in.sign_in_id, ("admin",)).token
    assert (await identity.access.authenticate(boastful)).user.roles == []


async def test_a_suspended_user_is_told_so(identity: Identity, ada: Account, signed_in: SignedIn) -> None:
    await identity.accounts.suspend(ada.user_id, None)
    with pytest.raises(AccountSuspended):
        await identity.access.authenticate(signed_in.access_token)


async def test_a_token_for_a_sign_in_of_somebody_else_is_refused(
    identity: Identity, signed_in: SignedIn
) -> None:
    crossed = identity.tokens.issue("somebody-else", signed_in.sign_in_id, ()).token
    with pytest.raises(Unauthenticated):
        await identity.access.authenticate(crossed)


async def test_of_many_who_redeem_a_ticket_one_gets_in(identity: Identity, signed_in: SignedIn) -> None:
    one = await ticket(identity, signed_in)
    results = await asyncio.gather(*[identity.access.redeem(one) for _ in range(5)], return_exceptions=True)
    (winner,) = [result for result in results if isinstance(result, Principal)]
    assert winner.sign_in_id == signed_in.sign_in_id
    assert sorted(type(result).__name__ for result in results) == ["Principal", *["Unauthenticated"] * 4]
    with pytest.raises(Unauthenticated):
        await identity.access.redeem(one)


async def test_a_ticket_lasts_half_a_minute(
    identity: Identity, clock: HandClock, signed_in: SignedIn
) -> None:
    early, late = await ticket(identity, signed_in), await ticket(identity, signed_in)
    clock.pass_s(29)
    await identity.access.redeem(early)
    clock.pass_s(1)
    with pytest.raises(Unauthenticated):
        await identity.access.redeem(late)


async def test_a_ticket_opens_nothing_once_its_token_has_expired(
    identity: Identity, clock: HandClock, signed_in: SignedIn
) -> None:
    clock.pass_s(890)
    late = await ticket(identity, signed_in)
    clock.pass_s(10)
    with pytest.raises(TokenExpired):
        await identity.access.redeem(late)


@pytest.mark.parametrize("made_up", ["", "made-up", "é", "x" * 10_000])
async def test_a_made_up_ticket_is_refused(identity: Identity, made_up: str) -> None:
    with pytest.raises(Unauthenticated):
        await identity.access.redeem(made_up)


@pytest.mark.parametrize(
    ("authorization", "token"),
    [
        ("Bearer abc", "abc"),
        ("bEARER  abc ", "abc"),
        ("Bearer", ""),
        ("Bearer a b", "a b"),
        ("Basic abc", None),
        ("Bearerabc", None),
        ("", None),
    ],
)
def test_a_bearer_header_is_read_whatever_the_case_of_its_scheme(
    authorization: str, token: str | None
) -> None:
    assert bearer_token(authorization) == token
