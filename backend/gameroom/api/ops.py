"""What operators and other servers ask, at the root."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.responses import Response

from gameroom.api.answers import answer
from gameroom.api.openapi import call
from gameroom.api.shapes import Health
from gameroom.errors import Unavailable
from gameroom.identity.keys import Jwks

JWKS_MAX_AGE_S = 300

NotReady = Callable[[], str | None]
"""Why this node should get no new clients, such as `starting` or `draining`; None: it is ready."""


def ops_router(jwks: Jwks, not_ready: NotReady) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/.well-known/jwks.json", **call(gives={200: Jwks}))
    async def keys() -> Response:
        """The public keys that verify access tokens (RFC 7517)."""
        return answer(jwks, headers={"Cache-Control": f"public, max-age={JWKS_MAX_AGE_S}"})

    @router.head("/healthz", include_in_schema=False)
    @router.get("/healthz", **call(gives={200: Health}))
    async def healthz() -> Response:
        """The process is alive."""
        return answer(Health())

    @router.head("/readyz", include_in_schema=False)
    @router.get("/readyz", **call(gives={200: Health}, refuses=(Unavailable,)))
    async def readyz() -> Response:
        """The node takes clients; 503 while it starts or drains."""
        if reason := not_ready():
            raise Unavailable(f"This node is {reason}", retry_after_ms=1000)
        return answer(Health())

    return router
