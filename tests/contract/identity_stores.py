"""The stores of identity, in memory and in SQL, and what is put into them, for the tests of their one contract."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gameroom.identity.account import Account
from gameroom.identity.accounts import Added, Once
from gameroom.identity.family import Family
from gameroom.identity.identity import IdentityStores
from gameroom.identity.memory import MemoryStores
from gameroom.ids import new_id
from gameroom.storage.accounts import SqlAccounts
from gameroom.storage.engine import Database
from gameroom.storage.migrate import upgrade
from gameroom.storage.sign_ins import SqlSignIns
from gameroom.storage.tickets import SqlTickets

NOW = 1_800_000_000_000
DAY = 24 * 3600 * 1000


def in_memory() -> IdentityStores:
    stores = MemoryStores()
    return IdentityStores(accounts=stores, sign_ins=stores, revocations=stores, tickets=stores)


def in_sql(database: Database) -> IdentityStores:
    sign_ins = SqlSignIns(database)
    return IdentityStores(
        accounts=SqlAccounts(database),
        sign_ins=sign_ins,
        revocations=sign_ins,
        tickets=SqlTickets(database),
    )


@asynccontextmanager
async def fresh_database(folder: Path) -> AsyncIterator[Database]:
    """A SQLite file with the newest schema."""
    url = f"sqlite:///{folder / 'gameroom.db'}"
    await asyncio.to_thread(upgrade, url)
    database = await asyncio.to_thread(Database.open, url)
    try:
        yield database
    finally:
        await database.close()


# --- what is put into them ------------------------------------------------------------------------------------


def user(username: str) -> Account:
    return Account(
        user_id=new_id(), username=username, password_hash="$argon2id$…", display_name="A", created_at=NOW
    )


def guest(device: bytes | None = None) -> Account:
    return Account(user_id=new_id(), device_hash=device, display_name="G", created_at=NOW)


def once(key: bytes = b"k" * 32, content: bytes = b"c" * 32, at: int = NOW) -> Once:
    return Once(key_hash=key, content_hash=content, at=at)


def family(account: Account, handle: bytes = b"", expires_at: int = NOW + DAY) -> Family:
    return Family(
        sign_in_id=new_id(),
        user_id=account.user_id,
        handle_hash=handle or secrets.token_bytes(32),
        current=b"1" * 32,
        created_at=NOW,
        expires_at=expires_at,
    )


async def add(stores: IdentityStores, account: Account, once: Once | None = None) -> Added | None:
    return await stores.accounts.add(account, once, family(account))
