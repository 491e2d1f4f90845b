"""Tickets: what opens one socket where no header can be sent. Single-use, short-lived, stored hashed."""

import secrets
from typing import Protocol

from msgspec import Struct

from gameroom.clock import Clock, Millis
from gameroom.errors import Unauthenticated
from gameroom.identity.fingerprints import fingerprint
from gameroom.identity.sign_ins import Holder

MAX_LENGTH = 100


class Ticket(Struct, frozen=True, kw_only=True):
    """A ticket as stored. The socket that it opens lasts as long as the access token that bought it."""

    ticket_hash: bytes
    sign_in_id: str
    token_expires_at: Millis
    expires_at: Millis


class Taken(Struct, frozen=True):
    """A ticket that is spent now, and who its sign-in belonged to at that moment."""

    ticket: Ticket
    holder: Holder | None


class TicketStore(Protocol):
    """Where tickets wait to be redeemed.

    Guarantees: what a call has answered is stored durably; what a call has refused with `Unavailable` has changed
    nothing.
    """

    async def keep(self, ticket: Ticket, now: Millis) -> None:
        """Store it; those that expired before `now` are forgotten."""

    async def take(self, ticket_hash: bytes) -> Taken | None:
        """Remove and return it: of any number of callers, on any node, one at most gets it.

        For a ticket that there is not, nobody who writes has to wait.
        """


class IssuedTicket(Struct, frozen=True):
    """A ticket just made; `expires_in` in seconds."""

    ticket: str
    expires_in: int


class Tickets:
    """Issues and redeems tickets."""

    def __init__(self, store: TicketStore, ttl_s: int, clock: Clock) -> None:
        self._store = store
        self._ttl_s = ttl_s
        self._clock = clock

    async def issue(self, sign_in_id: str, token_expires_at: Millis) -> IssuedTicket:
        now = self._clock.now()
        secret = secrets.token_urlsafe(32)
        ticket = Ticket(
            ticket_hash=fingerprint(secret),
            sign_in_id=sign_in_id,
            token_expires_at=token_expires_at,
            expires_at=now + self._ttl_s * 1000,
        )
        await self._store.keep(ticket, now)
        return IssuedTicket(secret, self._ttl_s)

    async def redeem(self, secret: str) -> Taken:
        """Spend a ticket. Raises `Unauthenticated` for one that is unknown, spent or too old."""
        plausible = len(secret) <= MAX_LENGTH and secret.isascii()
        taken = await self._store.take(fingerprint(secret)) if plausible else None
        if taken is None or self._clock.now() >= taken.ticket.expires_at:
            raise Unauthenticated("The ticket is not valid: each opens one socket, and soon")
        return taken
