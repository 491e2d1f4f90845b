"""CREATE: a room is made, stored with its first record, and that once, however often it is asked for."""

import asyncio
import secrets

from gameroom.clock import Clock
from gameroom.errors import GameroomError, IdReused, InternalError, Unavailable
from gameroom.games.registry import Games
from gameroom.ids import new_invite_code
from gameroom.protocol.codec import input_of
from gameroom.protocol.commands import CreateRoom
from gameroom.rooms.birth import Entropy, new_room
from gameroom.rooms.command_ids import CommandKey
from gameroom.rooms.entries import Ask
from gameroom.rooms.journal import Birth, Born, Journal, Unit
from gameroom.rooms.making import MakingLimit
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.records import hash_of
from gameroom.rooms.refusals import Refusals
from gameroom.rooms.room import Room
from gameroom.rooms.rooms import Answer, Request

REFUSALS = 10_000
"""CREATEs that were refused are remembered, of all users of the node; the oldest goes first."""


class Creation:
    """Makes the rooms of one node. `home`: who owns them."""

    def __init__(
        self, *, home: str, games: Games, journal: Journal, clock: Clock, policy: RoomPolicy
    ) -> None:
        self._home = home
        self._games = games
        self._journal = journal
        self._clock = clock
        self._policy = policy
        self._refusals = Refusals(REFUSALS)
        self._limit = MakingLimit(clock, policy.rooms_made)

    async def create(self, ask: Ask, command: CreateRoom) -> tuple[Answer, Room | None]:
        """The answer, and the room unless this CREATE has made it before. Raises why there is none."""
        input_hash = hash_of(input_of(command))
        if command.id is None:
            return await self._create(ask, command, input_hash)
        key = CommandKey(ask.request.sender.user_id, command.id, input_hash)
        refusal = self._refusals.find(key, self._clock.now())
        if refusal is not None:
            return await self._made_before(key, refusal, ask.expires_at), None
        try:
            return await self._create(ask, command, input_hash)
        except Unavailable:
            raise
        except GameroomError as error:
            return await self._made_before(key, error, ask.expires_at), None

    async def _create(self, ask: Ask, command: CreateRoom, input_hash: bytes) -> tuple[Answer, Room | None]:
        room, answer, unit = self._make(ask.request, command)
        self._limit.count(ask.request.sender.user_id)
        birth = Birth(
            unit=unit,
            home=self._home,
            creator_id=ask.request.sender.user_id,
            command_id=command.id,
            input_hash=input_hash,
        )
        born = await self._journal.create(birth, ask.expires_at)
        if born.repeated:
            return _repeat(born, input_hash), None
        return answer, room

    def _make(self, request: Request, command: CreateRoom) -> tuple[Room, Answer, Unit]:
        now = self._clock.now()
        room = new_room(
            request.room_id,
            request.sender.user_id,
            command,
            self._games.get(command.game),
            policy=self._policy,
            entropy=Entropy(new_invite_code(), secrets.token_bytes(32)),
            now=now,
        )
        decision = room.create(request, now)
        if not isinstance(decision.outcome, Answer):
            raise InternalError("A new room gave no answer")
        unit = Unit(
            room_id=room.room_id, term=room.term, records=decision.records, listing=room.listings.changed()
        )
        return room, decision.outcome, unit

    async def _made_before(self, key: CommandKey, refusal: GameroomError, by: float) -> Answer:
        """A CREATE that was done is answered, whatever would refuse it now. Else raises the refusal, and keeps it."""
        try:
            async with asyncio.timeout_at(by):
                born = await self._journal.born(key.user_id, key.command_id)
        except TimeoutError:
            raise Unavailable("Your rooms could not be read in time; nothing was changed") from None
        if born is None:
            self._refusals.add(key, refusal, self._clock.now())
            raise refusal
        return _repeat(born, key.input_hash)


def _repeat(born: Born, input_hash: bytes) -> Answer:
    if born.input_hash != input_hash:
        raise IdReused("This id made another room before; take a new one", params={"reason": "other_content"})
    return Answer(room_id=born.room_id, epoch=0, seq=0, data=b"{}", repeated=True)
