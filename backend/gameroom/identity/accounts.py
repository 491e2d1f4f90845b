"""Accounts: registering, guests, passwords, and the contract of their store."""

import hashlib
import re
import secrets
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gameroom.clock import Clock, Millis
from gameroom.errors import IdReused, InvalidCredentials, UsernameTaken
from gameroom.identity.account import Account, Suspension
from gameroom.identity.family import Family, RefreshToken
from gameroom.identity.fingerprints import fingerprint
from gameroom.identity.passwords import Passwords
from gameroom.identity.profile import ProfileChange
from gameroom.identity.sign_ins import SignIns
from gameroom.ids import CROCKFORD, new_id

KEY_LIFE_MS = 24 * 3600 * 1000
"""How long an idempotency key is remembered."""

USERNAME = re.compile(r"[A-Za-z0-9_.-]{3,32}")


class Once(Struct, frozen=True, kw_only=True):
    """An idempotency key on its way to the store: hashed, with the hash of the content that it was sent with."""

    key_hash: bytes
    content_hash: bytes
    at: Millis

    def require_same(self, content_hash: bytes) -> None:
        """Raises `IdReused` where the key came with other content before."""
        if self.content_hash != content_hash:
            raise other_content()


def username_taken(username: str) -> UsernameTaken:
    return UsernameTaken(f"The username {username} is taken")


class Added(Struct, frozen=True):
    """The account that an `add` made, or found by its device."""

    account: Account
    created: bool


class Caller(Struct, frozen=True):
    """Who changes their account, and the sign-in by which they may."""

    user_id: str
    sign_in_id: str


class NewPassword(Struct, frozen=True, kw_only=True):
    """A changed password; of its user's sign-ins only the caller's stays."""

    by: Caller
    old_hash: str
    new_hash: str
    at: Millis


class AccountStore(Protocol):
    """Where accounts are kept.

    Guarantees: usernames are unique ignoring case, devices and idempotency keys are unique; of writers that race
    for one of them exactly one wins. What a call has answered is stored durably; what a call has refused with
    `Unavailable` has changed nothing. Who changes an account must still be signed in, in the transaction that
    changes it: else `Unauthenticated` or `AccountSuspended` is raised, and nothing was changed.
    """

    async def find_by_key(self, once: Once) -> Account | None:
        """The account that this key brought before. Raises `IdReused` for a key that came with other content.

        A key older than `KEY_LIFE_MS` is not known any more.
        """

    async def add(self, account: Account, once: Once | None, sign_in: Family) -> Added | None:
        """Store a new account, or find the one that this device has; with it the key and a sign-in, all at once.

        `sign_in` is stored as one of the account that was made or found. None: the key is there already, and
        nothing was changed. Keys older than `KEY_LIFE_MS` are forgotten. Raises `UsernameTaken`, and
        `AccountSuspended` for a device whose guest is suspended.
        """

    async def find_by_username(self, username: str) -> Account | None:
        """Ignores case."""

    async def find(self, user_id: str) -> Account | None:
        """None: there is none, or no more."""

    async def replace_password_hash(self, user_id: str, old: str, new: str) -> bool:
        """False: the stored hash is no longer `old`, and nothing was changed."""

    async def change_password(self, change: NewPassword) -> bool:
        """Replace the hash, and end every other sign-in of the user with its revocation, all at once.

        False: the stored hash is no longer the old one, and nothing was changed.
        """

    async def change_profile(self, by: Caller, change: ProfileChange, now: Millis) -> Account | None:
        """The account as it is now. None: there is none, or no more."""

    async def upgrade(self, by: Caller, username: str, password_hash: str, sign_in: Family) -> Account | None:
        """Give a guest a name and a password, and open the new `sign_in` of theirs, all at once.

        None: this is no guest any more, or gone, and nothing was changed. Raises `UsernameTaken`.
        """

    async def delete(self, by: Caller, now: Millis) -> None:
        """Delete the account with its sign-ins, tickets and keys, and tell of each sign-in that it has ended.

        All at once; its name and its device are free then. Does nothing where there is none.
        """

    async def suspend(self, user_id: str, suspension: Suspension, now: Millis) -> None:
        """Suspend the user and end every sign-in of theirs, with its revocation, all at once."""

    async def reinstate(self, user_id: str) -> None:
        """The user is not suspended any more; the sign-ins that the suspension has ended stay ended.

        This, `grant` and `revoke` do nothing where there is no such user.
        """

    async def grant(self, user_id: str, role: str) -> None:
        """The user has the role from now on: whoever is identified next has it."""

    async def revoke(self, user_id: str, role: str, now: Millis) -> None:
        """Take the role away, and end every sign-in that had it, with its revocation, all at once.

        Of who has not got the role nothing is changed.
        """


