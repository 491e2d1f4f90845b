"""The stores of identity, and the cards that rooms show of their members, in SQL."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, Select, case, delete, func, insert, select, update

from gameroom.clock import Millis
from gameroom.errors import Unavailable, UsernameTaken
from gameroom.identity.account import Account, Suspension
from gameroom.identity.accounts import KEY_LIFE_MS, Added, Caller, NewPassword, Once
from gameroom.identity.family import Family
from gameroom.identity.profile import ProfileChange
from gameroom.identity.revocations import Revocation, Why
from gameroom.identity.sign_ins import Holder, Step, live_account, require_may_sign_in
from gameroom.identity.tickets import Taken, Ticket
from gameroom.rooms.rooms import Card
from gameroom.storage.engine import Database
from gameroom.storage.failures import OutcomeUnknown
from gameroom.storage.insistence import twice
from gameroom.storage.lanes import Work
from gameroom.storage.tables import idempotency_keys, revocations, sign_ins, tickets, users
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

T = TypeVar("T")

MEMORY_OF_EXPIRED_MS = 7 * 24 * 3600 * 1000
"""How long after its refresh token expired a sign-in is still known."""

REVOCATION_LIFE_MS = 24 * 3600 * 1000

CARDS_AT_ONCE = 500
"""Ids in one query: databases bound the number of parameters."""

PAUSES_S = (0.0, 0.1, 0.3, 1.0, 3.0)
"""Before each new attempt to find out what became of a COMMIT that failed midway."""


async def write(database: Database, work: Work[T]) -> T:
    """Run the work in a transaction; it must change nothing when it comes after itself.

    So a COMMIT with an unknown outcome is settled by doing the work again. Raises `Unavailable` only where nothing
    was changed; `OutcomeUnknown` where no attempt could tell.
    """
    try:
        return await twice(lambda: database.write(work))
    except OutcomeUnknown as doubt:
        return await settle(database, work, doubt)


async def settle(database: Database, work: Work[T], doubt: OutcomeUnknown) -> T:
    for pause_s in PAUSES_S:
        await asyncio.sleep(pause_s)
        try:
            return await twice(lambda: database.write(work))
        except (OutcomeUnknown, Unavailable):
            continue  # this attempt may be certain to have failed, but the first is still in doubt
    raise doubt


class SqlAccounts:
    """Implements `AccountStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_by_key(self, once: Once) -> Account | None:
        return await self._database.read(lambda c: account_of_key(c, once))

    async def add(self, account: Account, once: Once | None, sign_in: Family) -> Added | None:
        def work(connection: Connection) -> Added | None:
            return added_before(connection, account, sign_in) or add(connection, account, once, sign_in)

        return await write(self._database, work)

    async def find_by_username(self, username: str) -> Account | None:
        return await self._database.read(lambda c: account_named(c, username))

    async def find(self, user_id: str) -> Account | None:
        return await self._database.read(lambda c: one_account(c, user_with(user_id)))

    async def replace_password_hash(self, user_id: str, old: str, new: str) -> bool:
        return await write(self._database, lambda c: replace_hash(c, user_id, old, new))

    async def change_password(self, change: NewPassword) -> bool:
        return await write(self._database, lambda c: change_password(c, change))

    async def change_profile(self, by: Caller, change: ProfileChange, now: Millis) -> Account | None:
        return await write(self._database, lambda c: change_profile(c, by, change, now))

    async def upgrade(self, by: Caller, username: str, password_hash: str, sign_in: Family) -> Account | None:
        return await write(self._database, lambda c: upgrade(c, by, username, password_hash, sign_in))

    async def delete(self, by: Caller, now: Millis) -> None:
        await write(self._database, lambda c: delete_account(c, by, now))

    async def suspend(self, user_id: str, suspension: Suspension, now: Millis) -> None:
        def work(connection: Connection) -> None:
            values = {"suspended": True, "suspended_until": suspension.until}
            connection.execute(update(users).filter_by(user_id=user_id).values(values))
            end_all(connection, user_id, now, "suspended")

        await write(self._database, work)

    async def reinstate(self, user_id: str) -> None:
        values = {"suspended": False, "suspended_until": None}
        statement = update(users).filter_by(user_id=user_id).values(values)
        await write(self._database, lambda c: c.execute(statement).close())

    async def grant(self, user_id: str, role: str) -> None:
        await write(self._database, lambda c: grant(c, user_id, role))

    async def revoke(self, user_id: str, role: str, now: Millis) -> None:
        await write(self._database, lambda c: take_role(c, user_id, role, now))


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


class SqlSignIns:
    """Implements `SignInStore` and `RevocationStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, family: Family, password_hash: str | None = None) -> None:
        def work(connection: Connection) -> None:
            if holder_of(connection, family.sign_in_id) is None:
                insert_sign_in(connection, family, password_hash)

        await write(self._database, work)

    async def change(self, handle_hash: bytes, step: Callable[[Family, Account], Step[T]]) -> T | None:
        # Strangers who guess, and those whose sign-in has ended, are answered by a reader: they must not keep
        # anybody waiting who writes.
        changes, result = await self._database.read(lambda c: tried(c, handle_hash, step))
        if not changes:
            return result
        return await write(self._database, lambda c: change_family(c, handle_hash, step))

    async def end_all(self, user_id: str, now: Millis) -> None:
        def work(connection: Connection) -> None:
            # Whoever opens a sign-in meanwhile is waited for, and ended too.
            locked_account(connection, user_id)
            end_all(connection, user_id, now, "signed_out")

        await write(self._database, work)

    async def live(self, user_id: str, now: Millis) -> int:
        theirs = select(func.count()).select_from(sign_ins).filter_by(user_id=user_id, ended_at=None)
        return await self._database.read(
            lambda c: c.execute(theirs.where(sign_ins.c.expires_at > now)).scalar_one()
        )

    async def holder(self, sign_in_id: str) -> Holder | None:
        return await self._database.read(lambda c: holder_of(c, sign_in_id))

    async def revocations(self, after: int, limit: int) -> list[Revocation]:
        columns = revocations.c
        until = case((columns.why == "suspended", users.c.suspended_until)).label("until")
        query = select(columns.number, columns.sign_in_id, columns.user_id, columns.why, until)
        with_users = query.outerjoin(users, users.c.user_id == columns.user_id)
        page = with_users.where(columns.number > after).order_by(columns.number).limit(limit)
        rows = await self._database.read(lambda c: c.execute(page).mappings().all())
        return [Revocation(**row) for row in rows]

    async def last_revocation(self) -> int:
        highest = select(func.coalesce(func.max(revocations.c.number), 0))
        return await self._database.read(lambda c: c.execute(highest).scalar_one())


