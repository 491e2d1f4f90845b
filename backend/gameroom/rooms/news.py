"""News of accounts on their way to the rooms: the newest of each user, one user after the other."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine

from gameroom.errors import Unavailable
from gameroom.rooms.entries import CardNews
from gameroom.tasks import pause

log = logging.getLogger(__name__)

MAX_WAITING = 10_000
"""Users whose news wait; of further ones a new card is dropped, for rooms read it when they are opened. That an
account is gone is always kept: each goes once only."""

PAUSE_S = 1.0
"""Between two attempts to learn of a user's rooms, while the database is away."""

RoomsOf = Callable[[str], Awaitable[set[str]]]
"""In which rooms the user is, or comes in just now. Raises `Unavailable`."""

Deliver = Callable[[str, CardNews], None]
"""Hands the news to a room, by its id. Neither waits nor raises."""


class NewsRound:
    """`spawn` owns the one task that goes round, which runs only while there are news, and not beyond `stop`.

    What is then left untold, rooms find out when they are opened.
    """

    def __init__(
        self,
        rooms_of: RoomsOf,
        deliver: Deliver,
        spawn: Callable[[Coroutine[None, None, None]], None],
        stop: asyncio.Event,
    ) -> None:
        self._rooms_of = rooms_of
        self._deliver = deliver
        self._spawn = spawn
        self._stop = stop
        self._waiting: dict[str, CardNews] = {}
        self._going = False

    def add(self, news: CardNews) -> None:
        """A newer card takes the place of an older one; nothing takes the place of the end of an account."""
        known = self._waiting.get(news.user_id)
        if known is not None and known.card is None:
            return
        if known is None and news.card is not None and len(self._waiting) >= MAX_WAITING:
            log.warning("a new card is dropped: the news of %d users wait already", len(self._waiting))
            return
        self._waiting[news.user_id] = news
        if not self._going:
            self._going = True
            self._spawn(self._go_round())

    async def _go_round(self) -> None:
        try:
            while self._waiting and not self._stop.is_set():
                await self._tell_next()
        finally:
            self._going = False

    async def _tell_next(self) -> None:
        user_id = next(iter(self._waiting))
        try:
            rooms = await self._rooms_of(user_id)
        except Unavailable:
            await pause(PAUSE_S, unless=self._stop)
            return
        except Exception:  # our bug: the news of others must not wait for this user's
            log.exception("the rooms of a user could not be found")
            rooms = set()
        news = self._waiting.pop(user_id)
        for room_id in rooms:
            self._deliver(room_id, news)
