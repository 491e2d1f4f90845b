"""Revocations: how every node hears within a second that a sign-in has ended, whichever node ended it."""

import asyncio
import logging
from collections.abc import Callable
from typing import Literal, Protocol

from msgspec import Struct

from gameroom.clock import Clock, Millis

logger = logging.getLogger(__name__)

INTERVAL_S = 0.5
"""Between two polls: leaves the other half of the promised second to the read and to the closing of sockets."""

OVERLAP_S = 30.0
"""How long a number below the head may still turn up: transactions commit in another order than they number."""

LOOK_BACK = 1000
"""How many numbers before the head a starting node reads again."""

PAGE = 500

Why = Literal["signed_out", "suspended"]


class Revocation(Struct, frozen=True, kw_only=True):
    """A sign-in has ended. `number` rises with each, but not in the order in which they become visible.

    `until` is when the user's suspension ends, as known when this was read; None: for good, or there is none.
    """

    number: int
    sign_in_id: str
    user_id: str
    why: Why
    until: Millis | None = None


class RevocationStore(Protocol):
    """Where revocations are read from; those who end sign-ins write them."""

    async def revocations(self, after: int, limit: int) -> list[Revocation]:
        """Those with `number > after`, in order, at most `limit`. They are kept for an hour at least."""

    async def last_revocation(self) -> int:
        """The highest number given so far, 0 if none."""


Watcher = Callable[[Revocation], None]
"""Called on the loop, once for each; must neither wait nor raise. Where one raised, all are called again."""


class Revocations:
    """Polls the store and tells watchers. Owns its task between `start` and `stop`."""

    def __init__(self, store: RevocationStore, clock: Clock, interval_s: float = INTERVAL_S) -> None:
        self._store = store
        self._clock = clock
        self._interval_s = interval_s
        self._watchers: list[Watcher] = []
        self._after = 0
        self._seen: dict[int, float] = {}
        self._task: asyncio.Task[None] | None = None

    def watch(self, watcher: Watcher) -> None:
        self._watchers.append(watcher)

    async def start(self) -> None:
        """Begin to poll. Everything that ends a sign-in from now on will be told; a little before it may be."""
        self._after = max(0, await self._store.last_revocation() - LOOK_BACK)
        self._task = asyncio.create_task(self._poll_forever(), name="revocations")

    async def stop(self) -> None:
        """After it returns no watcher is called any more."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None

    async def poll(self) -> None:
        """Tell the watchers what is new."""
        after = self._after
        while page := await self._store.revocations(after, PAGE):
            after = page[-1].number
            for revocation in page:
                self._tell(revocation)
        self._forget()

    def _tell(self, revocation: Revocation) -> None:
        if revocation.number in self._seen:
            return
        heard = [has_heard(watcher, revocation) for watcher in self._watchers]
        if all(heard):
            self._seen[revocation.number] = self._clock.monotonic()

    def _forget(self) -> None:
        """Move the start of the overlap up to the newest number that is old enough."""
        horizon = self._clock.monotonic() - OVERLAP_S
        old = [number for number, seen_at in self._seen.items() if seen_at < horizon]
        self._after = max([self._after, *old])
        self._seen = {number: seen_at for number, seen_at in self._seen.items() if number > self._after}

    async def _poll_forever(self) -> None:
        while True:
            try:
                await self.poll()
            except Exception:
                # Whatever stops one poll, the next ones must come: sockets of ended sign-ins hang on them.
                logger.exception("Cannot read revocations; trying again")
            await asyncio.sleep(self._interval_s)


def has_heard(watcher: Watcher, revocation: Revocation) -> bool:
    """Tell one watcher; False if it broke."""
    try:
        watcher(revocation)
    except Exception:
        # A watcher's bug must not keep the others from hearing, nor itself for ever: the next poll tells again.
        logger.exception("Cannot pass a revocation on", extra={"number": revocation.number})
        return False
    return True
