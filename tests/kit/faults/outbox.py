"""The commands of one client: sent without waiting, and again with their ids until they are decided."""

import asyncio
from asyncio import FIRST_COMPLETED, Event
from dataclasses import dataclass, field
from uuid import uuid4

from tests.kit.faults.history import Attempt, Command, History, now_ms
from tests.kit.people import People
from tests.kit.player import Answer, Player
from tests.kit.wire import Refused

IN_FLIGHT = 8
"""Commands of one client that may wait for their answers."""


@dataclass
class House:
    """What all clients of a run share.

    `there`: whether the server can be connected to; `closing`: go home; `news`: something was answered, or a client
    is at its end.
    """

    people: People
    history: History
    there: Event = field(default_factory=Event)
    closing: Event = field(default_factory=Event)
    news: Event = field(default_factory=Event)


class Outbox:
    """`decided`, `refused`: the commands that were, in that order. Used with one connection at a time."""

    def __init__(self, house: House, user_id: str, room_id: str) -> None:
        self.decided: list[Command] = []
        self.refused: list[Command] = []
        self._house = house
        self._user_id = user_id
        self._room_id = room_id
        self._open: dict[str, Command] = {}
        """Commands that must still be decided, in the order in which they were made."""
        self._waiting: dict[Answer, Attempt] = {}
        self._player: Player

    def connect(self, player: Player) -> None:
        """Send by this connection from now on; what waited for answers on a former one is open still."""
        self._player = player
        self._waiting.clear()

    @property
    def is_settled(self) -> bool:
        """Whether every command is decided."""
        return not self._open

    @property
    def under_way(self) -> set[str]:
        """The ids that wait for an answer: two answers to one id could not be told apart."""
        return {attempt.command.id for attempt in self._waiting.values()}

    def command(self, kind: str, **fields: object) -> Command:
        """A new command in the room."""
        content = {"type": kind, "room_id": self._room_id, **fields}
        return Command(self._user_id, str(uuid4()), content)

    def attempt(self, command: Command) -> Attempt:
        """Note that it is sent now."""
        attempt = Attempt(command, now_ms())
        self._house.history.attempts.append(attempt)
        return attempt

    async def do(self, kind: str, **fields: object) -> None:
        """Send a new command, which must be decided one day, and do not wait for its answer."""
        command = self.command(kind, **fields)
        self._open[command.id] = command
        await self.send(command)

    async def send(self, command: Command) -> None:
        """Raises `Disconnected`."""
        while len(self._waiting) >= IN_FLIGHT:
            await self._next_answer()
        attempt = self.attempt(command)
        fields = {name: value for name, value in command.content.items() if name != "type"}
        answer = await self._player.send(command.kind, id=command.id, **fields)
        self._waiting[answer] = attempt
        answer.add_done_callback(self._settle)

    async def send_open(self) -> None:
        """Send again what is not decided and not under way, in its order. Raises `Disconnected`."""
        under_way = self.under_way
        for command in [command for command in self._open.values() if command.id not in under_way]:
            await self.send(command)

    async def answered(self) -> None:
        """Wait for all answers that are awaited. Raises `Disconnected`."""
        while self._waiting:
            await self._next_answer()

    async def _next_answer(self) -> None:
        await asyncio.wait(tuple(self._waiting), return_when=FIRST_COMPLETED)
        if self._player.lost is not None:
            raise self._player.lost

    def _settle(self, answer: Answer) -> None:
        attempt = self._waiting.pop(answer, None)
        if attempt is None or answer.cancelled():
            return
        failure = answer.exception()
        if failure is None:
            attempt.settle(answer.result().frame)
        elif isinstance(failure, Refused):
            attempt.settle(failure.body)
        if attempt.acked or attempt.refused:
            self._open.pop(attempt.command.id, None)
            (self.decided if attempt.acked else self.refused).append(attempt.command)
        self._house.news.set()
