"""What a collector of metrics asks, at the root."""

from enum import Enum
from secrets import compare_digest

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gameroom.api.openapi import call
from gameroom.errors import Unauthenticated
from gameroom.identity.access import bearer_token
from gameroom.telemetry.metrics import CONTENT_TYPE, Metrics


class Readers(Enum):
    """Who reads the metrics, where no secret says it."""

    ALL = "all"
    NONE = "none"


def metrics_router(counted: Metrics, readers: Readers | str) -> APIRouter:
    """`GET /metrics`, for these readers; a string: for whoever shows it as a bearer."""
    router = APIRouter(tags=["operations"])

    @router.get("/metrics", **call(gives={200: str}, refuses=(Unauthenticated,)))
    async def metrics(request: Request) -> Response:
        """What this node counts and measures, in Prometheus' text format."""
        if not _may_read(request, readers):
            raise Unauthenticated("This call needs the operator's token: Authorization: Bearer …")
        return Response(counted.exposition(), media_type=CONTENT_TYPE)

    return router


def _may_read(request: Request, readers: Readers | str) -> bool:
    if isinstance(readers, Readers):
        return readers is Readers.ALL
    shown = bearer_token(request.headers.get("authorization", "")) or ""
    return compare_digest(shown.encode(), readers.encode())
