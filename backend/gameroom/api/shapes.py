"""The bodies of REST, each declared once: what is read, what is answered, and the schemas of both."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from gameroom.identity.keys import Jwks
from gameroom.protocol.problem import Problem
from gameroom.protocol.views import User

# `(?!\n)`: Python's `$` alone would let a line feed follow.
Username = Annotated[str, Meta(min_length=3, max_length=32, pattern=r"^[A-Za-z0-9_.-]+(?!\n)$")]
Password = Annotated[str, Meta(min_length=8, max_length=256)]
DisplayName = Annotated[str, Meta(min_length=1, max_length=50)]
DeviceId = Annotated[str, Meta(min_length=16, max_length=128, pattern=r"^[A-Za-z0-9_-]+(?!\n)$")]


class Register(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new account. `display_name` is the username if left out."""

    username: Username
    password: Password
    display_name: DisplayName | None = None


class SignInAsGuest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`device_id` is a secret that the app makes once and keeps; with it the same guest comes back."""

    device_id: DeviceId | None = None
    display_name: DisplayName | None = None


class Refresh(Struct, frozen=True, forbid_unknown_fields=True):
    refresh_token: str


class TokenForm(Struct, frozen=True, kw_only=True):
    """OAuth2's form. `username` and `password`, or `refresh_token`; anything else is ignored, as RFC 6749 says."""

    grant_type: Literal["password", "refresh_token"]
    username: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET


class Tokens(Struct, frozen=True, kw_only=True):
    """What opens sockets and calls, and what gets the next of these. Lives are in seconds."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a kind, not a secret
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


class SignedIn(Struct, frozen=True):
    user: User
    tokens: Tokens


class WsTicket(Struct, frozen=True):
    """Opens one socket, within `expires_in` seconds."""

    ticket: str
    expires_in: int


class Health(Struct, frozen=True):
    status: Literal["ok"] = "ok"


class TokenProblem(Problem, frozen=True, kw_only=True):
    """A problem of `/auth/token`, which also speaks OAuth2 (RFC 6749, 5.2)."""

    error: str
    error_description: str


SHAPES: tuple[type[Struct], ...] = (
    Register,
    SignInAsGuest,
    Refresh,
    TokenForm,
    Tokens,
    SignedIn,
    WsTicket,
    User,
    Jwks,
    Health,
    Problem,
    TokenProblem,
)
"""All of them, for the OpenAPI document."""
