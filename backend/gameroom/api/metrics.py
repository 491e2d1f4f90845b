"""What a collector of metrics asks, at the root."""

from collections.abc import Callable
from secrets import compare_digest

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gameroom.api.openapi import call
from gameroom.errors import Unauthenticated
from gameroom.identity.access import bearer_token

Scrape = Callable[[], bytes]


def metrics_router(scrape: Scrape, content_type: str, secret: str | None) -> APIRouter:
    """`GET /metrics` gives what `scrape` returns, to whoever shows the secret as a bearer; None: to everybody."""
    router = APIRouter(tags=["operations"])

    @router.get("/metrics", **call(gives={200: str}, refuses=(Unauthenticated,)))
    async def metrics(request: Request) -> Response:
        """What this node counts and measures, in Prometheus' text format."""
        if secret is not None and not _shows(request, secret):
            raise Unauthenticated("This call needs the operator's token: Authorization: Bearer …")
        return Response(scrape(), media_type=content_type)

    return router


def _shows(request: Request, secret: str) -> bool:
    shown = bearer_token(request.headers.get("authorization", "")) or ""
    return compare_digest(shown.encode(), secret.encode())
