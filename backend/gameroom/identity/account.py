"""One account, as stored and as its owner sees it."""

from msgspec import Struct
from msgspec.structs import replace

from gameroom.clock import Millis, rfc3339
from gameroom.errors import AccountSuspended, Unauthenticated
from gameroom.protocol.commands import FreeJson
from gameroom.protocol.views import User


class Suspension(Struct, frozen=True):
    """The account may not be used before `until`; None: for good."""

    until: Millis | None

    def holds(self, now: Millis) -> bool:
        return self.until is None or now < self.until


class Account(Struct, frozen=True, kw_only=True):
    """A user as stored. A guest has no username and no password."""

    user_id: str
    username: str | None = None
    password_hash: str | None = None
    device_hash: bytes | None = None
    display_name: str
    avatar_url: str | None = None
    roles: tuple[str, ...] = ()
    metadata: dict[str, FreeJson] = {}
    created_at: Millis
    suspension: Suspension | None = None

    def with_role(self, role: str) -> "Account":
        return self if role in self.roles else replace(self, roles=(*self.roles, role))

    def without_role(self, role: str) -> "Account":
        return replace(self, roles=tuple(each for each in self.roles if each != role))

    def require_active(self, now: Millis) -> None:
        """Raises `AccountSuspended` while a suspension holds."""
        if self.suspension and self.suspension.holds(now):
            raise suspended(self.suspension.until)


def account_gone() -> Unauthenticated:
    return Unauthenticated("This account has been deleted")


def signed_out() -> Unauthenticated:
    return Unauthenticated("This sign-in has ended")


def suspended(until: Millis | None) -> AccountSuspended:
    """None: for good."""
    return AccountSuspended(None if until is None else rfc3339(until))


def user_view(account: Account) -> User:
    """The account as its owner may see it."""
    return User(
        user_id=account.user_id,
        username=account.username,
        display_name=account.display_name,
        guest=account.username is None,
        roles=list(account.roles),
        avatar_url=account.avatar_url,
        metadata=account.metadata,
        created_at=rfc3339(account.created_at),
    )
