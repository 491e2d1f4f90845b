"""Where commands come in: here a newcomer waits until it is known in how many rooms it is already.

Deciding neither waits nor reads, so what a room must know of other rooms is found out before, and goes with the
request. The room itself asks first whether it is a repeat or a member that comes back: to those the limit is nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from gameroom.clock import Clock
from gameroom.errors import GameroomError, InternalError, Unavailable
from gameroom.protocol.commands import CreateRoom, JoinRoom
from gameroom.rooms.entries import Ask, CardNews, Gone
from gameroom.rooms.guessing import Guesses
from gameroom.rooms.mailbox import tell_one
from gameroom.rooms.placement import Placement
from gameroom.rooms.rooms import Outcome, Request, Tell

log = logging.getLogger(__name__)

MAX_BEHIND = 256
"""Commands of one user to one room that wait behind its JOIN; further ones are `unavailable`."""


Line = tuple[str, str]
"""A room and a user: what this user asks of that room is let through in its order."""


class Reservation(NamedTuple):
    """Kept for a user in a room while its JOIN or CREATE is under way. `before`: the rooms of its earlier ones."""

    user_id: str
    room_id: str
    before: frozenset[str]


class Reservations:
    """What users enter now, on this node: so of two at once, at the limit, only the first comes in.

    Bounded by the commands under way: each is given back when its command is answered.
    """

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        self._entering: dict[str, list[str]] = {}

    def take(self, user_id: str, room_id: str) -> Reservation:
        rooms = self._entering.setdefault(user_id, [])
        kept = Reservation(user_id, room_id, frozenset(rooms))
        rooms.append(room_id)
        return kept

    def give_back(self, kept: Reservation) -> None:
        rooms = self._entering[kept.user_id]
        rooms.remove(kept.room_id)
        if not rooms:
            del self._entering[kept.user_id]

    async def elsewhere(self, kept: Reservation, by: float) -> int:
        """In how many other rooms the user is, or comes in before.

        Raises `Unavailable`, also when that is not known by the loop's time `by`.
        """
        try:
            async with asyncio.timeout_at(by):
                stored = await self._placement.rooms_of(kept.user_id)
        except TimeoutError:
            raise Unavailable("Your rooms could not be counted in time; nothing was changed") from None
        return len({*stored, *kept.before} - {kept.room_id})

    async def rooms_of(self, user_id: str) -> set[str]:
        """The rooms that the user is a member of, or may become one just now. Raises `Unavailable`."""
        entering = tuple(self._entering.get(user_id, ()))
        return {*entering, *await self._placement.rooms_of(user_id)}

    def is_entering(self, user_id: str, room_id: str) -> bool:
        return room_id in self._entering.get(user_id, ())


class Inside(Protocol):
    """Who has the rooms. Nothing here waits or raises."""

    def let_in(self, ask: Ask) -> None:
        """Hand a command to its room."""

    def hear(self, room_id: str, news: CardNews) -> None:
        """Tell a room how a user is shown."""

    def let_go(self, room_id: str, gone: Gone) -> None:
        """Tell a room that a connection is gone."""

    def is_member(self, room_id: str, user_id: str) -> bool:
        """As far as is known without opening the room."""

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run it as a task that is awaited."""


class Entrance:
    """Lets everything of one user through to one room in the order in which it came."""

    def __init__(self, placement: Placement, inside: Inside, clock: Clock) -> None:
        self._kept = Reservations(placement)
        self._guesses = Guesses(clock)
        self._inside = inside
        self._behind: dict[Line, deque[Ask | Gone]] = {}
        """What waits behind a newcomer that is being counted."""
        self._held: dict[Line, CardNews] = {}
        """The newest news of users that are entering."""

    def submit(self, ask: Ask) -> None:
        behind = self._behind.get(_line(ask.request))
        if behind is None:
            self._begin(ask)
        elif len(behind) < MAX_BEHIND:
            behind.append(ask)
        else:
            tell_one(ask.tell, Unavailable("Too many commands wait behind a JOIN"))

    def detach(self, room_id: str, gone: Gone) -> None:
        """Never refused: one for each connection. It must not overtake the JOIN that attaches it."""
        behind = self._behind.get((room_id, gone.user_id))
        if behind is None:
            self._inside.let_go(room_id, gone)
        else:
            behind.append(gone)

    def hear(self, room_id: str, news: CardNews) -> None:
        """It must not overtake a JOIN or CREATE, which lets the user in as it was before."""
        line = (room_id, news.user_id)
        if not self._is_coming(line):
            self._inside.hear(room_id, news)
            return
        held = self._held.get(line)
        if held is None or news.settles(held):
            self._held[line] = news

    async def rooms_of(self, user_id: str) -> set[str]:
        """Where news of the user must be heard. Raises `Unavailable`."""
        return await self._kept.rooms_of(user_id)

    def _begin(self, ask: Ask) -> None:
        request = ask.request
        if not isinstance(request.command, JoinRoom | CreateRoom):
            self._inside.let_in(ask)
            return
        # A member that comes back keeps its place too: should it leave meanwhile, it comes in again under it.
        kept = self._kept.take(request.sender.user_id, request.room_id)
        ask = Ask(request, self._until_told(kept, ask.tell), ask.expires_at)
        if request.rejoin or self._inside.is_member(request.room_id, request.sender.user_id):
            self._inside.let_in(ask)
        else:
            self._behind[_line(request)] = deque()
            self._inside.spawn(self._count(ask, kept))

    async def _count(self, ask: Ask, kept: Reservation) -> None:
        try:
            ask = self._guesses.counted(ask)
            elsewhere = await self._kept.elsewhere(kept, ask.expires_at)
        except GameroomError as refusal:
            tell_one(ask.tell, refusal)
        except Exception:  # our bug: neither the JOIN nor what waits behind it may go without an answer
            log.exception("room %s: a newcomer's rooms could not be counted", kept.room_id)
            tell_one(ask.tell, InternalError("The server failed here; nothing was changed"))
        else:
            sender = replace(ask.request.sender, elsewhere=elsewhere)
            self._inside.let_in(Ask(replace(ask.request, sender=sender), ask.tell, ask.expires_at))
        for waiting in self._behind.pop((kept.room_id, kept.user_id)):
            if isinstance(waiting, Ask):
                self.submit(waiting)
            else:
                self.detach(kept.room_id, waiting)
        self._tell_held((kept.room_id, kept.user_id))

    def _until_told(self, kept: Reservation, tell: Tell) -> Tell:
        """`tell`, and what was kept is given back."""

        def told(outcome: Outcome) -> None:
            self._kept.give_back(kept)
            self._tell_held((kept.room_id, kept.user_id))
            tell(outcome)

        return told

    def _is_coming(self, line: Line) -> bool:
        room_id, user_id = line
        return line in self._behind or self._kept.is_entering(user_id, room_id)

    def _tell_held(self, line: Line) -> None:
        """The news that came meanwhile, once nothing of this user is under way any more."""
        if line in self._held and not self._is_coming(line):
            self._inside.hear(line[0], self._held.pop(line))


def _line(request: Request) -> Line:
    return request.room_id, request.sender.user_id
