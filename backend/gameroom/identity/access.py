"""The door: turns a credential into a `Principal`. All that the gateway and the API need of identity."""

from msgspec import Struct

from gameroom.clock import Clock, Millis
from gameroom.errors import TokenExpired, Unauthenticated
from gameroom.identity.account import user_view
from gameroom.identity.sign_ins import Holder, SignInStore
from gameroom.identity.tickets import Tickets
from gameroom.identity.tokens import AccessTokens
from gameroom.protocol.views import User


class Principal(Struct, frozen=True, kw_only=True):
    """Who is asking: the user as of now, the sign-in, and when the access token ends."""

    user: User
    sign_in_id: str
    expires_at: Millis


class Access:
    """Says who a credential belongs to, with one database read for what a signature cannot know."""

    def __init__(self, tokens: AccessTokens, tickets: Tickets, sign_ins: SignInStore, clock: Clock) -> None:
        self._tokens = tokens
        self._tickets = tickets
        self._sign_ins = sign_ins
        self._clock = clock

    async def authenticate(self, access_token: str) -> Principal:
        """Raises `Unauthenticated`, `TokenExpired`, `AccountSuspended`."""
        claims = self._tokens.verify(access_token)
        principal = self._principal(await self._sign_ins.holder(claims.sid), claims.sid, claims.expires_at)
        if principal.user.user_id != claims.sub:
            raise signed_out()
        return principal

    async def redeem(self, ticket: str) -> Principal:
        """The same for a single-use ticket, which is spent whatever it is refused for. Raises as `authenticate`.

        After `Unavailable` it is not spent.
        """
        taken = await self._tickets.redeem(ticket)
        spent = taken.ticket
        if self._clock.now() >= spent.token_expires_at:
            raise TokenExpired("The access token that bought this ticket has expired")
        return self._principal(taken.holder, spent.sign_in_id, spent.token_expires_at)

    def _principal(self, holder: Holder | None, sign_in_id: str, expires_at: Millis) -> Principal:
        if holder is None:
            raise signed_out()
        # A suspension has ended the sign-ins too; its owner shall hear of the suspension.
        holder.account.require_active(self._clock.now())
        if holder.ended:
            raise signed_out()
        return Principal(user=user_view(holder.account), sign_in_id=sign_in_id, expires_at=expires_at)


def bearer_token(authorization: str) -> str | None:
    """The token in the value of an `Authorization` header, perhaps an empty one; None: of another scheme, or none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def signed_out() -> Unauthenticated:
    return Unauthenticated("This sign-in has ended")