def insert_sign_in(connection: Connection, family: Family, password_hash: str | None = None) -> None:
    """The only way to a new sign-in. Raises as `require_may_sign_in`."""
    # Kept as it is until the sign-in is there: whoever changes it then ends this sign-in with the others.
    account = one_account(connection, user_with(family.user_id).with_for_update(read=True))
    require_may_sign_in(account, family.created_at, password_hash)
    long_ago = family.created_at - MEMORY_OF_EXPIRED_MS
    connection.execute(delete(sign_ins).where(sign_ins.c.expires_at <= long_ago))
    connection.execute(insert(sign_ins).values(msgspec.structs.asdict(family)))


def holder_of(connection: Connection, sign_in_id: str) -> Holder | None:
    query = select(users, sign_ins.c.ended_at).join(sign_ins).where(sign_ins.c.sign_in_id == sign_in_id)
    row = connection.execute(query).mappings().one_or_none()
    return Holder(account_of(row), row["ended_at"] is not None) if row else None


def tried(
    connection: Connection, handle_hash: bytes, step: Callable[[Family, Account], Step[T]]
) -> tuple[bool, T | None]:
    """Whether the step would change anything, and what comes of it."""
    before = one_family(connection, family_of(handle_hash))
    if before is None:
        return False, None
    after, result = step(before, user_of(connection, before))
    return after != before, result


