"""The stores of identity, and the cards that rooms show of their members, in SQL."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from gameroom.clock import Millis
from gameroom.errors import IdReused, UsernameTaken
from gameroom.identity.accounts import KEY_LIFE_MS, Account, Added, Once, Suspension
from gameroom.identity.revocations import Revocation, Why
from gameroom.identity.sign_ins import Family, Holder, Step
from gameroom.identity.tickets import Ticket
from gameroom.rooms.rooms import Card
from gameroom.storage.engine import Database
from gameroom.storage.tables import idempotency_keys, revocations, sign_ins, tickets, users

T = TypeVar("T")

MEMORY_OF_EXPIRED_MS = 7 * 24 * 3600 * 1000
"""How long after its refresh token expired a sign-in is still known."""

REVOCATION_LIFE_MS = 24 * 3600 * 1000

CARDS_AT_ONCE = 500
"""Ids in one query: databases bound the number of parameters."""


class SqlAccounts:
    """Implements `AccountStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, account: Account, once: Once | None) -> Added:
        def work(connection: Connection) -> Added:
            return add_account(connection, account, once)

        try:
            return await self._database.write(work)
        except IntegrityError:
            # A unique index has decided a race that the look before the insert could not see (PostgreSQL).
            # The winner has committed: looking again finds it.
            return await self._database.write(work)

    async def find(self, user_id: str) -> Account | None:
        return await self._database.read(lambda c: one_account(c, select(users).filter_by(user_id=user_id)))

    async def find_by_username(self, username: str) -> Account | None:
        return await self._database.read(lambda c: account_named(c, username))

    async def replace_password_hash(self, user_id: str, old: str, new: str) -> None:
        change = update(users).filter_by(user_id=user_id, password_hash=old).values(password_hash=new)
        await self._database.write(lambda c: c.execute(change))

    async def suspend(self, user_id: str, suspension: Suspension, now: Millis) -> None:
        def work(connection: Connection) -> None:
            values = {"suspended": True, "suspended_until": suspension.until}
            connection.execute(update(users).filter_by(user_id=user_id).values(values))
            end_all(connection, user_id, now, "suspended")

        await self._database.write(work)


def add_account(connection: Connection, account: Account, once: Once | None) -> Added:
    if once and (known := account_of_key(connection, once)):
        return Added(known, created=False, repeated=True)
    same_device = account_of_device(connection, account.device_hash)
    if same_device is None:
        insert_account(connection, account)
    added = same_device or account
    if once:
        row = {"content_hash": once.content_hash, "user_id": added.user_id, "at": once.at}
        connection.execute(insert(idempotency_keys).values(key_hash=once.key_hash, **row))
    return Added(added, created=same_device is None)


def account_of_key(connection: Connection, once: Once) -> Account | None:
    """The account that this key made before, with the same content. Forgets keys that are too old."""
    keys = idempotency_keys.c
    connection.execute(delete(idempotency_keys).where(keys.at <= once.at - KEY_LIFE_MS))
    former = connection.execute(select(idempotency_keys).where(keys.key_hash == once.key_hash)).one_or_none()
    if former is None:
        return None
    if former.content_hash != once.content_hash:
        raise IdReused("This Idempotency-Key came with other content before")
    return one_account(connection, select(users).filter_by(user_id=former.user_id))


def account_of_device(connection: Connection, device_hash: bytes | None) -> Account | None:
    if device_hash is None:
        return None
    return one_account(connection, select(users).filter_by(device_hash=device_hash))


def insert_account(connection: Connection, account: Account) -> None:
    if account.username and account_named(connection, account.username):
        raise UsernameTaken(f"The username {account.username} is taken")
    connection.execute(insert(users).values(row_of(account)))


def account_named(connection: Connection, username: str) -> Account | None:
    return one_account(connection, select(users).filter_by(username_folded=username.lower()))


def one_account(connection: Connection, query: "Select[*tuple[object, ...]]") -> Account | None:
    row = connection.execute(query).mappings().one_or_none()
    return account_of(row) if row else None


def row_of(account: Account) -> dict[str, object]:
    row = msgspec.structs.asdict(account)
    suspension = account.suspension
    del row["suspension"]
    return row | {
        "username_folded": account.username and account.username.lower(),
        "roles": msgspec.json.encode(account.roles),
        "metadata": msgspec.json.encode(account.metadata),
        "suspended": suspension is not None,
        "suspended_until": suspension and suspension.until,
    }


def account_of(row: RowMapping) -> Account:
    return Account(
        user_id=row["user_id"],
        username=row["username"],
        password_hash=row["password_hash"],
        device_hash=row["device_hash"],
        display_name=row["display_name"],
        avatar_url=row["avatar_url"],
        roles=msgspec.json.decode(row["roles"], type=tuple[str, ...]),
        metadata=msgspec.json.decode(row["metadata"]),
        created_at=row["created_at"],
        suspension=Suspension(row["suspended_until"]) if row["suspended"] else None,
    )


class SqlSignIns:
    """Implements `SignInStore` and `RevocationStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, family: Family) -> None:
        def work(connection: Connection) -> None:
            long_ago = family.created_at - MEMORY_OF_EXPIRED_MS
            connection.execute(delete(sign_ins).where(sign_ins.c.expires_at <= long_ago))
            connection.execute(insert(sign_ins).values(msgspec.structs.asdict(family)))

        await self._database.write(work)

    async def change(self, handle_hash: bytes, step: Callable[[Family], Step[T]]) -> T | None:
        return await self._database.write(lambda c: change_family(c, handle_hash, step))

    async def end_all(self, user_id: str, now: Millis) -> None:
        await self._database.write(lambda c: end_all(c, user_id, now, "signed_out"))

    async def holder(self, sign_in_id: str) -> Holder | None:
        query = select(users, sign_ins.c.ended_at).join(sign_ins).where(sign_ins.c.sign_in_id == sign_in_id)
        row = await self._database.read(lambda c: c.execute(query).mappings().one_or_none())
        return Holder(account_of(row), row["ended_at"] is not None) if row else None

    async def revocations(self, after: int, limit: int) -> list[Revocation]:
        columns = revocations.c
        query = select(columns.number, columns.sign_in_id, columns.user_id, columns.why)
        page = query.where(columns.number > after).order_by(columns.number).limit(limit)
        rows = await self._database.read(lambda c: c.execute(page).mappings().all())
        return [Revocation(**row) for row in rows]

    async def last_revocation(self) -> int:
        highest = select(func.coalesce(func.max(revocations.c.number), 0))
        return await self._database.read(lambda c: c.execute(highest).scalar_one())


