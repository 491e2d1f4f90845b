"""The caller's own account."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gameroom.api.answers import NO_STORE, answer
from gameroom.api.credentials import principal_of
from gameroom.api.openapi import call
from gameroom.errors import AccountSuspended
from gameroom.identity.access import Access
from gameroom.protocol.views import User


def users_router(access: Access) -> APIRouter:
    """`/api/v1/users/…`"""
    router = APIRouter(prefix="/api/v1/users", tags=["users"])

    @router.get("/me", **call(gives={200: User}, refuses=(AccountSuspended,), bearer=True, no_store=True))
    async def me(request: Request) -> Response:
        """The caller, as of now."""
        return answer((await principal_of(request, access)).user, headers=NO_STORE)

    return router
