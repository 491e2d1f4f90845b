"""Signing in, staying signed in, signing out."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from gameroom.api.answers import NO_STORE, answer
from gameroom.api.bodies import form_body, json_body
from gameroom.api.credentials import principal_of
from gameroom.api.idempotency import idempotency_key
from gameroom.api.issued import signed_in, tokens_for
from gameroom.api.limits import SignInLimits
from gameroom.api.openapi import CROWDED, Takes, call
from gameroom.api.shapes import (
    Refresh,
    Register,
    SignedIn,
    SignInAsGuest,
    TokenForm,
    TokenProblem,
    Tokens,
    WsTicket,
)
from gameroom.api.token_errors import token_problem
from gameroom.errors import (
    AccountSuspended,
    GameroomError,
    IdReused,
    InvalidCredentials,
    TokenExpired,
    TokenReused,
    Unauthenticated,
    UsernameTaken,
    ValidationFailed,
)
from gameroom.identity.accounts import Registration
from gameroom.identity.identity import Identity

IdempotencyKey = Annotated[
    str | None,
    idempotency_key("Sent again within 24 hours: nothing is done anew, the same user gets fresh tokens."),
]


@dataclass(frozen=True)
class AuthCalls:
    """The calls under `/auth`."""

    identity: Identity
    limits: SignInLimits

    async def register(
        self,
        request: Request,
        new: Annotated[Register, Depends(json_body(Register))],
        key: IdempotencyKey = None,
    ) -> Response:
        """Make an account and sign in."""
        self.limits.registration(request)
        entered = await self.identity.accounts.register(Registration(**asdict(new)), key)
        return signed_in(entered, self.identity.tokens)

    async def guest(
        self,
        request: Request,
        guest: Annotated[SignInAsGuest, Depends(json_body(SignInAsGuest))],
        key: IdempotencyKey = None,
    ) -> Response:
        """Sign in without an account: 201 for a new guest, 200 for the one that this device has."""
        self.limits.guest(request)
        entered = await self.identity.accounts.guest(guest.device_id, guest.display_name, key)
        return signed_in(entered, self.identity.tokens)

    async def token(self, request: Request) -> Response:
        """Sign in with a password, or refresh, as OAuth2 writes it."""
        try:
            form = await form_body(request, TokenForm)
            tokens = await self._granted(request, form)
        except GameroomError as error:
            return token_problem(error)
        return answer(tokens, headers=NO_STORE)

    async def refresh(
        self, request: Request, body: Annotated[Refresh, Depends(json_body(Refresh))]
    ) -> Response:
        """Spend a refresh token for new tokens."""
        return answer(await self._refreshed(request, body.refresh_token), headers=NO_STORE)

    async def logout(
        self, request: Request, body: Annotated[Refresh, Depends(json_body(Refresh))]
    ) -> Response:
        """End this sign-in; a token that is not known is fine too."""
        self.limits.token(request)
        await self.identity.sign_ins.end(body.refresh_token)
        return Response(status_code=204)

    async def logout_all(self, request: Request) -> Response:
        """End every sign-in of the caller; their sockets close."""
        self.limits.token(request)
        principal = await principal_of(request, self.identity.access)
        await self.identity.sign_ins.end_all(principal.user.user_id)
        return Response(status_code=204)

    async def ws_ticket(self, request: Request) -> Response:
        """A ticket for `/ws?ticket=`, for clients that cannot send a header. It opens one socket."""
        self.limits.token(request)
        principal = await principal_of(request, self.identity.access)
        issued = await self.identity.tickets.issue(principal.sign_in_id, principal.expires_at)
        return answer(WsTicket(issued.ticket, issued.expires_in), 201, NO_STORE)

    async def _granted(self, request: Request, form: TokenForm) -> Tokens:
        if form.grant_type == "refresh_token":
            return await self._refreshed(request, required(form.refresh_token, "refresh_token"))
        username, password = required(form.username, "username"), required(form.password, "password")
        self.limits.password(request, username)
        account = await self.identity.accounts.authenticate(username, password)
        refresh_token = await self.identity.sign_ins.open(account.user_id, account.password_hash)
        return tokens_for(account, refresh_token, self.identity.tokens)

    async def _refreshed(self, request: Request, token: str) -> Tokens:
        self.limits.token(request)
        refreshed = await self.identity.sign_ins.refresh(token)
        return tokens_for(refreshed.account, refreshed.refresh_token, self.identity.tokens)


def required(value: str | UnsetType, name: str) -> str:
    if value is UNSET:
        raise ValidationFailed.at(f"#/{name}", "this grant needs this field")
    return value


# --- the routes -----------------------------------------------------------------------------------------------

REFRESHING = (Unauthenticated, TokenExpired, TokenReused, AccountSuspended)

ENTERING = (IdReused, Unauthenticated, AccountSuspended)
"""The last two, and `InvalidCredentials`: of the account that a repeat would sign in to, as it is by then."""

REGISTER = call(
    takes=Takes(json=Register),
    gives={201: SignedIn},
    refuses=(UsernameTaken, InvalidCredentials, *ENTERING, *CROWDED),
    no_store=True,
)
GUEST = call(
    takes=Takes(json=SignInAsGuest),
    gives={201: SignedIn, 200: SignedIn},
    refuses=(*ENTERING, *CROWDED),
    no_store=True,
)
TOKEN = call(
    takes=Takes(form=TokenForm),
    gives={200: Tokens},
    refuses=(InvalidCredentials, *REFRESHING, *CROWDED),
    problem=TokenProblem,
    no_store=True,
)
REFRESH = call(takes=Takes(json=Refresh), gives={200: Tokens}, refuses=(*REFRESHING, *CROWDED), no_store=True)
LOGOUT = call(takes=Takes(json=Refresh), gives={204: None}, refuses=CROWDED)
LOGOUT_ALL = call(gives={204: None}, refuses=CROWDED, bearer=True)
WS_TICKET = call(gives={201: WsTicket}, refuses=CROWDED, bearer=True, no_store=True)


def auth_router(calls: AuthCalls) -> APIRouter:
    """`/api/v1/auth/…`"""
    router = APIRouter(prefix="/api/v1/auth", tags=["sign-in"])
    post = partial(router.add_api_route, methods=["POST"])
    post("/register", calls.register, **REGISTER)
    post("/guest", calls.guest, **GUEST)
    post("/token", calls.token, **TOKEN)
    post("/refresh", calls.refresh, **REFRESH)
    post("/logout", calls.logout, **LOGOUT)
    post("/logout-all", calls.logout_all, **LOGOUT_ALL)
    post("/ws-ticket", calls.ws_ticket, **WS_TICKET)
    return router
