"""One read for many who want one row each, so that a crowd costs little more than one does."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from gameroom.errors import Unavailable

K = TypeVar("K")
V = TypeVar("V")

Read = Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]
"""Finds what there is of these; a key may be among them twice."""


class Together(Generic[K, V]):
    """One read at a time; who asks meanwhile shares the next one. So each hears what held after it had asked.

    At most `limit` share one: one more is `Unavailable` at once. A read that cannot begin within `deadline_s` is
    `Unavailable` to all who share it. The end of one that has begun is awaited.
    """

    def __init__(self, read: Read[K, V], limit: int, deadline_s: float) -> None:
        self._read = read
        self._limit = limit
        self._deadline_s = deadline_s
        self._one_at_a_time = asyncio.Lock()
        self._asked: list[K] = []
        self._next: asyncio.Task[Mapping[K, V]] | None = None

    async def find(self, key: K) -> V | None:
        """None: there is nothing of this key. Raises what the read raises, and `Unavailable`."""
        if len(self._asked) >= self._limit:
            raise Unavailable("Too much waits for the database")
        self._asked.append(key)
        if self._next is None:
            self._next = asyncio.create_task(self._read_next())
            self._next.add_done_callback(_seen)
        # Who gives up must not take the read away from the others; it ends by itself.
        return (await asyncio.shield(self._next)).get(key)

    async def _read_next(self) -> Mapping[K, V]:
        try:
            await self._take_turn()
        finally:
            asked, self._asked, self._next = self._asked, [], None
        try:
            return await self._read(asked)
        finally:
            self._one_at_a_time.release()

    async def _take_turn(self) -> None:
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._one_at_a_time.acquire()
        except TimeoutError:
            raise Unavailable("The database is too slow") from None


def _seen(read: "asyncio.Task[Mapping[K, V]]") -> None:
    """How it ended is known, also where nobody waits for it any more."""
    if not read.cancelled():
        read.exception()
