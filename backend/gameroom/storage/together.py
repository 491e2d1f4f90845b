"""One read for many who want one row each, so that a crowd costs little more than one does."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from gameroom.errors import Unavailable
from gameroom.tasks import Tasks

K = TypeVar("K")
V = TypeVar("V")

Read = Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]
"""Finds what there is of these; a key may be among them twice."""

Asked = list[tuple[K, asyncio.Future[V | None]]]


class Together(Generic[K, V]):
    """One read at a time; who asks meanwhile shares the next one. So each hears what held after it had asked.

    At most `limit` share one: one more is `Unavailable` at once. A read that cannot begin within `deadline_s` is
    `Unavailable` to all who share it. The end of one that has begun is awaited, also where nobody waits any more.
    """

    def __init__(self, read: Read[K, V], limit: int, deadline_s: float) -> None:
        self._read = read
        self._limit = limit
        self._deadline_s = deadline_s
        self._one_at_a_time = asyncio.Lock()
        self._asked: Asked[K, V] = []
        self._reads = Tasks()

    async def find(self, key: K) -> V | None:
        """None: there is nothing of this key. Raises what the read raises, and `Unavailable`."""
        if len(self._asked) >= self._limit:
            raise Unavailable("Too much waits for the database")
        if not self._asked:
            self._reads.spawn(self._read_next())
        answer: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._asked.append((key, answer))
        return await answer

    async def _read_next(self) -> None:
        is_our_turn = await self._take_turn()
        asked, self._asked = self._asked, []
        if not is_our_turn:
            _fail(asked, Unavailable("The database is too slow"))
            return
        try:
            found = await self._read([key for key, _ in asked])
        except Exception as error:  # whatever it is, it is for those who asked
            _fail(asked, error)
        else:
            _answer(asked, found)
        finally:
            self._one_at_a_time.release()

    async def _take_turn(self) -> bool:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._one_at_a_time.acquire()
        except TimeoutError:
            return False


def _answer(asked: Asked[K, V], found: Mapping[K, V]) -> None:
    for key, answer in asked:
        if not answer.done():
            answer.set_result(found.get(key))


def _fail(asked: Asked[K, V], error: Exception) -> None:
    for _, answer in asked:
        if not answer.done():
            answer.set_exception(error)
