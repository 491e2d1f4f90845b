"""Who is calling: the bearer of an access token."""

from starlette.requests import Request

from gameroom.errors import Unauthenticated
from gameroom.identity.access import Access, Principal, bearer_token


async def principal_of(request: Request, access: Access) -> Principal:
    """Raises as `Access.authenticate`, and `Unauthenticated` where there is no token."""
    token = bearer_token(request.headers.get("authorization", ""))
    if not token:
        raise Unauthenticated("This call needs an access token: Authorization: Bearer …")
    return await access.authenticate(token)
