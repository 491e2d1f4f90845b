"""Opening rooms: claimed first, read after, and made from what is stored. Whoever opens them keeps their actors."""

import logging

from msgspec import Struct

from gameroom.clock import Millis
from gameroom.errors import GameroomError, RoomNotFound, Unavailable
from gameroom.games.registry import Games
from gameroom.rooms.card_book import CardBook
from gameroom.rooms.decision import key_of
from gameroom.rooms.journal import Journal
from gameroom.rooms.memory import Memory
from gameroom.rooms.placement import Claim, Placement
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.presence import Presence
from gameroom.rooms.recovery import open_room, overlay
from gameroom.rooms.refusals import Refusals
from gameroom.rooms.room import Room
from gameroom.rooms.rooms import Cards, Request
from gameroom.rooms.window import REFUSALS, CommandWindow

log = logging.getLogger(__name__)

LOST_ROOMS = 1_000
"""Rooms that were lost, or could not be opened, and whose refusals are kept until they are; the oldest go first."""


class Opened(Struct, frozen=True):
    """A room as its last owner left it. `play_lost`: something was played that no record tells; `unsnapped`: how many
    records it was made from, beside the last snapshot."""

    room: Room
    play_lost: bool
    unsnapped: int


class Opening:
    """Makes the rooms of one node from the journal. `home`: who owns them."""

    def __init__(
        self,
        *,
        home: str,
        games: Games,
        journal: Journal,
        placement: Placement,
        cards: Cards,
        policy: RoomPolicy,
    ) -> None:
        self._home = home
        self._games = games
        self._journal = journal
        self._placement = placement
        self._cards = cards
        self._policy = policy
        self._claims: dict[str, Claim] = {}
        """Of rooms that are ours, but not opened (yet). The next attempt goes on under the same claim, for a new one
        would no longer be clean."""
        self._refusals: dict[str, Refusals] = {}
        self._unread: set[str] = set()
        self._missing: set[str] = set()
        """Games of rooms that somebody asked for, and that this node does not have."""

    async def open(self, room_id: str, presence: Presence) -> Opened:
        """Raises why it cannot be opened: a `GameroomError`, or `Damaged`.

        Claims the room first and reads it after: nothing of an earlier owner can come in between.
        """
        claim = self._claims.get(room_id) or await self._claim(room_id)
        try:
            return await self._read(claim, presence)
        except Unavailable:
            self._unread.add(room_id)
            raise

    def opened(self, room_id: str) -> None:
        """The room has its actor now: what happens under its claim is no longer nothing."""
        del self._claims[room_id]
        self._refusals.pop(room_id, None)

    def remember(self, room_id: str, refusals: Refusals) -> None:
        """The room was lost: what it has refused stays refused, however many attempts it takes to open it again."""
        self._refusals[room_id] = refusals
        if len(self._refusals) > LOST_ROOMS:
            del self._refusals[next(iter(self._refusals))]

    def refused(self, room_id: str, requests: list[Request], error: GameroomError, now: Millis) -> None:
        """The room could not be opened, and this was told: no late copy is applied once it can."""
        if error.retryable or room_id not in self._claims:
            return
        refusals = self._refusals.get(room_id, Refusals(REFUSALS))
        for key in filter(None, map(key_of, requests)):
            refusals.add(key, error, now)
        self.remember(room_id, refusals)

    async def neglected(self, now: Millis, limit: int) -> list[str]:
        """Rooms that somebody must run, of games that are here. Raises `Unavailable`."""
        return await self._placement.neglected(self._home, self._games.names(), now, limit)

    def take_unread(self) -> set[str]:
        """The rooms that are ours and could not be read lately: nobody else will look after them. Told once."""
        unread, self._unread = self._unread, set()
        return unread

    def claimed(self) -> tuple[str, ...]:
        """The rooms that are ours without an actor."""
        return tuple(self._claims)

    def is_private(self, room_id: str) -> bool:
        """Whether outsiders may not know of a room; so where it is given back already."""
        claim = self._claims.get(room_id)
        return claim is None or claim.private

    def game_of(self, room_id: str) -> str:
        """The game of a room that is ours; empty where it is given back already."""
        claim = self._claims.get(room_id)
        return "" if claim is None else claim.game

    async def give_back(self, room_id: str) -> None:
        """Give up the claim of a room that was not opened: it is as clean as it was before."""
        claim = self._claims.pop(room_id, None)
        if claim is not None:
            try:
                await self._placement.unclaim(claim)
            except Unavailable as error:
                log.warning("room %s: it could not be given back: %s", room_id, error.message)

    async def _claim(self, room_id: str) -> Claim:
        """Asks first whether the room is one that can be run here: a claim is a write, and spends the clean mark."""
        game = await self._placement.game_of(room_id)
        if game is None:
            raise RoomNotFound()
        if game not in self._games.names():
            self._miss(game)
            raise Unavailable(f"No server runs the game {game!r} now")
        claim = await self._placement.claim(room_id, self._home)
        if claim is None:
            raise RoomNotFound()
        self._claims[room_id] = claim
        return claim

    def _miss(self, game: str) -> None:
        if game not in self._missing:
            self._missing.add(game)
            log.warning("rooms of the game %s wait until a server has it", game)

    async def _read(self, claim: Claim, presence: Presence) -> Opened:
        game_type = self._games.get(claim.game)
        journaled = game_type.durability == "journal"
        recovery = await self._journal.recover(claim.room_id)
        recovered = overlay(claim.room_id, recovery, gapless=journaled)
        memory = Memory(
            presence=presence,
            cards=CardBook(await self._cards.cards(recovered.members())),
            window=CommandWindow(self._refusals.get(claim.room_id)),
        )
        room = open_room(
            claim,
            recovered,
            recovery.commands,
            game_type,
            policy=self._policy,
            memory=memory,
        )
        play_lost = not journaled and not claim.clean and not room.is_closed
        return Opened(room, play_lost, len(recovery.records))
