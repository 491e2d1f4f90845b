"""Sign-ins: opening, refreshing and ending them, and the contract of their store. `family` says what a refresh is."""

import secrets
from collections.abc import Callable
from typing import Protocol, TypeVar

from msgspec import Struct

from gameroom.clock import Clock, Millis
from gameroom.errors import InvalidCredentials, Unauthenticated
from gameroom.identity.account import Account, account_gone, signed_out
from gameroom.identity.family import (
    Family,
    RefreshToken,
    SignInPolicy,
    Verdict,
    found,
    present,
    refuse,
    split,
    token_of,
    unknown_token,
)
from gameroom.identity.fingerprints import fingerprint

T = TypeVar("T")

Step = tuple[Family, T]
"""What a family becomes, and what its presenter is told."""


class Holder(Struct, frozen=True):
    """Who a sign-in belongs to, and whether it has ended."""

    account: Account
    ended: bool


class SignInStore(Protocol):
    """Where sign-ins are kept.

    Guarantees: a sign-in that ends gets its `Revocation` in the same transaction; what a call has answered is
    stored durably; what a call has refused with `Unavailable` has changed nothing.
    """

    async def open(self, family: Family, password_hash: str | None = None) -> None:
        """Store a new sign-in; those whose refresh token has long expired are forgotten.

        `password_hash` belongs to the password that was shown for it, None: it needed none. Raises as
        `require_may_sign_in` does of the user at that moment.
        """

    async def change(self, handle_hash: bytes, step: Callable[[Family, Account], Step[T]]) -> T | None:
        """Apply `step` to the family with this handle, and to its user as of now; None: there is no such family.

        Read, step and write are one transaction: of two that change a family at once, the second sees what the
        first made of it. `step` is pure, and may be called again, also on what it has made itself. Where it
        changes nothing, or there is no such family, nobody who writes has to wait.
        """

    async def end_all(self, user_id: str, now: Millis) -> None:
        """End every sign-in of the user."""

    async def live(self, user_id: str, now: Millis) -> int:
        """How many sign-ins of the user have neither ended nor expired."""

    async def holder(self, sign_in_id: str) -> Holder | None:
        """Who it belongs to, as of a moment after the call. Those who ask at once may share one read."""


def require_may_sign_in(account: Account | None, now: Millis, password_hash: str | None = None) -> None:
    """Raises `Unauthenticated` for an account that is gone, and `AccountSuspended`.

    And `InvalidCredentials` where the password that was shown has been changed since it was checked: who changes it
    ends all other sign-ins, those that are just being opened too.
    """
    if account is None:
        raise account_gone()
    if password_hash not in (None, account.password_hash):
        raise InvalidCredentials("The password has just been changed")
    account.require_active(now)


def live_account(holder: Holder | None, now: Millis) -> Account:
    """Whose sign-in it is. Raises `Unauthenticated` where it has ended or is gone, and `AccountSuspended`."""
    if holder is None:
        raise signed_out()
    # A suspension has ended the sign-ins too; its owner shall hear of the suspension.
    holder.account.require_active(now)
    if holder.ended:
        raise signed_out()
    return holder.account


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

    async def open(self, user_id: str, password_hash: str | None = None) -> RefreshToken:
        """A new sign-in of the user, with its first refresh token. Raises as `SignInStore.open`."""
        family, token = self.prepared(user_id)
        await self._store.open(family, password_hash)
        return token

    def prepared(self, user_id: str) -> tuple[Family, RefreshToken]:
        """A sign-in for whoever stores it together with something else."""
        return found(user_id, self._clock.now(), self._policy)

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

        def step(family: Family, account: Account) -> Step[tuple[Family, Account, Verdict]]:
            after, verdict = present(family, fingerprint(secret), fingerprint(fresh), now, self._policy)
            return after, (after, account, verdict)

        changed = await self._store.change(fingerprint(handle), step)
        if changed is None:
            raise unknown_token()
        family, account, verdict = changed
        account.require_active(now)
        refuse(verdict)
        return Refreshed(account, token_of(family, handle, fresh, self._policy))

    async def end(self, token: str) -> None:
        """End the sign-in that the refresh token belongs to, be it spent or expired; an unknown one is ignored."""
        now = self._clock.now()
        try:
            handle, _ = split(token)
        except Unauthenticated:
            return
        await self._store.change(fingerprint(handle), lambda family, _: (family.ended(now), None))

    async def end_all(self, user_id: str) -> None:
        """End every sign-in of the user."""
        await self._store.end_all(user_id, self._clock.now())