def change_family(connection: Connection, handle_hash: bytes, step: Callable[[Family], Step[T]]) -> T | None:
    query = select(sign_ins).where(sign_ins.c.handle_hash == handle_hash).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    before = Family(**row._mapping)
    after, result = step(before)
    this_one = sign_ins.c.sign_in_id == before.sign_in_id
    connection.execute(update(sign_ins).where(this_one).values(msgspec.structs.asdict(after)))
    if before.ended_at is None and after.ended_at is not None:
        revoke(connection, [after.sign_in_id], after.user_id, after.ended_at, "signed_out")
    return result


def end_all(connection: Connection, user_id: str, now: Millis, why: Why) -> None:
    live = update(sign_ins).filter_by(user_id=user_id, ended_at=None).values(ended_at=now)
    ended = connection.execute(live.returning(sign_ins.c.sign_in_id)).scalars().all()
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
            connection.execute(insert(tickets).values(msgspec.structs.asdict(ticket)))

        await self._database.write(work)

    async def take(self, ticket_hash: bytes) -> Ticket | None:
        take = delete(tickets).where(tickets.c.ticket_hash == ticket_hash).returning(tickets)
        row = await self._database.write(lambda c: c.execute(take).mappings().one_or_none())
        return Ticket(**row) if row else None


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
