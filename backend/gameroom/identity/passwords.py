"""Passwords: Argon2id through passlib, hashed in threads so that the loop never waits for them."""

import asyncio
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from msgspec import Struct

from gameroom.errors import Unavailable

with warnings.catch_warnings():
    # passlib 1.7 imports `crypt` and asks argon2-cffi for its `__version__`; both are deprecated, neither matters.
    warnings.simplefilter("ignore", DeprecationWarning)
    from passlib.context import CryptContext
    from passlib.hash import argon2

    argon2.set_backend("argon2_cffi")

T = TypeVar("T")

MAX_LENGTH = 256
"""Characters of the longest password; a longer one matches nothing and is never hashed."""


@dataclass(frozen=True, kw_only=True)
class HashingPolicy:
    """What a hash costs, and how many sign-ins may wait for one.

    The cost is OWASP's for Argon2id: 19 MiB, 2 passes, 1 lane, about 30 ms. `concurrency` hashes run at once;
    who would be behind `max_waiting` others, or has waited `patience_s`, is told `Unavailable`.
    """

    memory_kib: int = 19_456
    passes: int = 2
    concurrency: int = os.cpu_count() or 1
    max_waiting: int = 256
    patience_s: float = 8.0


class Verdict(Struct, frozen=True):
    """Whether the password was right; `rehashed` is set when the stored hash should be replaced by it."""

    right: bool
    rehashed: str | None = None


class Passwords:
    """Hashes and verifies; thread-safe work, bounded in number."""

    def __init__(self, policy: HashingPolicy) -> None:
        self._policy = policy
        self._context = CryptContext(
            schemes=["argon2"],
            argon2__type="ID",
            argon2__memory_cost=policy.memory_kib,
            argon2__rounds=policy.passes,
            argon2__parallelism=1,
        )
        self._context.dummy_verify()  # makes the hash that unknown users are held against, before anybody waits
        self._turns = asyncio.Semaphore(policy.concurrency)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """The Argon2id hash in PHC format. Raises `Unavailable` when too many wait."""
        return await self._in_turn(lambda: self._context.hash(password))

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Hold a password against its hash; without one it takes the same time and is wrong.

        Raises `Unavailable` when too many wait.
        """
        return await self._in_turn(lambda: self._verify(password, stored))

    def _verify(self, password: str, stored: str | None) -> Verdict:
        if stored is None or len(password) > MAX_LENGTH:
            self._context.dummy_verify()
            return Verdict(False)
        right, rehashed = self._context.verify_and_update(password, stored)
        return Verdict(right, rehashed)

    async def _in_turn(self, work: Callable[[], T]) -> T:
        await self._take_turn()
        try:
            return await asyncio.to_thread(work)
        finally:
            self._turns.release()

    async def _take_turn(self) -> None:
        if self._waiting >= self._policy.max_waiting:
            raise busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._policy.patience_s):
                await self._turns.acquire()
        except TimeoutError:
            raise busy() from None
        finally:
            self._waiting -= 1


def busy() -> Unavailable:
    return Unavailable("Too many sign-ins at once; try again in a moment", retry_after_ms=2000)
