"""Who is calling: the bearer of an access token."""

from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request

from gameroom.api.bodies import read_bounded
from gameroom.errors import Unauthenticated
from gameroom.identity.access import Access, Principal, bearer_token

T = TypeVar("T")


async def principal_of(request: Request, access: Access) -> Principal:
    """Raises as `Access.authenticate`, and `Unauthenticated` where there is no token."""
    return await access.authenticate(token_of(request))


async def principal_and_body(
    request: Request, access: Access, decode: Callable[[bytes], T]
) -> tuple[Principal, T]:
    """Who is calling once the body is there, and the body. Raises as `principal_of`, `read_bounded` and `decode`.

    A body may take half a minute, in which a sign-in may end: only what has no good signature is refused before.
    To who is not, or no longer, signed in every body is the same 401.
    """
    claims = access.claims_of(token_of(request))
    body = await read_bounded(request)
    principal = await access.bearer_of(claims)
    return principal, decode(body)


def token_of(request: Request) -> str:
    token = bearer_token(request.headers.get("authorization", ""))
    if not token:
        raise Unauthenticated("This call needs an access token: Authorization: Bearer …")
    return token
