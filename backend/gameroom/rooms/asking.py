"""A room is asked, and its outcome awaited: what a socket hears when it comes, others wait for."""

import asyncio
from asyncio import Future, get_running_loop
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from gameroom.errors import GameroomError
from gameroom.rooms.rooms import Answer, Outcome, Request, Rooms

T = TypeVar("T")


class Undecided(Exception):
    """Whether a command is done is not known, and is waited for no more: nothing may be said about it.

    Answered 504 without a body: no answer came in time.
    """


async def outcome_of(rooms: Rooms, request: Request, deadline_s: float) -> Answer:
    """What the room answers. Raises what it refuses with, and `Undecided`."""
    outcome: Outcome = await told_within(deadline_s, partial(rooms.submit, request))
    if isinstance(outcome, GameroomError):
        # A copy: the room may keep the refusal for a minute, and must not keep what a traceback holds.
        raise outcome.reworded(outcome.message)
    return outcome


async def told_within(deadline_s: float, ask: Callable[[Callable[[T], None]], None]) -> T:
    """What is told to the function that `ask` is handed; later words are ignored. Raises `Undecided`."""
    told: Future[T] = get_running_loop().create_future()
    ask(lambda word: None if told.done() else told.set_result(word))
    try:
        async with asyncio.timeout(deadline_s):
            return await told
    except TimeoutError:
        raise Undecided from None
