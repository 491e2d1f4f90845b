"""Accounts: registering, guests, passwords, and the contract of their store."""

import hashlib
import re
import secrets
from typing import Protocol

import msgspec
from msgspec import Struct

from gameroom.clock import Clock, Millis, rfc3339
from gameroom.errors import AccountSuspended, IdReused, InvalidCredentials
from gameroom.identity.passwords import Passwords
from gameroom.ids import CROCKFORD, new_id
from gameroom.protocol.commands import FreeJson
from gameroom.protocol.views import User

KEY_LIFE_MS = 24 * 3600 * 1000
"""How long an idempotency key is remembered."""

USERNAME = re.compile(r"[A-Za-z0-9_.-]{3,32}")


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

    def require_active(self, now: Millis) -> None:
        """Raises `AccountSuspended` while a suspension holds."""
        if self.suspension and self.suspension.holds(now):
            until = self.suspension.until
            raise AccountSuspended(None if until is None else rfc3339(until))


class Once(Struct, frozen=True, kw_only=True):
    """An idempotency key on its way to the store: hashed, with the hash of the content that it was sent with."""

    key_hash: bytes
    content_hash: bytes
    at: Millis


class Added(Struct, frozen=True):
    """The account that an `add` made or found. `repeated`: found by its idempotency key."""

    account: Account
    created: bool
    repeated: bool = False


class AccountStore(Protocol):
    """Where accounts are kept.

    Guarantees: usernames are unique ignoring case, devices and idempotency keys are unique; of writers that race
    for one of them exactly one wins. What a call has answered is stored durably.
    """

    async def add(self, account: Account, once: Once | None) -> Added:
        """Store a new account and its key, or find the one that this key or this device has already.

        Keys older than `KEY_LIFE_MS` are forgotten. Raises `UsernameTaken`, and `IdReused` for a key that came
        with other content before.
        """

    async def find(self, user_id: str) -> Account | None: ...

    async def find_by_username(self, username: str) -> Account | None:
        """Ignores case."""

    async def replace_password_hash(self, user_id: str, old: str, new: str) -> None:
        """Does nothing if the stored hash is no longer `old`."""

    async def suspend(self, user_id: str, suspension: Suspension, now: Millis) -> None:
        """Suspend the user and end every sign-in of theirs, with its revocation, all at once."""


class Registration(Struct, frozen=True, kw_only=True):
    """What a new account is made from; its fields are within the wire's limits already."""

    username: str
    password: str
    display_name: str | None = None


class Accounts:
    """What can be done with accounts."""

    def __init__(self, store: AccountStore, passwords: Passwords, clock: Clock) -> None:
        self._store = store
        self._passwords = passwords
        self._clock = clock

    async def register(self, new: Registration, key: str | None) -> Account:
        """Make a full account; with the same `key` and content again, answer the one that it made.

        Raises `UsernameTaken`, `IdReused`, `Unavailable`.
        """
        account = Account(
            user_id=new_id(),
            username=new.username,
            password_hash=await self._passwords.hash(new.password),
            display_name=new.display_name or new.username,
            created_at=self._clock.now(),
        )
        content = ("register", new.username, new.display_name)
        added = await self._store.add(account, self._once(key, content))
        if added.repeated:
            await self._require_same_password(new.password, added.account)
        return added.account

    async def _require_same_password(self, password: str, account: Account) -> None:
        # The password is no part of the stored content hash: a fast hash of it would undo Argon2's work.
        verdict = await self._passwords.verify(password, account.password_hash)
        if not verdict.right:
            raise IdReused("This Idempotency-Key came with other content before")

    async def guest(self, device_id: str | None, display_name: str | None, key: str | None) -> Added:
        """The guest that this device has, or a new one. Raises `IdReused`, `AccountSuspended`."""
        account = Account(
            user_id=new_id(),
            device_hash=sha256(device_id) if device_id else None,
            display_name=display_name or new_guest_name(),
            created_at=self._clock.now(),
        )
        added = await self._store.add(account, self._once(key, ("guest", device_id, display_name)))
        added.account.require_active(self._clock.now())
        return added

    async def authenticate(self, username: str, password: str) -> Account:
        """The account with this name and password.

        Raises `InvalidCredentials`, in the same time for unknown names as for wrong passwords; then
        `AccountSuspended`; `Unavailable` when too many wait.
        """
        account = await self._store.find_by_username(username) if USERNAME.fullmatch(username) else None
        stored = account.password_hash if account else None
        verdict = await self._passwords.verify(password, stored)
        if account is None or stored is None or not verdict.right:
            raise InvalidCredentials("The username or the password is wrong")
        if verdict.rehashed:
            await self._store.replace_password_hash(account.user_id, stored, verdict.rehashed)
        account.require_active(self._clock.now())
        return account

    async def find(self, user_id: str) -> Account | None:
        return await self._store.find(user_id)

    async def suspend(self, user_id: str, until: Millis | None) -> None:
        """No sign-in of the user works any more, and none can be opened before `until` (None: ever)."""
        await self._store.suspend(user_id, Suspension(until), self._clock.now())

    def _once(self, key: str | None, content: tuple[str | None, ...]) -> Once | None:
        if key is None:
            return None
        content_hash = hashlib.sha256(msgspec.json.encode(content)).digest()
        return Once(key_hash=sha256(key), content_hash=content_hash, at=self._clock.now())


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


def new_guest_name() -> str:
    return "Guest-" + "".join(secrets.choice(CROCKFORD) for _ in range(4))


def sha256(secret: str) -> bytes:
    """How secrets of high entropy are stored: enough to find them, useless to a thief of the database."""
    return hashlib.sha256(secret.encode()).digest()
