"""What a handshake asks for, read and checked before anything is spent on it. Pure."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct
from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection

from gameroom.errors import Forbidden, RoomNotFound, UnsupportedProtocol, ValidationFailed
from gameroom.gateway.wire import WIRES
from gameroom.identity.access import bearer_token
from gameroom.protocol.commands import JoinRoom, ResumeFrom, Role, RoomId, Updates
from gameroom.protocol.limits import MAX_INT
from gameroom.protocol.queries import read_query

BEARER_SUBPROTOCOL = "bearer."
"""Before a token among the subprotocols: the one header value that a browser lets a page choose."""

Position = Annotated[int, Meta(ge=0, le=MAX_INT)]


class BearerCredential(Struct, frozen=True):
    """A credential that may be shown again."""

    secret: str


class TicketCredential(Struct, frozen=True):
    """A credential that is spent by being shown."""

    secret: str


Credential = BearerCredential | TicketCredential


def wants_errors_as_frames(handshake: HTTPConnection) -> bool:
    """Whether the client cannot read the HTTP answer to a refused handshake (`?errors=frame`)."""
    return handshake.query_params.get("errors") == "frame"


def choose_subprotocol(handshake: HTTPConnection) -> str | None:
    """The first offered that we know; None: there is none."""
    return next((word for word in _subprotocols(handshake) if word in WIRES), None)


def check_subprotocols(handshake: HTTPConnection) -> None:
    """Raises `UnsupportedProtocol` where only unknown ones were offered; a bearer is none."""
    named = [word for word in _subprotocols(handshake) if not word.startswith(BEARER_SUBPROTOCOL)]
    if named and not any(word in WIRES for word in named):
        raise UnsupportedProtocol(f"This server speaks {' and '.join(WIRES)}")


def find_credential(handshake: HTTPConnection) -> Credential | None:
    """The first found of header, subprotocol and ticket. It decides, good or bad; None: the first frame will."""
    token = bearer_token(handshake.headers.get("authorization", ""))
    if token is not None:
        return BearerCredential(token)
    for word in _subprotocols(handshake):
        if word.startswith(BEARER_SUBPROTOCOL):
            return BearerCredential(word.removeprefix(BEARER_SUBPROTOCOL))
    ticket = handshake.query_params.get("ticket")
    return None if ticket is None else TicketCredential(ticket)


def check_origin(handshake: HTTPConnection, allowed: frozenset[str]) -> None:
    """Let in who is no browser, or comes from the server's own pages or an allowed origin. Raises `Forbidden`."""
    origin = handshake.headers.get("origin")
    if origin is None or origin in allowed or "*" in allowed:
        return
    # Only hosts are compared: behind a proxy that ends TLS the server does not know its own scheme.
    if _host_of(origin) != handshake.headers.get("host", "").lower():
        raise Forbidden("Pages of this origin may not open sockets here", reason="origin")


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _subprotocols(handshake: HTTPConnection) -> list[str]:
    offered: list[str] = handshake.scope.get("subprotocols", [])
    return offered


class _Wishes(Struct, forbid_unknown_fields=True):
    """What the query of every socket may say; `find_credential` and `wants_errors_as_frames` read it."""

    ticket: str | None = None
    errors: Literal["frame"] | None = None


class _RoomWishes(_Wishes):
    """What it may say about the automatic JOIN too."""

    role: Role | None = None
    updates: Updates = "patch"
    epoch: Position | None = None
    seq: Position | None = None


def check_query(query: QueryParams) -> None:
    """The query of a socket for any number of rooms. Raises `ValidationFailed`."""
    read_query(query.multi_items(), _Wishes)


def join_of(room_id: str, query: QueryParams) -> JoinRoom:
    """The automatic JOIN of a room-bound socket. Raises `RoomNotFound`, `ValidationFailed`."""
    try:
        msgspec.convert(room_id, RoomId)
    except msgspec.ValidationError:
        raise RoomNotFound from None
    wishes = read_query(query.multi_items(), _RoomWishes)
    return JoinRoom(
        room_id=room_id,
        role=wishes.role,
        updates=wishes.updates,
        resume=_resume_from(wishes.epoch, wishes.seq),
    )


def _resume_from(epoch: int | None, seq: int | None) -> ResumeFrom | None:
    if epoch is None and seq is None:
        return None
    if epoch is None or seq is None:
        raise ValidationFailed.at("#/epoch" if epoch is None else "#/seq", "epoch and seq go together")
    return ResumeFrom(epoch, seq)
