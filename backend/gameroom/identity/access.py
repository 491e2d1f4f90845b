"""The door: turns a credential into a `Principal`. All that the gateway and the API need of identity."""

from msgspec import Struct

from gameroom.clock import Clock, Millis
from gameroom.errors import TokenExpired
from gameroom.identity.account import signed_out, user_view
from gameroom.identity.sign_ins import Holder, SignInStore, live_account
from gameroom.identity.tickets import Tickets
from gameroom.identity.tokens import AccessTokens, Claims
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
        return await self.bearer_of(self.claims_of(access_token))

    def claims_of(self, access_token: str) -> Claims:
        """What a token says that we signed: enough to send strangers away. Raises `Unauthenticated`, `TokenExpired`."""
        return self._tokens.verify(access_token)

    async def bearer_of(self, claims: Claims) -> Principal:
        """Who bears the token that says this, as of now. Raises `Unauthenticated`, `AccountSuspended`."""
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
        account = live_account(holder, self._clock.now())
        return Principal(user=user_view(account), sign_in_id=sign_in_id, expires_at=expires_at)


def bearer_token(authorization: str) -> str | None:
    """The token in the value of an `Authorization` header, perhaps an empty one; None: of another scheme, or none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