class Registration(Struct, frozen=True, kw_only=True):
    """What a new account is made from; its fields are within the wire's limits already."""

    username: str
    password: str
    display_name: str | None = None


class Entered(Struct, frozen=True):
    """Somebody who has registered or come as a guest, and their sign-in.

    `created`: by this call, or by the one that it repeats; else the account was there, known by its device.
    """

    account: Account
    created: bool
    refresh_token: RefreshToken


class Accounts:
    """What can be done with accounts."""

    def __init__(self, store: AccountStore, sign_ins: SignIns, passwords: Passwords, clock: Clock) -> None:
        self._store = store
        self._sign_ins = sign_ins
        self._passwords = passwords
        self._clock = clock

    async def register(self, new: Registration, key: str | None) -> Entered:
        """Make a full account and sign in; with the same `key` and content again, sign in to the one that it made.

        Raises `UsernameTaken`, `IdReused`, `Unavailable`, and of a repeat as `SignIns.open`.
        """
        once = self._once(key, ("register", new.username, new.display_name))
        known = await self._known(once)
        if known is None:
            # Where the same call came twice at once, the other was first: now its account is found.
            return await self._add(await self._account(new), once) or await self.register(new, key)
        await self._require_same_password(new.password, known)
        return await self._again(known, known.password_hash)

    async def _account(self, new: Registration) -> Account:
        return Account(
            user_id=new_id(),
            username=new.username,
            password_hash=await self._passwords.hash(new.password),
            display_name=new.display_name or new.username,
            created_at=self._clock.now(),
        )

    async def _require_same_password(self, password: str, account: Account) -> None:
        # The password is no part of the stored content hash: a fast hash of it would undo Argon2's work.
        verdict = await self._passwords.verify(password, account.password_hash)
        if not verdict.right:
            raise other_content()

    async def guest(self, device_id: str | None, display_name: str | None, key: str | None) -> Entered:
        """Sign in as the guest that this device has, or as a new one. Raises `IdReused`, and as `SignIns.open`."""
        once = self._once(key, ("guest", device_id, display_name))
        known = await self._known(once)
        if known is not None:
            return await self._again(known)
        account = Account(
            user_id=new_id(),
            device_hash=fingerprint(device_id) if device_id else None,
            display_name=display_name or new_guest_name(),
            created_at=self._clock.now(),
        )
        return await self._add(account, once) or await self.guest(device_id, display_name, key)

    async def _known(self, once: Once | None) -> Account | None:
        return await self._store.find_by_key(once) if once else None

    async def _add(self, account: Account, once: Once | None) -> Entered | None:
        """None: the key of `once` is there already."""
        sign_in, token = self._sign_ins.prepared(account.user_id)
        added = await self._store.add(account, once, sign_in)
        return Entered(added.account, added.created, token) if added else None

    async def _again(self, account: Account, password_hash: str | None = None) -> Entered:
        return Entered(account, True, await self._sign_ins.open(account.user_id, password_hash))

    async def authenticate(self, username: str, password: str) -> Account:
        """The account with this name and password, to open a sign-in with its `password_hash`.

        Raises `InvalidCredentials`, in the same time for unknown names as for wrong passwords; then
        `AccountSuspended`; `Unavailable` when too many wait.
        """
        account = await self._store.find_by_username(username) if USERNAME.fullmatch(username) else None
        stored = account.password_hash if account else None
        verdict = await self._passwords.verify(password, stored)
        if account is None or stored is None or not verdict.right:
            raise InvalidCredentials("The username or the password is wrong")
        if verdict.rehashed:
            if not await self._store.replace_password_hash(account.user_id, stored, verdict.rehashed):
                return await self.authenticate(username, password)  # it has just become another
            account = replace(account, password_hash=verdict.rehashed)
        account.require_active(self._clock.now())
        return account

    async def suspend(self, user_id: str, until: Millis | None) -> None:
        """No sign-in of the user works any more, and none can be opened before `until` (None: ever)."""
        await self._store.suspend(user_id, Suspension(until), self._clock.now())

    def _once(self, key: str | None, content: tuple[str | None, ...]) -> Once | None:
        if key is None:
            return None
        content_hash = hashlib.sha256(msgspec.json.encode(content)).digest()
        return Once(key_hash=fingerprint(key), content_hash=content_hash, at=self._clock.now())


def other_content() -> IdReused:
    return IdReused("This Idempotency-Key came with other content before", params={"reason": "other_content"})


def new_guest_name() -> str:
    return "Guest-" + "".join(secrets.choice(CROCKFORD) for _ in range(4))
