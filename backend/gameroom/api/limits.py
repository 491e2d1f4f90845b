"""How often somebody may call: sign in, per account and per address; ask for rooms, per user.

Every node counts for itself, in memory: the limits stop guessing and floods, they are no accounting.
"""

import ipaddress
import time
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import Request

from gameroom.errors import RateLimited

IPV6_NETWORK = 64
"""Bits that name one customer; the rest of the address is theirs to vary."""


@dataclass(frozen=True, kw_only=True)
class SignInLimitPolicy:
    """Attempts a minute. Generous, because the customers of a mobile carrier share an address.

    Guests, and those who show a token, guess nothing and cost no password hash: there may be many more of them.
    """

    passwords_per_account: int = 10
    passwords_per_address: int = 300
    guests_per_address: int = 6000
    tokens_per_address: int = 6000


class SignInLimits:
    """Counts attempts, successful ones too, and refuses those over the limit with `RateLimited`.

    Somebody who attacks an account keeps its owner out by password meanwhile; sign-ins that are open go on.
    """

    def __init__(self, policy: SignInLimitPolicy) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._account = RateLimitItemPerMinute(policy.passwords_per_account, namespace="account")
        self._address = RateLimitItemPerMinute(policy.passwords_per_address, namespace="address")
        self._guests = RateLimitItemPerMinute(policy.guests_per_address, namespace="guests")
        self._tokens = RateLimitItemPerMinute(policy.tokens_per_address, namespace="tokens")

    def password(self, request: Request, username: str) -> None:
        """Somebody offers a password for this account."""
        self._hit(self._address, network_of(request))
        self._hit(self._account, username.lower()[:64])

    def registration(self, request: Request) -> None:
        self._hit(self._address, network_of(request))

    def guest(self, request: Request) -> None:
        self._hit(self._guests, network_of(request))

    def token(self, request: Request) -> None:
        """Somebody wants to refresh, to sign out, a ticket, or to change an account."""
        self._hit(self._tokens, network_of(request))

    def _hit(self, limit: RateLimitItem, who: str) -> None:
        hit(self._limiter, limit, who, "Too many attempts; wait a little")


@dataclass(frozen=True, kw_only=True)
class RoomLimitPolicy:
    """Calls of one user about rooms a minute. How many rooms are made, the rooms themselves count."""

    asked: int = 600


class RoomLimits:
    """Counts what each user asks about rooms, and refuses with `RateLimited` what is too much."""

    def __init__(self, policy: RoomLimitPolicy) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._asked = RateLimitItemPerMinute(policy.asked, namespace="asked")

    def asking(self, user_id: str) -> None:
        hit(self._limiter, self._asked, user_id, "You ask too often; wait a little")


def hit(limiter: FixedWindowRateLimiter, limit: RateLimitItem, who: str, refusal: str) -> None:
    """Count one call. Raises `RateLimited`, which says when the next one is welcome."""
    if limiter.hit(limit, who):
        return
    reset_at = limiter.get_window_stats(limit, who).reset_time
    wait_ms = max(1000, int((reset_at - time.time()) * 1000))
    raise RateLimited(refusal, retry_after_ms=wait_ms)


def network_of(request: Request) -> str:
    """The caller's IPv4 address, or the network of its IPv6 address."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:  # how a dual-stack socket names an IPv4 caller: all of them are in one /64
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, IPV6_NETWORK), strict=False))
