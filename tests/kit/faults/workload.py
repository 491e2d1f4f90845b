"""The clients of a run, who come together and go home together."""

import asyncio
from uuid import uuid4

from tests.kit.api import Account
from tests.kit.faults.client import Client
from tests.kit.faults.history import Attempt, Command, now_ms
from tests.kit.faults.outbox import House

GOING_HOME_S = 90.0
"""For all clients together to have every command decided once the faults are over."""


class Workload:
    """The clients of some rooms, all of them strangers to the other rooms."""

    def __init__(self, house: House, clients: list[Client]) -> None:
        self.house = house
        self.clients = clients
        self._playing: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self.house.there.set()
        self._playing = [asyncio.create_task(client.play()) for client in self.clients]
        for client in self._playing:
            client.add_done_callback(lambda _: self.house.news.set())

    async def acked(self, count: int) -> None:
        """Return when so many more commands have been acknowledged. Raises what a client died of, `TimeoutError`."""
        wanted = self._acks() + count
        async with asyncio.timeout(GOING_HOME_S):
            while self._acks() < wanted:
                for client in self._playing:
                    if client.done():
                        client.result()
                self.house.news.clear()
                await self.house.news.wait()

    def _acks(self) -> int:
        return sum(attempt.acked for attempt in self.house.history.attempts)

    async def finish(self) -> None:
        """All go home, once every command of theirs is decided. Raises what a client died of, and `TimeoutError`."""
        self.house.closing.set()
        async with asyncio.timeout(GOING_HOME_S):
            await asyncio.gather(*self._playing)
        self.house.history.ended_at = now_ms()


async def found_room(house: House, account: Account) -> str:
    """Have the account create a room; its id."""
    founder = await house.people.connect(account)
    content = {"type": "CREATE_GAME_ROOM_GROUP", "game": "hourglass"}
    attempt = Attempt(Command(account.user_id, str(uuid4()), content), now_ms())
    house.history.attempts.append(attempt)
    reply = await founder.ask(attempt.command.kind, id=attempt.command.id, game="hourglass")
    attempt.settle(reply.frame)
    await founder.close()
    return reply.room_id
