"""Sign-ins: families of refresh tokens. Each refresh spends a token and makes its successor.

A token is `<handle>.<secret>`: the handle, the same in all tokens of a family and in nothing else, finds the
family; the secret says which token it is. Both are stored hashed. So one row knows every token that a family
ever had: what bears the handle, but is neither the present token nor the one just spent, is an old one used again.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import msgspec
from msgspec import Struct

from gameroom.clock import Clock, Millis
from gameroom.errors import TokenExpired, TokenReused, Unauthenticated
from gameroom.identity.accounts import Account, sha256
from gameroom.ids import new_id

T = TypeVar("T")

MAX_TOKEN_LENGTH = 200


@dataclass(frozen=True, kw_only=True)
class SignInPolicy:
    """How long an unused refresh token lasts, and how long a spent one forgives a lost answer."""

    refresh_ttl_s: int = 30 * 24 * 3600
    leeway_s: int = 30


class Family(Struct, frozen=True, kw_only=True):
    """One sign-in as stored. `spent` is the token that `current` succeeded, `spent_at` when it was first used."""

    sign_in_id: str
    user_id: str
    handle_hash: bytes
    current: bytes
    spent: bytes | None = None
    spent_at: Millis | None = None
    created_at: Millis
    expires_at: Millis
    ended_at: Millis | None = None

    def ended(self, now: Millis) -> "Family":
        return self if self.ended_at is not None else msgspec.structs.replace(self, ended_at=now)


Verdict = Literal["rotated", "reused", "ended", "expired"]
Step = tuple[Family, T]
"""What a family becomes, and what its presenter is told."""


class Holder(Struct, frozen=True):
    """Who a sign-in belongs to, and whether it has ended."""

    account: Account
    ended: bool


class SignInStore(Protocol):
    """Where sign-ins are kept.

    Guarantees: a sign-in that ends gets its `Revocation` in the same transaction; what a call has answered is
    stored durably.
    """

    async def open(self, family: Family) -> None:
        """Store a new sign-in; those whose refresh token has long expired are forgotten."""

    async def change(self, handle_hash: bytes, step: Callable[[Family], Step[T]]) -> T | None:
        """Apply `step` to the family with this handle; None: there is none.

        Read, step and write are one transaction: of two that change a family at once, the second sees what the
        first made of it. `step` is pure, and may be called again.
        """

    async def end_all(self, user_id: str, now: Millis) -> None:
        """End every sign-in of the user."""

    async def holder(self, sign_in_id: str) -> Holder | None:
        """One read."""


class RefreshToken(Struct, frozen=True, kw_only=True):
    """A refresh token just made, and the sign-in it belongs to; `expires_in` in seconds."""

    sign_in_id: str
    token: str
    expires_in: int


class Refreshed(Struct, frozen=True):
    """Whose sign-in it is, as the account is now, and the next refresh token."""

    account: Account
    refresh_token: RefreshToken


class SignIns:
    """Opens, refreshes and ends sign-ins."""

    def __init__(self, store: SignInStore, policy: SignInPolicy, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock

    async def open(self, user_id: str) -> RefreshToken:
        """A new sign-in of the user, with its first refresh token."""
        now = self._clock.now()
        handle, secret = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
        family = Family(
            sign_in_id=new_id(),
            user_id=user_id,
            handle_hash=sha256(handle),
            current=sha256(secret),
            created_at=now,
            expires_at=now + self._policy.refresh_ttl_s * 1000,
        )
        await self._store.open(family)
        return self._issued(family.sign_in_id, handle, secret)

    async def refresh(self, token: str) -> Refreshed:
        """Spend a refresh token for its successor.

        A token used again within the leeway, while its successor is unused, gets another successor: the answer
        was lost, and the lost token is void. Raises `TokenReused`, after ending the family, for any other token
        that is no longer the present one; `TokenExpired`; `Unauthenticated` for an unknown token or a sign-in
        that has ended; `AccountSuspended`.
        """
        handle, secret = split(token)
        fresh = secrets.token_urlsafe(32)
        now = self._clock.now()

        def step(family: Family) -> Step[tuple[Family, Verdict]]:
            after, verdict = present(family, sha256(secret), sha256(fresh), now, self._policy)
            return after, (after, verdict)

        changed = await self._store.change(sha256(handle), step)
        if changed is None:
            raise unknown_token()
        family, verdict = changed
        account = await self._active_account(family, now)
        refuse(verdict)
        return Refreshed(account, self._issued(family.sign_in_id, handle, fresh))

    async def _active_account(self, family: Family, now: Millis) -> Account:
        holder = await self._store.holder(family.sign_in_id)
        if holder is None:
            raise unknown_token()
        holder.account.require_active(now)
        return holder.account

    async def end(self, token: str) -> None:
        """End the sign-in that the refresh token belongs to, be it spent or expired; an unknown one is ignored."""
        now = self._clock.now()
        try:
            handle, _ = split(token)
        except Unauthenticated:
            return
        await self._store.change(sha256(handle), lambda family: (family.ended(now), None))

    async def end_all(self, user_id: str) -> None:
        """End every sign-in of the user."""
        await self._store.end_all(user_id, self._clock.now())

    def _issued(self, sign_in_id: str, handle: str, secret: str) -> RefreshToken:
        token = f"{handle}.{secret}"
        return RefreshToken(sign_in_id=sign_in_id, token=token, expires_in=self._policy.refresh_ttl_s)


def present(
    family: Family, token: bytes, successor: bytes, now: Millis, policy: SignInPolicy
) -> tuple[Family, Verdict]:
    """What the family becomes when the token with this hash is presented, and `successor` would be the next."""
    if token != family.current and not forgiven(family, token, now, policy):
        return family.ended(now), "reused"
    if family.ended_at is not None:
        return family, "ended"
    if now >= family.expires_at:
        return family, "expired"
    return rotated(family, token, successor, now, policy), "rotated"


def forgiven(family: Family, token: bytes, now: Millis, policy: SignInPolicy) -> bool:
    """Whether this is the token just spent, whose successor nobody has used yet."""
    if family.spent_at is None or token != family.spent:
        return False
    return now - family.spent_at <= policy.leeway_s * 1000


def rotated(family: Family, token: bytes, successor: bytes, now: Millis, policy: SignInPolicy) -> Family:
    first_use = token == family.current
    return msgspec.structs.replace(
        family,
        current=successor,
        spent=token,
        spent_at=now if first_use else family.spent_at,
        expires_at=now + policy.refresh_ttl_s * 1000,
    )


def refuse(verdict: Verdict) -> None:
    match verdict:
        case "reused":
            raise TokenReused("This refresh token was used before; the whole sign-in has ended")
        case "ended":
            raise Unauthenticated("This sign-in has ended")
        case "expired":
            raise TokenExpired("The refresh token has expired: sign in again")


def split(token: str) -> tuple[str, str]:
    handle, dot, secret = token.partition(".")
    if not dot or len(token) > MAX_TOKEN_LENGTH:
        raise unknown_token()
    return handle, secret


def unknown_token() -> Unauthenticated:
    return Unauthenticated("The refresh token is not valid")
