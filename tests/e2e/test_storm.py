"""Four people do whatever comes to mind, lose their connections, and the server dies: every copy stays true.

The kit checks each frame: seq rises by exactly one, patches apply, events come before their REPLY; and at the end
every copy equals a fresh view and everybody has heard the same history.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import pytest

from tests.conftest import Servers
from tests.kit.api import Account
from tests.kit.people import People, gathering
from tests.kit.player import Player
from tests.kit.room_copy import RoomCopy
from tests.kit.server import Server
from tests.kit.wire import Json, Refused

STEPS = 250
LIMITS = {"frames_per_second": 5_000, "frame_burst": 5_000}


class Person:
    """Somebody with an account, whose connection comes and goes, and everything heard so far."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.events: dict[int, Json] = {}
        self.last_command: tuple[str, Json] | None = None
        self.player: Player

    @property
    def copy(self) -> RoomCopy:
        [copy] = self.player.rooms.values()
        return copy

    def take(self) -> None:
        """Keep what was heard by its seq; the same position never tells two stories."""
        for frame in self.player.heard():
            if frame["type"] in ("HIDDEN", "DETACHED", "ERROR", "REPLY"):
                continue
            told = {key: frame[key] for key in ("type", "data", "at")}
            assert self.events.setdefault(frame["seq"], told) == told


class Storm:
    """One seeded sequence of whims in one room."""

    def __init__(self, people: People, room_id: str, persons: list[Person], seed: int) -> None:
        self.people = people
        self.room_id = room_id
        self.persons = persons
        self.dice = random.Random(seed)
        self.whims: list[Callable[[Person], Awaitable[None]]] = [
            self.chat,
            self.whisper,
            self.ready,
            self.start,
            self.begin,
            self.place,
            *[self.place_in_turn] * 4,
            self.repeat,
            self.look,
            self.mutter,
            self.vanish,
            self.leave,
        ]

    async def step(self) -> None:
        whim = self.dice.choice(self.whims)
        person = self.dice.choice(self.persons)
        try:
            await whim(person)
        except Refused as refused:
            assert refused.code not in ("internal", "game_error", "unavailable", "room_not_found"), refused

    async def ask(self, person: Person, command: str, **fields: object) -> None:
        body = {"id": str(uuid4()), **fields}
        person.last_command = (command, body)
        await person.player.ask(command, **body)

    async def chat(self, person: Person) -> None:
        await self.ask(person, "SEND_CHAT", text=f"{self.dice.random()}")

    async def whisper(self, person: Person) -> None:
        to = self.dice.choice(self.persons).account.user_id
        await self.ask(person, "SEND_CHAT", text=f"{self.dice.random()}", to=to)

    async def ready(self, person: Person) -> None:
        await self.ask(person, "SET_READY", ready=self.dice.random() < 0.8)

    async def start(self, person: Person) -> None:
        await self.ask(person, "START_GAME")

    async def begin(self, person: Person) -> None:
        """What it takes to start a round, by whoever is there to do it."""
        view = person.copy.view
        for other in self.persons:
            if view["status"] == "waiting" and other.copy.members[other.account.user_id]["role"] == "player":
                await self.ask(other, "SET_READY", ready=True)
        [host] = [other for other in self.persons if other.account.user_id == view["host_id"]]
        await self.ask(host, "START_GAME")

    async def place_in_turn(self, person: Person) -> None:
        """A legal move, whosever turn it is as far as this person knows."""
        view = person.copy.view
        if view["status"] != "playing":
            return
        free = [cell for cell, taken in enumerate(view["state"]["cells"]) if taken is None]
        for other in self.persons:
            if view["members"].get(other.account.user_id, {}).get("seat") == view["state"]["turn"]:
                await self.ask(other, "GAME_ACTION", action={"type": "place", "cell": self.dice.choice(free)})
                return

    async def place(self, person: Person) -> None:
        await self.ask(person, "GAME_ACTION", action={"type": "place", "cell": self.dice.randrange(9)})

    async def repeat(self, person: Person) -> None:
        """The last command again, with its id: it is done once."""
        if person.last_command is not None:
            command, body = person.last_command
            await person.player.ask(command, **{"room_id": self.room_id, **body})

    async def look(self, person: Person) -> None:
        await person.player.verify()

    async def mutter(self, person: Person) -> None:
        await person.player.send_text(self.dice.choice(["junk", '{"type": "SET_READY"}', '{"type": "JOIN"}']))

    async def vanish(self, person: Person) -> None:
        """Lose the connection, or just its newest replacement, and come back by a resume."""
        if self.dice.random() < 0.5:
            await person.player.drop()
        await self.come_back(person)

    async def come_back(self, person: Person) -> None:
        person.take()
        copy = person.copy
        person.player = await self.people.connect(person.account)
        await person.player.resume(copy)

    async def leave(self, person: Person) -> None:
        """Leave for good and come again, as a player if there is a seat."""
        if self.dice.random() < 0.7:
            return
        await person.player.ask("LEAVE_GAME_ROOM_GROUP")
        person.take()
        person.last_command = None
        await self.come_in(person)

    async def come_in(self, person: Person) -> None:
        try:
            await person.player.join(self.room_id)
        except Refused as refused:
            assert refused.code in ("room_full", "wrong_status")
            await person.player.join(self.room_id, role="spectator")

    async def calm(self) -> None:
        """Every copy is true, and nobody was told another story than the others."""
        story: dict[int, Json] = {}
        for person in self.persons:
            await person.player.verify()
            person.take()
            for seq, told in person.events.items():
                assert story.setdefault(seq, told) == told


async def gather_storm(people: People, seed: int) -> Storm:
    persons = [Person(account) for account in await people.guests("Ann", "Ben", "Cid", "Dot")]
    for person in persons:
        person.player = await people.connect(person.account)
    room_id = await persons[0].player.create("tic-tac-toe")
    storm = Storm(people, room_id, persons, seed)
    for person in persons[1:]:
        await storm.come_in(person)
    return storm


@pytest.fixture
async def storming(servers: Servers) -> AsyncIterator[tuple[Server, People]]:
    server = await asyncio.to_thread(lambda: servers.start(**LIMITS))
    async with gathering(server) as people:
        yield server, people


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_storm_with_a_death_in_it(storming: tuple[Server, People], seed: int) -> None:
    server, people = storming
    storm = await gather_storm(people, seed)
    for number in range(STEPS):
        if number in (STEPS // 3, 2 * STEPS // 3):
            await storm.calm()
            server.kill9()
            await asyncio.to_thread(server.start)
            for person in storm.persons:
                await person.player.gone()
                await storm.come_back(person)
        await storm.step()
    await storm.calm()
