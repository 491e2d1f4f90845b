"""The rooms of one node over a real database, as the server has them, without sockets."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from msgspec import Struct
from sqlalchemy import Connection

from bench.commands import CLOCK
from gameroom.bus.local import LocalBus
from gameroom.games.checks import AnyGame
from gameroom.games.registry import Games, load_game
from gameroom.identity.account import Account
from gameroom.ids import new_id
from gameroom.protocol.commands import CreateRoom, JoinRoom, RoomCommand, SetReady, StartGame
from gameroom.rooms.asking import outcome_of
from gameroom.rooms.local import LocalRooms
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.rooms import Answer, Card, Request, Sender
from gameroom.storage.cards import SqlCards
from gameroom.storage.engine import Database
from gameroom.storage.journal import SqlJournal
from gameroom.storage.placement import SqlPlacement
from gameroom.storage.users import insert_account

DEADLINE_S = 60.0
AT_ONCE = 64
"""Rooms that are brought into play at the same time."""


class Node(Struct, frozen=True):
    database: Database
    journal: SqlJournal
    rooms: LocalRooms

    async def ask(self, sender: Sender, room_id: str, command: RoomCommand | CreateRoom) -> Answer:
        """Raises what the room refuses with."""
        request = Request(room_id=room_id, sender=sender, command=command)
        return await outcome_of(self.rooms, request, DEADLINE_S)


@asynccontextmanager
async def node(url: str, *games: type[AnyGame], policy: RoomPolicy) -> AsyncIterator[Node]:
    """Ends like a process that is killed: its rooms stay its own, but all that was appended is stored.

    No sweep is under way: what rests or is put away is chosen by who measures. Garbage is collected as by the server.
    """
    gc.freeze()
    database = Database.open(url)
    journal = SqlJournal(database)
    rooms = LocalRooms(
        home=new_id(),
        games=Games([load_game(game) for game in games]),
        journal=journal,
        placement=SqlPlacement(database),
        bus=LocalBus(),
        cards=SqlCards(database),
        clock=CLOCK,
        policy=policy,
    )
    try:
        yield Node(database, journal, rooms)
    finally:
        await rooms.abandon()
        await journal.close()
        await database.close()


class Party(Struct, frozen=True):
    """A room and its players, all of them connected; the first one made it."""

    room_id: str
    players: tuple[Sender, ...]


def party(players: int) -> Party:
    return Party(new_id(), tuple(_player(number) for number in range(players)))


def _player(number: int) -> Sender:
    return Sender(user_id=new_id(), card=Card(f"Player {number}", None), connection_id=new_id())


async def enrol(database: Database, people: Iterable[Sender]) -> None:
    """Give them accounts: rooms lose members without one when they are opened."""
    accounts = [
        Account(user_id=each.user_id, display_name=each.card.display_name, created_at=CLOCK.now())
        for each in people
    ]

    def insert_all(connection: Connection) -> None:
        for account in accounts:
            insert_account(connection, account)

    await database.write(insert_all)


async def bring_into_play(at: Node, game: type[AnyGame], parties: Iterable[Party]) -> None:
    """Make their rooms, seat everybody, and start."""
    waiting = iter(parties)

    async def some() -> None:
        for each in waiting:
            await _begin(at, game, each)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(some())


async def _begin(at: Node, game: type[AnyGame], each: Party) -> None:
    host, *guests = each.players
    await at.ask(host, each.room_id, CreateRoom(game=game.name, id=new_id()))
    for guest in guests:
        await at.ask(guest, each.room_id, JoinRoom(id=new_id()))
    for player in each.players:
        await at.ask(player, each.room_id, SetReady(ready=True, id=new_id()))
    await at.ask(host, each.room_id, StartGame(id=new_id()))
