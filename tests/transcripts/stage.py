"""Where a story of the page is played: its people at their sockets, who say and hear what the page shows."""

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.kit.api import Account, Api, bearer
from tests.kit.encoding import Encoding, Message
from tests.kit.people import open_socket
from tests.kit.player import DEADLINE
from tests.kit.server import Server
from tests.kit.wire import Json
from tests.papers import Line
from tests.transcripts.likeness import Names
from tests.transcripts.writing import cue_of, message_of, value_of, written

INDENT = len("Ada ← ")
TOKEN = "eyJhbGciOiJF…"
"""How the page writes the access token of whoever sends it."""

MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass
class Person:
    """Somebody at a socket; `came` is what no line has told yet."""

    account: Account
    socket: ClientConnection
    came: deque[Message] = field(default_factory=deque)
    ended: bool = False

    async def next(self) -> Message:
        """What comes next; the end of the socket in the words of the page."""
        if self.came:
            return self.came.popleft()
        assert not self.ended, "nothing comes after the end of a socket"
        try:
            return await self.socket.recv()
        except ConnectionClosed as end:
            self.ended = True
            return f"closed {end.rcvd.code} {end.rcvd.reason}" if end.rcvd else "lost"

    async def until_answered(self, cue: str) -> Json:
        """The answer to what was said; all that came until then can still be heard."""
        came = [await self.next()]
        while not _answers(cue, value_of(came[-1])):
            came.append(await self.next())
        self.came.extendleft(reversed(came))
        answer = value_of(came[-1])
        return answer if isinstance(answer, dict) else {}


@dataclass(frozen=True)
class Wrong:
    """A line of the page that the server said otherwise: `recorded`, as the page should show it."""

    line: Line
    recorded: str
    differences: list[str]

    def __str__(self) -> str:
        return "\n".join([f"{self.line}", *self.differences, f"recorded: {self.recorded}"])