def change_family(
    connection: Connection, handle_hash: bytes, step: Callable[[Family, Account], Step[T]]
) -> T | None:
    before = one_family(connection, family_of(handle_hash).with_for_update())
    if before is None:
        return None
    after, result = step(before, user_of(connection, before))
    this_one = sign_ins.c.sign_in_id == before.sign_in_id
    connection.execute(update(sign_ins).where(this_one).values(msgspec.structs.asdict(after)))
    if before.ended_at is None and after.ended_at is not None:
        revoke(connection, [after.sign_in_id], after.user_id, after.ended_at, "signed_out")
    return result


def family_of(handle_hash: bytes) -> "Select[*tuple[object, ...]]":
    return select(sign_ins).where(sign_ins.c.handle_hash == handle_hash)


def one_family(connection: Connection, query: "Select[*tuple[object, ...]]") -> Family | None:
    row = connection.execute(query).one_or_none()
    return Family(**row._mapping) if row else None


def user_of(connection: Connection, family: Family) -> Account:
    query = select(users).where(users.c.user_id == family.user_id)
    return account_of(connection.execute(query).mappings().one())


def end_all(connection: Connection, user_id: str, now: Millis, why: Why, but: str | None = None) -> None:
    """End every sign-in of the user, except `but`."""
    live = update(sign_ins).filter_by(user_id=user_id, ended_at=None)
    if but is not None:
        live = live.where(sign_ins.c.sign_in_id != but)
    ended = connection.execute(live.values(ended_at=now).returning(sign_ins.c.sign_in_id)).scalars().all()
    revoke(connection, ended, user_id, now, why)


def revoke(connection: Connection, ended: Sequence[str], user_id: str, now: Millis, why: Why) -> None:
    """Tell every node that these sign-ins have ended. Forgets revocations that every node has long heard of."""
    connection.execute(delete(revocations).where(revocations.c.at <= now - REVOCATION_LIFE_MS))
    rows = [{"sign_in_id": each, "user_id": user_id, "why": why, "at": now} for each in ended]
    if rows:
        connection.execute(insert(revocations), rows)


class SqlTickets:
    """Implements `TicketStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, ticket: Ticket, now: Millis) -> None:
        def work(connection: Connection) -> None:
            connection.execute(delete(tickets).where(tickets.c.expires_at <= now))
            if not is_kept(connection, ticket.ticket_hash):
                connection.execute(insert(tickets).values(msgspec.structs.asdict(ticket)))

        await write(self._database, work)

    async def take(self, ticket_hash: bytes) -> Taken | None:
        if not await self._database.read(lambda c: is_kept(c, ticket_hash)):
            return None
        # After a COMMIT in doubt the second attempt may find it gone, by whoever: then it opens nothing.
        return await write(self._database, lambda c: take_ticket(c, ticket_hash))


def is_kept(connection: Connection, ticket_hash: bytes) -> bool:
    query = select(tickets.c.expires_at).where(tickets.c.ticket_hash == ticket_hash)
    return connection.execute(query).first() is not None


def take_ticket(connection: Connection, ticket_hash: bytes) -> Taken | None:
    take = delete(tickets).where(tickets.c.ticket_hash == ticket_hash).returning(tickets)
    row = connection.execute(take).mappings().one_or_none()
    return Taken(Ticket(**row), holder_of(connection, row["sign_in_id"])) if row else None


class SqlCards:
    """Implements `rooms.rooms.Cards` over the users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cards(self, user_ids: list[str]) -> dict[str, Card]:
        found: dict[str, Card] = {}
        for start in range(0, len(user_ids), CARDS_AT_ONCE):
            found |= await self._some(user_ids[start : start + CARDS_AT_ONCE])
        return found

    async def _some(self, user_ids: list[str]) -> dict[str, Card]:
        query = select(users.c.user_id, users.c.display_name, users.c.avatar_url)
        rows = await self._database.read(
            lambda c: c.execute(query.where(users.c.user_id.in_(user_ids))).all()
        )
        return {user_id: Card(display_name, avatar_url) for user_id, display_name, avatar_url in rows}
