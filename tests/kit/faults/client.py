"""One user in one room, who loses the connection and comes back, and keeps a history of what was heard and seen."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count

from websockets.exceptions import InvalidHandshake, InvalidMessage

from tests.kit.api import Account
from tests.kit.faults.history import Sighting, Stay
from tests.kit.faults.outbox import House, Outbox
from tests.kit.player import Disconnected, Player
from tests.kit.room_copy import RoomCopy
from tests.kit.wire import Json, Position, Refused

THINKING_S = 0.15
"""On average, between two whims of a client."""

LOOKED_AT = 0.2
"""The share of events after which a client's copy is kept for the checker."""

LATER = {"unavailable", "internal"}
"""Who is refused at the door for one of these comes again: the database is away, or refused what came with the JOIN."""

SEATLESS = {"room_full", "wrong_status"}
"""Who is refused a seat for one of these may still look on."""

UNREACHABLE = (Disconnected, OSError, TimeoutError, EOFError, InvalidHandshake, InvalidMessage)

Whim = Callable[["Client"], Awaitable[None]]
Whims = tuple[tuple[float, Whim], ...]
"""What a client may do next, and how likely."""


class Client:
    """`out`: what it sends. `marks`: words that nobody else says. `whims`: what it does while the house is open."""

    def __init__(
        self, house: House, account: Account, room_id: str, dice: random.Random, whims: Whims
    ) -> None:
        self.user_id = account.user_id
        self.room_id = room_id
        self.dice = dice
        self.marks = (f"{account.user_id}/{number}" for number in count(1))
        self.out = Outbox(house, account.user_id, room_id)
        self.player: Player
        self._house = house
        self._account = account
        self._whims = whims
        self._copy: RoomCopy | None = None
        self._stay: Stay | None = None
        self._early: deque[Json] = deque()
        """What came after the answer to JOIN, before there was a stay to keep it."""

    @property
    def room(self) -> RoomCopy:
        return self.player.rooms[self.room_id]

    # --- coming and going -------------------------------------------------------------------------------------

    async def play(self) -> None:
        """Until the house closes and every command is decided."""
        while not await self._visited():
            await self._house.there.wait()

    async def _visited(self) -> bool:
        """One connection, from the handshake to its loss. Whether nothing is left to do."""
        try:
            self.player = await self._house.people.connect(self._account)
            self.out.connect(self.player)
            async with self._listening():
                await self._enter()
                await self.out.send_open()
                return await self._stay_on()
        except UNREACHABLE:
            await asyncio.sleep(0.05)  # the server is about to be declared away, or has just come back
        except Refused as refused:
            if refused.code not in LATER:
                raise
        except AssertionError as broken:
            self._note(broken)
        return False

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """Hears what comes; at the end nothing is left of the connection but the copy of the room."""
        listening = asyncio.create_task(self._listen(self.player))
        try:
            yield
        finally:
            await self.player.drop()
            await listening
            self._early.clear()
            self._keep_copy()

    async def _stay_on(self) -> bool:
        """Do as one pleases. When the house closes: have the rest decided, take a last look, and return True."""
        while not self._house.closing.is_set():
            if self.player.lost is not None:
                return False
            await self._follow_a_whim()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.dice.expovariate(1 / THINKING_S)):
                    await self._house.closing.wait()
        await self.out.answered()
        while self._stay is None or not self.out.is_settled:
            await (self._enter() if self._stay is None else self.out.send_open())
            await self.out.answered()
        await self.look()
        return True

    async def _follow_a_whim(self) -> None:
        """Who is in the room no more comes in again first."""
        if self._stay is None:
            await self.out.answered()
            await self._enter()
            return
        likely, whims = zip(*self._whims, strict=True)
        [whim] = self.dice.choices(whims, likely)
        await whim(self)
        await self.out.send_open()

    def _keep_copy(self) -> None:
        copy = self.player.rooms.get(self.room_id)
        self._copy = copy if copy is not None and copy.ended is None and copy.view else None
        self._stay = None

    async def _enter(self) -> None:
        """JOIN, from where the last connection was lost; as a spectator where no seat is free."""
        try:
            await self._join({})
        except Refused as refused:
            if refused.code not in SEATLESS:
                raise
            await self._join({"role": "spectator"})

    async def _join(self, wishes: Json) -> None:
        base = None if self._copy is None else self._copy.position
        resume = {} if base is None else {"resume": {"epoch": base.epoch, "seq": base.seq}}
        attempt = self.out.attempt(self.out.command("JOIN_GAME_ROOM_GROUP", **wishes, **resume))
        try:
            if self._copy is None:
                reply = await self.player.join(self.room_id, id=attempt.command.id, **wishes)
            else:
                reply = await self.player.resume(self._copy, id=attempt.command.id, **wishes)
        except Refused as refused:
            attempt.settle(refused.body)
            raise
        attempt.settle(reply.frame)
        came_in_at = base if reply.data["resumed"] and base is not None else reply.position
        self._stay = Stay(self.user_id, self.room_id, came_in_at)
        self._house.history.stays.append(self._stay)
        self._take_early()

    def _take_early(self) -> None:
        while self._early and self._stay is not None:
            self._take(self._stay, self._early.popleft())

    async def look(self) -> None:
        """The present view, as it is given afresh. Raises `Disconnected`."""
        attempt = self.out.attempt(self.out.command("GET_GAME_ROOM_GROUP"))
        try:
            reply = await self.player.ask(attempt.command.kind, id=attempt.command.id, room_id=self.room_id)
        except Refused as refused:
            attempt.settle(refused.body)
            return
        attempt.settle(reply.frame)
        self._see(reply.position, reply.data["room"])

    # --- hearing ----------------------------------------------------------------------------------------------

    async def _listen(self, player: Player) -> None:
        while player.lost is None:
            try:
                self._hear(await player.next())
            except TimeoutError:
                pass  # where the database is away, nothing is told for long
            except Disconnected:
                return
            except AssertionError as broken:
                self._note(broken)
                return

    def _note(self, broken: AssertionError) -> None:
        """The kit has seen a rule of the wire broken."""
        finding = f"{self.user_id}: {broken}"
        if finding not in self._house.history.broken:
            self._house.history.broken.append(finding)

    def _hear(self, frame: Json) -> None:
        if frame.get("room_id") != self.room_id:
            return
        if self._stay is None:
            self._early.append(frame)
        else:
            self._take(self._stay, frame)

    def _take(self, stay: Stay, frame: Json) -> None:
        if frame["type"] == "DETACHED":
            self._stay = self._copy = None
            return
        stay.hear(frame)
        copy = self.room
        if copy.is_current and not self._has_left(copy) and self.dice.random() < LOOKED_AT:
            self._see(copy.position, copy.view)

    def _has_left(self, copy: RoomCopy) -> bool:
        """Whether the last that it heard was its own leaving: with that comes no patch."""
        last = copy.last_event or {"type": None}
        return last["type"] == "MEMBER_LEFT" and bool(last["data"]["user_id"] == self.user_id)

    def _see(self, position: Position, view: Json) -> None:
        self._house.history.sightings.append(Sighting(self.user_id, self.room_id, position, view))