class Stage:
    """Owns every socket that its people open; `close` ends them. `wrong`: where the page is, so far."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.names = Names()
        self.wrong: list[Wrong] = []
        self._script: dict[str, deque[Line]] = {}
        self._accounts: dict[str, Account] = {}
        self._people: dict[str, Person] = {}
        self._sockets: list[ClientConnection] = []
        self._api = Api(server.url)

    async def close(self) -> None:
        for socket in self._sockets:
            await socket.close()
        await self._api.close()

    @asynccontextmanager
    async def flow(self, lines: Iterable[Line]) -> AsyncIterator[None]:
        """What the page shows of one flow; inside, all of it is said. At the end all is heard, to the last line."""
        self._script = {}
        for line in lines:
            self._script.setdefault(line.who, deque()).append(line)
        yield
        await self.hear(*self._script)
        left = [lines[0] for lines in self._script.values() if lines]
        assert not left, f"nobody said {left[0]}"

    # --- coming and going -------------------------------------------------------------------------------------

    async def come(self, *names: str, target: str = "/ws", encoding: Encoding = Encoding.JSON) -> None:
        """These people open a socket each, in place of their former one."""
        for name in names:
            headers = bearer((await self.account(name)).access_token)
            await self.knock(name, target, headers=headers, subprotocols=[encoding.value])

    async def knock(self, name: str, target: str, **options: Any) -> None:
        """The same with a handshake exactly as the options of `open_socket` say."""
        account = await self.account(name)
        self._sockets.append(await open_socket(f"{self.server.ws_url}{target}", **options))
        self._people[name] = Person(account, self._sockets[-1])

    async def account(self, name: str) -> Account:
        """The guest of that name."""
        if name not in self._accounts:
            self._accounts[name] = await self._api.guest(name)
            self.names.bind(name.lower(), self._accounts[name].user_id)
        return self._accounts[name]

    async def create(self, name: str, room: str, /, **fields: object) -> None:
        """A room that the page does not show the making of, and calls so."""
        self.names.bind(room, (await self.aside(name, "CREATE_GAME_ROOM_GROUP", **fields))["room_id"])

    def vanish(self, name: str) -> None:
        """The network takes the connection, without a word."""
        self._people[name].socket.transport.abort()

    async def kill_and_restart(self) -> None:
        self.server.kill9()
        await asyncio.to_thread(self.server.start)

    # --- saying and hearing -----------------------------------------------------------------------------------

    async def say(self, *cues: str) -> None:
        """The lines with these ids, or of these words: each when its speaker has heard all that stands before it.

        Goes on when it is answered, and all is heard that the page shows of it until there.
        """
        for cue in cues:
            name = next(name for name, lines in self._script.items() if cue in _cues(lines))
            await self.hear(name)
            await self._say(self._people[name], self._script[name].popleft(), cue)
            await self._hear_through(name, partial(_answers, cue))

    async def _say(self, person: Person, line: Line, cue: str) -> None:
        assert cue_of(line.text) == cue, f"{line} comes before {cue}"
        self.names.bind(TOKEN, person.account.access_token)
        message = message_of(line.text)
        value = value_of(message)
        is_json = isinstance(message, str) and isinstance(value, dict)
        await person.socket.send(json.dumps(self.names.real(value)) if is_json else message)
        async with asyncio.timeout(DEADLINE):
            await person.until_answered(cue)

    async def aside(self, name: str, command: str, /, **fields: object) -> Json:
        """What the page does not show: a command, with the page's words; its answer."""
        id, person = str(uuid4()), self._people[name]
        await person.socket.send(json.dumps(self.names.real({"type": command, "id": id, **fields})))
        async with asyncio.timeout(DEADLINE):
            answer = await person.until_answered(id)
        assert answer["type"] == "REPLY", answer
        return answer

    async def hear(self, *names: str) -> None:
        """All that these people hear before they speak again."""
        for name in names:
            for line in self._before_speaking(name):
                await self._hear(name, line)

    async def hear_one(self, name: str, kind: str) -> None:
        """What this one hears to the first message of this type."""
        await self._hear_through(name, lambda value: isinstance(value, dict) and value["type"] == kind)

    async def _hear_through(self, name: str, fits: Callable[[object], bool]) -> None:
        """What this one hears to the first line that fits, if there is one before they speak again."""
        lines = self._before_speaking(name)
        ends = [number for number, line in enumerate(lines, 1) if fits(value_of(message_of(line.text)))]
        for line in lines[: ends[0] if ends else 0]:
            await self._hear(name, line)

    def _before_speaking(self, name: str) -> list[Line]:
        return list(takewhile(lambda line: line.arrow != "→", self._script[name]))

    async def _hear(self, name: str, line: Line) -> None:
        """The next message of the line's kind; what the page leaves out is passed over."""
        assert self._script[name].popleft() == line
        shown, message = message_of(line.text), await self._next_like(self._people[name], line)
        if differences := [*self._differences(shown, message)]:
            value = self.names.shown(value_of(message))
            self.wrong.append(Wrong(line, written(message, value, INDENT), differences))

    async def _next_like(self, person: Person, line: Line) -> Message:
        shown = value_of(message_of(line.text))
        try:
            async with asyncio.timeout(DEADLINE):
                while True:
                    message = await person.next()
                    if _same_kind(shown, value_of(message)):
                        return message
        except TimeoutError:
            raise AssertionError(f"this never came: {line}") from None

    def _differences(self, shown: Message, message: Message) -> Iterable[str]:
        if isinstance(shown, bytes) and isinstance(message, bytes):
            return [] if MOMENT.sub(b"", shown) == MOMENT.sub(b"", message) else ["other bytes"]
        return self.names.differences(value_of(shown), value_of(message))


def _cues(lines: Iterable[Line]) -> set[str]:
    return {cue_of(line.text) for line in lines if line.arrow == "→"}


def _answers(cue: str, value: object) -> bool:
    if isinstance(value, dict):
        return value["type"] in ("REPLY", "ERROR") and value["id"] in (cue, None)
    return (cue, value) == ("ping", "pong")


def _same_kind(shown: object, value: object) -> bool:
    if isinstance(shown, dict) and isinstance(value, dict):
        return (shown["type"], shown.get("id")) == (value["type"], value.get("id"))
    return type(shown) is type(value) and str(shown).split()[:1] == str(value).split()[:1]


@asynccontextmanager
async def stage_at(server: Server) -> AsyncIterator[Stage]:
    """A stage for one story; its people go home at the end."""
    stage = Stage(server)
    try:
        yield stage
    finally:
        await stage.close()
