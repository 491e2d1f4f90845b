"""The stores of identity in memory: the contracts in their simplest form, for tests."""

from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from gameroom.clock import Millis
from gameroom.errors import UsernameTaken
from gameroom.identity.account import Account, Suspension
from gameroom.identity.accounts import KEY_LIFE_MS, Added, Once
from gameroom.identity.family import Family
from gameroom.identity.revocations import Revocation, Why
from gameroom.identity.sign_ins import Holder, Step
from gameroom.identity.tickets import Taken, Ticket

T = TypeVar("T")


class MemoryStores:
    """Implements `AccountStore`, `SignInStore`, `RevocationStore` and `TicketStore`. Nothing here awaits."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._keys: dict[bytes, tuple[Once, str]] = {}
        self._families: dict[bytes, Family] = {}
        self._revocations: list[Revocation] = []
        self._tickets: dict[bytes, Ticket] = {}

    # --- AccountStore -----------------------------------------------------------------------------------------

    async def find_by_key(self, once: Once) -> Account | None:
        if not self._remembers(once):
            return None
        former, user_id = self._keys[once.key_hash]
        once.require_same(former.content_hash)
        return self._accounts[user_id]

    async def add(self, account: Account, once: Once | None, sign_in: Family) -> Added | None:
        if once and self._remembers(once):
            return None
        same_device = self._by_device(account.device_hash)
        if same_device is None:
            self._insert(account)
        added = same_device or account
        self._open(replace(sign_in, user_id=added.user_id))
        if once:
            self._keys[once.key_hash] = (once, added.user_id)
        return Added(added, created=same_device is None)

    def _remembers(self, once: Once) -> bool:
        former = self._keys.get(once.key_hash)
        return former is not None and former[0].at > once.at - KEY_LIFE_MS

    def _by_device(self, device_hash: bytes | None) -> Account | None:
        matches = (
            each for each in self._accounts.values() if device_hash and each.device_hash == device_hash
        )
        return next(matches, None)

    def _insert(self, account: Account) -> None:
        if account.username and self._by_username(account.username):
            raise UsernameTaken(f"The username {account.username} is taken")
        self._accounts[account.user_id] = account

    def _by_username(self, username: str) -> Account | None:
        wanted = username.lower()
        named = (
            each for each in self._accounts.values() if each.username and each.username.lower() == wanted
        )
        return next(named, None)

    async def find_by_username(self, username: str) -> Account | None:
        return self._by_username(username)

    async def replace_password_hash(self, user_id: str, old: str, new: str) -> None:
        account = self._accounts.get(user_id)
        if account and account.password_hash == old:
            self._accounts[user_id] = replace(account, password_hash=new)

    async def suspend(self, user_id: str, suspension: Suspension, now: Millis) -> None:
        self._accounts[user_id] = replace(self._accounts[user_id], suspension=suspension)
        self._end_all(user_id, now, "suspended")

    # --- SignInStore ------------------------------------------------------------------------------------------

    async def open(self, family: Family) -> None:
        self._open(family)

    def _open(self, family: Family) -> None:
        self._accounts[family.user_id].require_active(family.created_at)
        self._families[family.handle_hash] = family

    async def change(self, handle_hash: bytes, step: Callable[[Family, Account], Step[T]]) -> T | None:
        family = self._families.get(handle_hash)
        if family is None:
            return None
        after, result = step(family, self._accounts[family.user_id])
        self._keep(family, after, "signed_out")
        return result

    async def end_all(self, user_id: str, now: Millis) -> None:
        self._end_all(user_id, now, "signed_out")

    def _end_all(self, user_id: str, now: Millis, why: Why) -> None:
        for family in [each for each in self._families.values() if each.user_id == user_id]:
            self._keep(family, family.ended(now), why)

    def _keep(self, before: Family, after: Family, why: Why) -> None:
        self._families[after.handle_hash] = after
        if before.ended_at is None and after.ended_at is not None:
            number = len(self._revocations) + 1
            revocation = Revocation(
                number=number, sign_in_id=after.sign_in_id, user_id=after.user_id, why=why
            )
            self._revocations.append(revocation)

    async def holder(self, sign_in_id: str) -> Holder | None:
        return self._holder(sign_in_id)

    def _holder(self, sign_in_id: str) -> Holder | None:
        for family in self._families.values():
            if family.sign_in_id == sign_in_id:
                return Holder(self._accounts[family.user_id], family.ended_at is not None)
        return None

    # --- RevocationStore --------------------------------------------------------------------------------------

    async def revocations(self, after: int, limit: int) -> list[Revocation]:
        return [replace(each, until=self._until(each)) for each in self._revocations[after : after + limit]]

    def _until(self, revocation: Revocation) -> Millis | None:
        suspension = self._accounts[revocation.user_id].suspension
        return suspension.until if suspension and revocation.why == "suspended" else None

    async def last_revocation(self) -> int:
        return len(self._revocations)

    # --- TicketStore ------------------------------------------------------------------------------------------

    async def keep(self, ticket: Ticket, now: Millis) -> None:
        self._tickets[ticket.ticket_hash] = ticket

    async def take(self, ticket_hash: bytes) -> Taken | None:
        ticket = self._tickets.pop(ticket_hash, None)
        return Taken(ticket, self._holder(ticket.sign_in_id)) if ticket else None
