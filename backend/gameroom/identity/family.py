"""A family of refresh tokens: what one sign-in is made of. Pure. Each refresh spends a token and makes its successor.

A token is `<handle>.<secret>`: the handle, the same in all tokens of a family and in nothing else, finds the
family; the secret says which token it is. Both are stored hashed. So one row knows every token that a family
ever had: what bears the handle, but is neither the present token nor the one just spent, is an old one used again.
"""

import secrets
from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec import Struct

from gameroom.clock import Millis
from gameroom.errors import TokenExpired, TokenReused, Unauthenticated
from gameroom.identity.fingerprints import fingerprint
from gameroom.ids import new_id

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


class RefreshToken(Struct, frozen=True, kw_only=True):
    """A refresh token just made, and the sign-in it belongs to; `expires_in` in seconds."""

    sign_in_id: str
    token: str
    expires_in: int


def found(user_id: str, now: Millis, policy: SignInPolicy) -> tuple[Family, RefreshToken]:
    """A new family, and its first token."""
    handle, secret = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
    family = Family(
        sign_in_id=new_id(),
        user_id=user_id,
        handle_hash=fingerprint(handle),
        current=fingerprint(secret),
        created_at=now,
        expires_at=now + policy.refresh_ttl_s * 1000,
    )
    return family, token_of(family, handle, secret, policy)


def token_of(family: Family, handle: str, secret: str, policy: SignInPolicy) -> RefreshToken:
    token = f"{handle}.{secret}"
    return RefreshToken(sign_in_id=family.sign_in_id, token=token, expires_in=policy.refresh_ttl_s)


# --- presenting a token ---------------------------------------------------------------------------------------

Verdict = Literal["rotated", "reused", "ended", "expired"]


def present(
    family: Family, token: bytes, successor: bytes, now: Millis, policy: SignInPolicy
) -> tuple[Family, Verdict]:
    """What the family becomes when the token with this hash is presented, and `successor` would be the next.

    A damaged secret ends the sign-in as an old one does: hashes of the two newest are all that is kept, so it cannot
    be told from one; and who knows the handle has had a token of this sign-in in their hands.
    """
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
            raise TokenReused(
                "This refresh token was used before, or is damaged; the whole sign-in has ended"
            )
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
