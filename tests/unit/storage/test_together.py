"""Reads that are shared: by whom, when they begin, and who hears of their failures."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from gameroom.errors import Unavailable
from gameroom.storage.together import Together


class Shelf:
    """What is read. Reads wait until the shelf is `open`, and then tell what stood there when they began."""

    def __init__(self) -> None:
        self.books = {"a": 1, "b": 2}
        self.reads: list[Sequence[str]] = []
        self.failure: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.begun = asyncio.Event()

    async def read(self, keys: Sequence[str]) -> Mapping[str, int]:
        self.reads.append(keys)
        books, failure = dict(self.books), self.failure
        self.begun.set()
        await self.open.wait()
        if failure is not None:
            raise failure
        return {key: books[key] for key in keys if key in books}


@pytest.fixture
async def shelf() -> Shelf:
    return Shelf()


def shared(shelf: Shelf, limit: int = 3, deadline_s: float = 10) -> Together[str, int]:
    return Together(shelf.read, limit, deadline_s)


async def one_under_way(shelf: Shelf, books: Together[str, int]) -> "asyncio.Task[int | None]":
    shelf.open.clear()
    first = asyncio.create_task(books.find("a"))
    await shelf.begun.wait()
    return first


async def test_those_who_ask_at_once_share_one_read(shelf: Shelf) -> None:
    books = shared(shelf)
    assert await asyncio.gather(*map(books.find, "abc")) == [1, 2, None]
    assert shelf.reads == [["a", "b", "c"]]


async def test_who_asks_while_one_is_under_way_hears_what_held_after_it_had_asked(shelf: Shelf) -> None:
    books = shared(shelf)
    first = await one_under_way(shelf, books)
    shelf.books["a"] = 7
    later = asyncio.gather(books.find("a"), books.find("b"))
    shelf.open.set()
    assert (await first, await later) == (1, [7, 2])
    assert shelf.reads == [["a"], ["a", "b"]]


async def test_a_failure_is_told_to_all_who_share_it_and_to_nobody_else(shelf: Shelf) -> None:
    books = shared(shelf)
    shelf.failure = Unavailable("no")
    assert await asyncio.gather(*map(books.find, "ab"), return_exceptions=True) == [shelf.failure] * 2
    shelf.failure = None
    assert await books.find("a") == 1


async def test_who_gives_up_takes_the_read_from_nobody(shelf: Shelf) -> None:
    books = shared(shelf)
    first = await one_under_way(shelf, books)
    later = [asyncio.create_task(books.find(key)) for key in "ab"]
    await asyncio.sleep(0)
    first.cancel()
    later[0].cancel()
    shelf.open.set()
    assert await later[1] == 2


async def test_one_more_than_the_limit_is_refused_at_once(shelf: Shelf) -> None:
    books = shared(shelf, limit=2)
    first = await one_under_way(shelf, books)
    later = asyncio.gather(*map(books.find, "ab"))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="Too much"):
        await books.find("a")
    shelf.open.set()
    assert (await first, await later) == (1, [1, 2])


async def test_a_read_that_cannot_begin_in_time_is_withdrawn(shelf: Shelf) -> None:
    books = shared(shelf, deadline_s=0.02)
    first = await one_under_way(shelf, books)
    late = await asyncio.gather(*map(books.find, "ab"), return_exceptions=True)
    assert [str(each) for each in late] == ["The database is too slow"] * 2
    shelf.open.set()
    assert (await first, await books.find("b")) == (1, 2)
    assert shelf.reads == [["a"], ["b"]]
