"""The stores of identity in memory: the contracts in their simplest form, for tests."""

from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from gameroom.clock import Millis
from gameroom.identity.account import Account, Suspension
from gameroom.identity.accounts import KEY_LIFE_MS, Added, Caller, NewPassword, Once, username_taken
from gameroom.identity.family import Family
from gameroom.identity.profile import ProfileChange
from gameroom.identity.revocations import Revocation, Why
from gameroom.identity.sign_ins import Holder, Step, live_account, require_may_sign_in
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
        if account.username:
            self._require_free(account.username)
        self._accounts[account.user_id] = account

    def _require_free(self, username: str) -> None:
        if self._by_username(username):
            raise username_taken(username)

    def _by_username(self, username: str) -> Account | None:
        wanted = username.lower()
        named = (
            each for each in self._accounts.values() if each.username and each.username.lower() == wanted
        )
        return next(named, None)

    async def find_by_username(self, username: str) -> Account | None:
        return self._by_username(username)

    async def find(self, user_id: str) -> Account | None:
        return self._accounts.get(user_id)

    async def replace_password_hash(self, user_id: str, old: str, new: str) -> bool:
        account = self._accounts.get(user_id)
        if account is None or account.password_hash != old:
            return False
        self._accounts[user_id] = replace(account, password_hash=new)
        return True

    async def change_password(self, change: NewPassword) -> bool:
        by = change.by
        account = self._accounts.get(by.user_id)
        if account is None or account.password_hash != change.old_hash:
            return False
        self._require_signed_in(by, change.at)
        self._accounts[by.user_id] = replace(account, password_hash=change.new_hash)
        self._end_all(by.user_id, change.at, "signed_out", but=by.sign_in_id)
        return True

    def _require_signed_in(self, caller: Caller, now: Millis) -> None:
        live_account(self._holder(caller.sign_in_id), now)

    async def change_profile(self, by: Caller, change: ProfileChange, now: Millis) -> Account | None:
        account = self._accounts.get(by.user_id)
        if account is not None:
            self._require_signed_in(by, now)
            account = self._accounts[by.user_id] = change.applied_to(account)
        return account

    async def upgrade(self, by: Caller, username: str, password_hash: str, sign_in: Family) -> Account | None:
        account = self._accounts.get(by.user_id)
        if account is None or account.username is not None:
            return None
        self._require_signed_in(by, sign_in.created_at)
        self._require_free(username)
        self._open(sign_in)
        upgraded = replace(account, username=username, password_hash=password_hash)
        self._accounts[account.user_id] = upgraded
        return upgraded

    async def delete(self, by: Caller, now: Millis) -> None:
        user_id = by.user_id
        if user_id not in self._accounts:
            return
        self._require_signed_in(by, now)
        self._end_all(user_id, now, "signed_out")
        gone = {each.sign_in_id for each in self._families.values() if each.user_id == user_id}
        self._tickets = {
            name: ticket for name, ticket in self._tickets.items() if ticket.sign_in_id not in gone
        }
        self._families = {
            name: family for name, family in self._families.items() if family.user_id != user_id
        }
        self._keys = {name: key for name, key in self._keys.items() if key[1] != user_id}
        del self._accounts[user_id]

    async def suspend(self, user_id: str, suspension: Suspension, now: Millis) -> None:
        self._accounts[user_id] = replace(self._accounts[user_id], suspension=suspension)
        self._end_all(user_id, now, "suspended")

    async def reinstate(self, user_id: str) -> None:
        if account := self._accounts.get(user_id):
            self._accounts[user_id] = replace(account, suspension=None)

    async def grant(self, user_id: str, role: str) -> None:
        if account := self._accounts.get(user_id):
            self._accounts[user_id] = account.with_role(role)

    async def revoke(self, user_id: str, role: str, now: Millis) -> None:
        account = self._accounts.get(user_id)
        if account is not None and role in account.roles:
            self._accounts[user_id] = account.without_role(role)
            self._end_all(user_id, now, "signed_out")

    # --- SignInStore ------------------------------------------------------------------------------------------

    async def open(self, family: Family, password_hash: str | None = None) -> None:
        self._open(family, password_hash)

    def _open(self, family: Family, password_hash: str | None = None) -> None:
        require_may_sign_in(self._accounts.get(family.user_id), family.created_at, password_hash)
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

    def _end_all(self, user_id: str, now: Millis, why: Why, but: str | None = None) -> None:
        for family in tuple(self._families.values()):
            if family.user_id == user_id and family.sign_in_id != but:
                self._keep(family, family.ended(now), why)

    def _keep(self, before: Family, after: Family, why: Why) -> None:
        self._families[after.handle_hash] = after
        if before.ended_at is None and after.ended_at is not None:
            number = len(self._revocations) + 1
            revocation = Revocation(
                number=number, sign_in_id=after.sign_in_id, user_id=after.user_id, why=why
            )
            self._revocations.append(revocation)

    async def live(self, user_id: str, now: Millis) -> int:
        theirs = [family for family in self._families.values() if family.user_id == user_id]
        return sum(family.ended_at is None and family.expires_at > now for family in theirs)

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
        account = self._accounts.get(revocation.user_id)
        suspension = account.suspension if account and revocation.why == "suspended" else None
        return suspension.until if suspension else None

    async def last_revocation(self) -> int:
        return len(self._revocations)

    # --- TicketStore ------------------------------------------------------------------------------------------

    async def keep(self, ticket: Ticket, now: Millis) -> None:
        self._tickets[ticket.ticket_hash] = ticket

    async def take(self, ticket_hash: bytes) -> Taken | None:
        ticket = self._tickets.pop(ticket_hash, None)
        return Taken(ticket, self._holder(ticket.sign_in_id)) if ticket else None
