"""The table of users, row by row. Everything here is a step of somebody's transaction."""

import msgspec
from sqlalchemy import Connection, RowMapping, Select, insert, select, update

from gameroom.identity.account import Account, Suspension
from gameroom.identity.accounts import username_taken
from gameroom.storage.tables import users


def user_with(user_id: str) -> "Select[*tuple[object, ...]]":
    return select(users).filter_by(user_id=user_id)


def account_of_device(connection: Connection, device_hash: bytes | None) -> Account | None:
    if device_hash is None:
        return None
    return one_account(connection, select(users).filter_by(device_hash=device_hash))


def account_named(connection: Connection, username: str) -> Account | None:
    return one_account(connection, select(users).filter_by(username_folded=username.lower()))


def one_account(connection: Connection, query: "Select[*tuple[object, ...]]") -> Account | None:
    row = connection.execute(query).mappings().one_or_none()
    return account_of(row) if row else None


def insert_account(connection: Connection, account: Account) -> None:
    if account.username:
        require_free(connection, account.username)
    connection.execute(insert(users).values(row_of(account)))


def require_free(connection: Connection, username: str) -> None:
    if account_named(connection, username):
        raise username_taken(username)


def replace_hash(connection: Connection, user_id: str, old: str, new: str) -> bool:
    """No two hashes are equal: where the new one stands already, an attempt before this one was stored after all."""
    this_one = (users.c.user_id == user_id, users.c.password_hash.in_((old, new)))
    return connection.execute(update(users).where(*this_one).values(password_hash=new)).rowcount > 0


def locked_account(connection: Connection, user_id: str) -> Account | None:
    """The account, which nobody else changes until this transaction ends."""
    return one_account(connection, user_with(user_id).with_for_update())


def replace_account(connection: Connection, account: Account) -> Account:
    connection.execute(update(users).filter_by(user_id=account.user_id).values(row_of(account)))
    return account


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
