"""Accounts in SQL."""

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from gameroom.clock import Millis
from gameroom.errors import UsernameTaken
from gameroom.identity.account import Account, Suspension
from gameroom.identity.accounts import KEY_LIFE_MS, Added, Caller, NewPassword, Once
from gameroom.identity.family import Family
from gameroom.identity.profile import ProfileChange
from gameroom.identity.sign_ins import live_account
from gameroom.storage.engine import Database
from gameroom.storage.insistence import settled
from gameroom.storage.sign_ins import end_all, holder_of, insert_sign_in
from gameroom.storage.tables import idempotency_keys, sign_ins, tickets, users
from gameroom.storage.users import (
    account_named,
    account_of,
    account_of_device,
    insert_account,
    locked_account,
    one_account,
    replace_account,
    replace_hash,
    require_free,
    row_of,
    user_with,
)


class SqlAccounts:
    """Implements `AccountStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_by_key(self, once: Once) -> Account | None:
        return await self._database.read(lambda c: account_of_key(c, once))

    async def add(self, account: Account, once: Once | None, sign_in: Family) -> Added | None:
        def work(connection: Connection) -> Added | None:
            return added_before(connection, account, sign_in) or add(connection, account, once, sign_in)

        return await settled(self._database, work)

    async def find_by_username(self, username: str) -> Account | None:
        return await self._database.read(lambda c: account_named(c, username))

    async def find(self, user_id: str) -> Account | None:
        return await self._database.read(lambda c: one_account(c, user_with(user_id)))

    async def replace_password_hash(self, user_id: str, old: str, new: str) -> bool:
        return await settled(self._database, lambda c: replace_hash(c, user_id, old, new))

    async def change_password(self, change: NewPassword) -> bool:
        return await settled(self._database, lambda c: change_password(c, change))

    async def change_profile(self, by: Caller, change: ProfileChange, now: Millis) -> Account | None:
        return await settled(self._database, lambda c: change_profile(c, by, change, now))

    async def upgrade(self, by: Caller, username: str, password_hash: str, sign_in: Family) -> Account | None:
        return await settled(self._database, lambda c: upgrade(c, by, username, password_hash, sign_in))

    async def delete(self, by: Caller, now: Millis) -> None:
        await settled(self._database, lambda c: delete_account(c, by, now))

    async def suspend(self, user_id: str, suspension: Suspension, now: Millis) -> None:
        def work(connection: Connection) -> None:
            values = {"suspended": True, "suspended_until": suspension.until}
            connection.execute(update(users).filter_by(user_id=user_id).values(values))
            end_all(connection, user_id, now, "suspended")

        await settled(self._database, work)

    async def reinstate(self, user_id: str) -> None:
        values = {"suspended": False, "suspended_until": None}
        statement = update(users).filter_by(user_id=user_id).values(values)
        await settled(self._database, lambda c: c.execute(statement).close())

    async def grant(self, user_id: str, role: str) -> None:
        await settled(self._database, lambda c: grant(c, user_id, role))

    async def revoke(self, user_id: str, role: str, now: Millis) -> None:
        await settled(self._database, lambda c: take_role(c, user_id, role, now))


def added_before(connection: Connection, account: Account, sign_in: Family) -> Added | None:
    """What the same `add` made, if an attempt before this one was stored after all."""
    holder = holder_of(connection, sign_in.sign_in_id)
    if holder is None:
        return None
    return Added(holder.account, created=holder.account.user_id == account.user_id)


def add(connection: Connection, account: Account, once: Once | None, sign_in: Family) -> Added | None:
    if once and remembers(connection, once):
        return None
    same_device = account_of_device(connection, account.device_hash)
    if same_device is None:
        try:
            insert_account(connection, account)
        except UsernameTaken:
            # Perhaps by the same request, which was stored after the key was looked for (PostgreSQL).
            if once and remembers(connection, once):
                return None
            raise
    added = same_device or account
    insert_sign_in(connection, msgspec.structs.replace(sign_in, user_id=added.user_id))
    if once:
        row = msgspec.structs.asdict(once) | {"user_id": added.user_id}
        connection.execute(insert(idempotency_keys).values(row))
    return Added(added, created=same_device is None)


def remembers(connection: Connection, once: Once) -> bool:
    """Whether this key is known. Forgets keys that are too old."""
    keys = idempotency_keys.c
    connection.execute(delete(idempotency_keys).where(keys.at <= once.at - KEY_LIFE_MS))
    return connection.execute(select(keys.at).where(keys.key_hash == once.key_hash)).first() is not None


def account_of_key(connection: Connection, once: Once) -> Account | None:
    keys = idempotency_keys.c
    this_one = (keys.key_hash == once.key_hash, keys.at > once.at - KEY_LIFE_MS)
    query = select(users, keys.content_hash).join(idempotency_keys).where(*this_one)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    once.require_same(row["content_hash"])
    return account_of(row)


def require_signed_in(connection: Connection, caller: Caller, now: Millis) -> None:
    """Asked once the account is locked, and only where there is something to change.

    An attempt before this one may have been stored after all, and the sign-in may have ended since.
    """
    live_account(holder_of(connection, caller.sign_in_id), now)


def change_password(connection: Connection, change: NewPassword) -> bool:
    by = change.by
    account = locked_account(connection, by.user_id)
    if account is None or account.password_hash not in (change.old_hash, change.new_hash):
        return False
    if account.password_hash == change.old_hash:
        require_signed_in(connection, by, change.at)
        replace_account(connection, msgspec.structs.replace(account, password_hash=change.new_hash))
        end_all(connection, by.user_id, change.at, "signed_out", but=by.sign_in_id)
    return True


def change_profile(connection: Connection, by: Caller, change: ProfileChange, now: Millis) -> Account | None:
    before = locked_account(connection, by.user_id)
    if before is None:
        return None
    after = change.applied_to(before)
    if row_of(after) != row_of(before):
        require_signed_in(connection, by, now)
        replace_account(connection, after)
    return after


def upgrade(
    connection: Connection, by: Caller, username: str, password_hash: str, sign_in: Family
) -> Account | None:
    guest = locked_account(connection, by.user_id)  # waits for an attempt before this one
    if holder := holder_of(connection, sign_in.sign_in_id):
        return holder.account  # it was stored after all
    if guest is None or guest.username is not None:
        return None
    require_signed_in(connection, by, sign_in.created_at)
    require_free(connection, username)
    insert_sign_in(connection, sign_in)
    full = msgspec.structs.replace(guest, username=username, password_hash=password_hash)
    return replace_account(connection, full)


def delete_account(connection: Connection, by: Caller, now: Millis) -> None:
    """Sign-ins and keys go with the row of the user, by their foreign keys."""
    user_id = by.user_id
    if locked_account(connection, user_id) is None:
        return
    require_signed_in(connection, by, now)
    end_all(connection, user_id, now, "signed_out")
    theirs = select(sign_ins.c.sign_in_id).filter_by(user_id=user_id)
    connection.execute(delete(tickets).where(tickets.c.sign_in_id.in_(theirs)))
    connection.execute(delete(users).filter_by(user_id=user_id))


def grant(connection: Connection, user_id: str, role: str) -> None:
    if account := locked_account(connection, user_id):
        replace_account(connection, account.with_role(role))


def take_role(connection: Connection, user_id: str, role: str, now: Millis) -> None:
    account = locked_account(connection, user_id)
    if account is not None and role in account.roles:
        replace_account(connection, account.without_role(role))
        end_all(connection, user_id, now, "signed_out")
