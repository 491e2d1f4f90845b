"""A room is asked, and its outcome awaited: what a socket hears when it comes, a call of REST waits for."""

import asyncio
from asyncio import Future, get_running_loop

from gameroom.errors import GameroomError
from gameroom.rooms.rooms import Answer, Outcome, Request, Rooms


class Undecided(Exception):
    """Whether it is done was not known in time: nothing may be said about it. Answered 504 without a body."""


async def outcome_of(rooms: Rooms, request: Request, deadline_s: float) -> Answer:
    """What the room answers. Raises what it refuses with, and `Undecided`."""
    told: Future[Outcome] = get_running_loop().create_future()
    rooms.submit(request, lambda outcome: None if told.done() else told.set_result(outcome))
    try:
        async with asyncio.timeout(deadline_s):
            outcome = await told
    except TimeoutError:
        raise Undecided from None
    if isinstance(outcome, GameroomError):
        # A copy: the room may keep the refusal for a minute, and must not keep what a traceback holds.
        raise outcome.reworded(outcome.message)
    return outcome
