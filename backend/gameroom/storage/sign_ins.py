"""Sign-ins in SQL, and what is told of their ends."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, Select, bindparam, case, delete, func, insert, select, update

from gameroom.clock import Millis
from gameroom.identity.account import Account
from gameroom.identity.family import Family
from gameroom.identity.revocations import Revocation, Why
from gameroom.identity.sign_ins import Holder, Step, require_may_sign_in
from gameroom.storage.engine import DEADLINE_S, WAITING_READS, Database
from gameroom.storage.insistence import settled
from gameroom.storage.tables import revocations, sign_ins, users
from gameroom.storage.together import Together
from gameroom.storage.users import account_of, locked_account, one_account, user_with

T = TypeVar("T")

MEMORY_OF_EXPIRED_MS = 7 * 24 * 3600 * 1000
"""How long after its refresh token expired a sign-in is still known."""

REVOCATION_LIFE_MS = 24 * 3600 * 1000

HOLDERS = (
    select(users, sign_ins.c.sign_in_id, sign_ins.c.ended_at)
    .join(sign_ins)
    .where(sign_ins.c.sign_in_id.in_(bindparam("sign_in_ids", expanding=True)))
)
"""Put together once, since that takes as long as the read."""


class SqlSignIns:
    """Implements `SignInStore` and `RevocationStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._holders = Together(self._read_holders, WAITING_READS, DEADLINE_S)

    async def open(self, family: Family, password_hash: str | None = None) -> None:
        def work(connection: Connection) -> None:
            if holder_of(connection, family.sign_in_id) is None:
                insert_sign_in(connection, family, password_hash)

        await settled(self._database, work)

    async def change(self, handle_hash: bytes, step: Callable[[Family, Account], Step[T]]) -> T | None:
        # Strangers who guess, and those whose sign-in has ended, are answered by a reader: they must not keep
        # anybody waiting who writes.
        changes, result = await self._database.read(lambda c: tried(c, handle_hash, step))
        if not changes:
            return result
        return await settled(self._database, lambda c: change_family(c, handle_hash, step))

    async def end_all(self, user_id: str, now: Millis) -> None:
        def work(connection: Connection) -> None:
            # Whoever opens a sign-in meanwhile is waited for, and ended too.
            locked_account(connection, user_id)
            end_all(connection, user_id, now, "signed_out")

        await settled(self._database, work)

    async def live(self, user_id: str, now: Millis) -> int:
        theirs = select(func.count()).select_from(sign_ins).filter_by(user_id=user_id, ended_at=None)
        return await self._database.read(
            lambda c: c.execute(theirs.where(sign_ins.c.expires_at > now)).scalar_one()
        )

    async def holder(self, sign_in_id: str) -> Holder | None:
        return await self._holders.find(sign_in_id)

    async def _read_holders(self, sign_in_ids: Sequence[str]) -> dict[str, Holder]:
        return await self._database.read(lambda c: holders_of(c, sign_in_ids))

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
    return holders_of(connection, (sign_in_id,)).get(sign_in_id)


def holders_of(connection: Connection, sign_in_ids: Sequence[str]) -> dict[str, Holder]:
    """By sign-in, those that there are."""
    rows = connection.execute(HOLDERS, {"sign_in_ids": sign_in_ids}).mappings()
    return {row["sign_in_id"]: Holder(account_of(row), row["ended_at"] is not None) for row in rows}


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
