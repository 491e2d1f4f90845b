"""The caller's own account: how it is shown, its password, its upgrade, its end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fastapi import APIRouter
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from gameroom.api.answers import NO_STORE, answer
from gameroom.api.bodies import json_decoder
from gameroom.api.credentials import principal_and_body, principal_of
from gameroom.api.issued import signed_in
from gameroom.api.limits import SignInLimits
from gameroom.api.openapi import CROWDED, Takes, call
from gameroom.api.shapes import ChangePassword, SignedIn, UpdateProfile, Upgrade
from gameroom.errors import (
    Conflict,
    Forbidden,
    InvalidCredentials,
    UsernameTaken,
)
from gameroom.identity.access import Principal
from gameroom.identity.account import user_view
from gameroom.identity.accounts import Caller
from gameroom.identity.identity import Identity
from gameroom.identity.profile import ProfileChange
from gameroom.protocol.views import User

T = TypeVar("T")

decode_update = json_decoder(UpdateProfile)
decode_password = json_decoder(ChangePassword)
decode_upgrade = json_decoder(Upgrade)


@dataclass(frozen=True)
class UserCalls:
    """The calls under `/users/me`."""

    identity: Identity
    limits: SignInLimits

    async def me(self, request: Request) -> Response:
        """The caller, as of now."""
        caller = await principal_of(request, self.identity.access)
        return answer(caller.user, headers=NO_STORE)

    async def update(self, request: Request) -> Response:
        """Change how the caller is shown. What is left out stays; what is given replaces the former value whole."""
        caller, update = await self._caller_with(request, decode_update)
        changed = await self.identity.changes.profile(by(caller), ProfileChange(**asdict(update)))
        return answer(user_view(changed), headers=NO_STORE)

    async def delete(self, request: Request) -> Response:
        """Delete the account, with its sign-ins: its sockets close, and its name is free again."""
        self.limits.token(request)
        caller = await principal_of(request, self.identity.access)
        await self.identity.changes.delete(by(caller))
        return Response(status_code=204)

    async def password(self, request: Request) -> Response:
        """Change the password. Every other sign-in of the caller ends, and its sockets close."""
        caller, change = await self._caller_with(request, decode_password)
        self._offers_password(request, caller)
        await self.identity.changes.password(by(caller), change.current_password, change.new_password)
        return Response(status_code=204)

    async def upgrade(self, request: Request) -> Response:
        """Make the guest who calls a full account. A repeat, after a lost answer, brings fresh tokens."""
        caller, wanted = await self._caller_with(request, decode_upgrade)
        self._offers_password(request, caller)
        upgraded = await self.identity.changes.upgrade(by(caller), wanted.username, wanted.password)
        return signed_in(upgraded, self.identity.tokens)

    async def _caller_with(self, request: Request, decode: Callable[[bytes], T]) -> tuple[Principal, T]:
        self.limits.token(request)
        return await principal_and_body(request, self.identity.access, decode)

    def _offers_password(self, request: Request, caller: Principal) -> None:
        """Who holds a token may not guess the password with it any faster than others."""
        self.limits.password(request, caller.user.username or caller.user.user_id)


def by(principal: Principal) -> Caller:
    return Caller(principal.user.user_id, principal.sign_in_id)


# --- the routes -----------------------------------------------------------------------------------------------

ME = call(gives={200: User}, bearer=True, no_store=True)
UPDATE = call(takes=Takes(json=UpdateProfile), gives={200: User}, refuses=CROWDED, bearer=True, no_store=True)
DELETE = call(gives={204: None}, refuses=CROWDED, bearer=True)
PASSWORD = call(
    takes=Takes(json=ChangePassword),
    gives={204: None},
    refuses=(InvalidCredentials, Forbidden, *CROWDED),
    bearer=True,
)
UPGRADE = call(
    takes=Takes(json=Upgrade),
    gives={200: SignedIn},
    refuses=(InvalidCredentials, UsernameTaken, Conflict, *CROWDED),
    bearer=True,
    no_store=True,
)


def users_router(calls: UserCalls) -> APIRouter:
    """`/api/v1/users/…`"""
    router = APIRouter(prefix="/api/v1/users", tags=["users"])
    router.add_api_route("/me", calls.me, methods=["GET"], **ME)
    router.add_api_route("/me", calls.update, methods=["PATCH"], **UPDATE)
    router.add_api_route("/me", calls.delete, methods=["DELETE"], **DELETE)
    router.add_api_route("/me/password", calls.password, methods=["POST"], **PASSWORD)
    router.add_api_route("/me/upgrade", calls.upgrade, methods=["POST"], **UPGRADE)
    return router
