"""Somebody at a WebSocket: sends commands, awaits answers and events, and keeps the rules of the wire in sight."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.kit.conversation import Conversation
from tests.kit.encoding import Message, agreed
from tests.kit.lobby_copy import LobbyCopy
from tests.kit.room_copy import RoomCopy
from tests.kit.wire import Json, Position, Refused, RuleBroken, require

DEADLINE = 15.0
"""Seconds that any single answer or event may take on a busy machine."""

INBOX = 5_000
"""Frames that a test may leave unread; more is a broken test, or a server that talks too much."""


class Disconnected(Exception):
    """The connection is gone: the close code (1006: without a close frame) and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed {code} {reason!r}")
        self.code = code
        self.reason = reason


class Reply:
    """What a command was answered with."""

    def __init__(self, frame: Json) -> None:
        self.frame = frame
        self.data: Any = frame["data"]
        self.repeated: bool = frame.get("repeated", False)

    @property
    def room_id(self) -> str:
        return str(self.frame["room_id"])

    @property
    def position(self) -> Position:
        return Position(self.frame["epoch"], self.frame["seq"])


Answer = asyncio.Future[Reply]

Binding = Callable[[str, Json], Awaitable[ClientConnection]]
"""Opens a connection bound to the room with this id, whose JOIN has these fields; raises `Refused`."""

BY_QUERY = {"role", "updates", "resume"}
"""The fields of JOIN that a room-bound connection's query can say."""


def _body(frame: Json) -> Json:
    """Where the fields of a frame are that tests ask for: an event's are in its `data`."""
    body: Json = frame if frame["type"] == "REPLY" else frame.get("data", frame)
    return body


class Player:
    """Owns one open connection and the task that reads it; `close` awaits both."""

    def __init__(
        self, connection: ClientConnection, copy: RoomCopy | None = None, bind: Binding | None = None
    ) -> None:
        """`copy`: what a room-bound connection, which joins by itself, resumes.

        `bind`: rooms are joined by room-bound connections, and this opens one. A JOIN that such a connection cannot
        make (with a password, a code or an `id`, or in a second room) is made as a command.
        """
        self._bind = bind
        self._take(connection, copy)

    def _take(self, connection: ClientConnection, copy: RoomCopy | None) -> None:
        """Talk on this connection from now on; a former one has ended."""
        self._connection = connection
        self._encoding = agreed(connection.subprotocol)
        self._conversation = Conversation(self._encoding)
        if copy is not None:
            self._conversation.resume(copy)
        self._answers: dict[str, deque[Answer]] = {}
        self._inbox: asyncio.Queue[Json | Exception] = asyncio.Queue(INBOX + 1)
        self._broken: AssertionError | None = None
        self._lost: Disconnected | None = None
        self._welcomed = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    # --- what is known ----------------------------------------------------------------------------------------

    @property
    def welcome(self) -> Json:
        welcome = self._conversation.welcome
        assert welcome is not None
        return welcome

    @property
    def user_id(self) -> str:
        return str(self.welcome["user"]["user_id"])

    @property
    def subprotocol(self) -> str | None:
        return self._connection.subprotocol

    @property
    def rooms(self) -> dict[str, RoomCopy]:
        return self._conversation.rooms

    @property
    def lobby(self) -> LobbyCopy:
        """The list of public rooms that this connection is subscribed to."""
        lobby = self._conversation.lobby
        assert lobby is not None
        return lobby

    @property
    def room(self) -> RoomCopy:
        """The one room that this connection is in."""
        [copy] = [copy for copy in self.rooms.values() if copy.ended is None]
        return copy

    @property
    def lost(self) -> Disconnected | None:
        return self._lost

    # --- sending ----------------------------------------------------------------------------------------------

    async def ask(self, command: str, **fields: Any) -> Reply:
        """Send a command and await its REPLY. Raises `Refused` on an ERROR, `Disconnected`, `TimeoutError`."""
        answer = await self.send(command, **fields)
        async with asyncio.timeout(DEADLINE):
            return await answer

    async def send(self, command: str, **fields: Any) -> Answer:
        """Send a command without waiting; the answer comes in the future. `id` is a fresh UUID if not given."""
        frame = {"type": command, "id": str(uuid4()), **fields}
        answer: Answer = asyncio.get_running_loop().create_future()
        if self._lost is not None:
            raise self._lost
        self._answers.setdefault(frame["id"], deque()).append(answer)
        self._conversation.sent(frame)
        await self._write(self._encoding.pack(frame))
        return answer

    async def send_frame(self, frame: object) -> None:
        """One frame as it is, in the agreed encoding. What answers it comes to the inbox."""
        await self._send_message(self._encoding.pack(frame))

    async def send_text(self, message: str) -> None:
        """One text frame as it is, whatever was agreed."""
        await self._send_message(message)

    async def send_binary(self, message: bytes) -> None:
        """One binary frame as it is, whatever was agreed."""
        await self._send_message(message)

    async def _send_message(self, message: Message) -> None:
        self._conversation.sent_message(message)
        await self._write(message)

    async def _write(self, message: Message) -> None:
        try:
            await self._connection.send(message)
        except ConnectionClosed:
            await asyncio.wait({self._reader}, timeout=DEADLINE)
            raise self._lost or Disconnected(1006, "") from None

    async def ping(self) -> None:
        """The bare text frame `ping`, answered with bare `pong`."""
        await self.send_text("ping")
        await self.expect("pong")

    # --- hearing ----------------------------------------------------------------------------------------------

    async def next(self) -> Json:
        """The next frame that answers none of our commands. Raises `RuleBroken`, `Disconnected`, `TimeoutError`."""
        async with asyncio.timeout(DEADLINE):
            frame = await self._inbox.get()
        if isinstance(frame, Exception):
            self._end_inbox(frame)
            raise frame
        return frame

    async def expect(self, kind: str, **data: Any) -> Json:
        """The next frame, which must be of this kind and hold these values (an event in its `data`)."""
        frame = await self.next()
        assert frame["type"] == kind, f"expected {kind}, got {frame}"
        shown = {name: _body(frame).get(name) for name in data}
        assert shown == data, f"expected {kind} with {data}, got {frame}"
        return frame

    async def until(self, kind: str, **data: Any) -> Json:
        """The first frame of this kind with these values, passing over others."""
        async with asyncio.timeout(DEADLINE):
            while True:
                frame = await self.next()
                body = _body(frame)
                if frame["type"] == kind and all(body.get(name) == value for name, value in data.items()):
                    return frame

    def heard(self) -> list[Json]:
        """The frames that arrived and were not asked for yet; takes them."""
        frames: list[Json] = []
        while not self._inbox.empty():
            frame = self._inbox.get_nowait()
            if isinstance(frame, Exception):
                self._end_inbox(frame)
                break
            frames.append(frame)
        return frames

    async def closed(self) -> Disconnected:
        """How the connection ends, passing over what comes before."""
        await self.gone()
        self._raise_broken()
        assert self._lost is not None
        return self._lost

    async def verify(self) -> None:
        """In each room still joined: the copy that patches kept equals the view that the server gives afresh.

        A room that another has just closed may end while we ask: then its DETACHED came before the refusal.
        """
        self._raise_broken()
        for copy in [copy for copy in self.rooms.values() if copy.ended is None]:
            try:
                await self._verify(copy)
            except Refused as refused:
                require(copy.ended is not None, f"{refused} of a room that never said DETACHED")

    async def _verify(self, copy: RoomCopy) -> None:
        """Compares where the view stands exactly at our position; events may overtake it a few times."""
        for _ in range(5):
            before, view = copy.position, copy.view
            reply = await self._view_of(copy)
            if reply.position == before:
                require(reply.data["room"] == view, f"patched {view!r}, fresh {reply.data['room']!r}")
                return
        raise AssertionError(f"room {copy.room_id} never stood still")

    async def _view_of(self, copy: RoomCopy) -> Reply:
        """GET; a limit that the test itself has used up is waited for, as the refusal says."""
        while True:
            try:
                return await self.ask("GET_GAME_ROOM_GROUP", room_id=copy.room_id)
            except Refused as refused:
                if refused.code != "rate_limited":
                    raise
                await asyncio.sleep(refused.body["retry_after_ms"] / 1000)

    # --- rooms ------------------------------------------------------------------------------------------------

    async def create(self, game: str, **fields: Any) -> str:
        """CREATE; the room's id."""
        reply = await self.ask("CREATE_GAME_ROOM_GROUP", game=game, **fields)
        return reply.room_id

    async def join(self, room_id: str, **fields: Any) -> Reply:
        return await self._enter(room_id, fields)

    async def resume(self, copy: RoomCopy, **fields: Any) -> Reply:
        """JOIN from the position of a copy that another connection left behind, and go on with it."""
        epoch, seq = copy.position
        return await self._enter(
            copy.room_id, {"resume": {"epoch": epoch, "seq": seq}, **fields}, copy.clone()
        )

    async def _enter(self, room_id: str, fields: Json, copy: RoomCopy | None = None) -> Reply:
        if self._bind is not None and fields.keys() <= BY_QUERY and not self.rooms:
            return await self._move(await self._bind(room_id, fields), copy)
        if copy is not None:
            self._conversation.resume(copy)
        return await self.ask("JOIN_GAME_ROOM_GROUP", room_id=room_id, **fields)

    async def _move(self, connection: ClientConnection, copy: RoomCopy | None) -> Reply:
        """Go on at a room-bound connection, which joins by itself; the one on `/ws` is closed."""
        await self.close()
        self._take(connection, copy)
        await self.welcomed()
        return await self.joined()

    async def joined(self) -> Reply:
        """The REPLY to the JOIN that a room-bound connection makes by itself."""
        frame = await self.expect("REPLY", command="JOIN_GAME_ROOM_GROUP", id=None)
        return Reply(frame)

    async def act(self, kind: str, **fields: Any) -> Reply:
        """GAME_ACTION in the one room."""
        return await self.ask("GAME_ACTION", action={"type": kind, **fields})

    # --- the end ----------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Close normally and await the reader. Raises `RuleBroken` if any frame broke a rule."""
        await self._connection.close()
        await self.gone()
        self._raise_broken()

    async def drop(self) -> None:
        """Vanish: the TCP connection is aborted without a close frame."""
        self._connection.transport.abort()
        await self.gone()

    async def gone(self, deadline: float = DEADLINE) -> None:
        """Wait until the connection is lost, whoever ended it. Raises `TimeoutError`."""
        async with asyncio.timeout(deadline):
            await asyncio.wait({self._reader})

    def _raise_broken(self) -> None:
        if self._broken is not None:
            raise self._broken

    # --- the reader -------------------------------------------------------------------------------------------

    async def welcomed(self) -> None:
        """Wait for WELCOME, or for the end of the connection."""
        async with asyncio.timeout(DEADLINE):
            await self._welcomed.wait()

    async def _read(self) -> None:
        try:
            async for message in self._connection:
                self._receive(message)
            self._finish()
        except ConnectionClosed:
            self._finish()
        except AssertionError as broken:
            self._break(broken)
            self._connection.transport.abort()

    def _receive(self, message: Message) -> None:
        frame = self._conversation.received(message)
        if frame is None:
            self._keep({"type": "pong"})
        elif frame["type"] == "WELCOME":
            self._welcomed.set()
        elif frame["type"] in ("REPLY", "ERROR"):
            self._answer(frame)
        else:
            self._keep(frame)

    def _keep(self, frame: Json) -> None:
        require(self._inbox.qsize() < INBOX, f"{INBOX} frames were left unread")
        self._inbox.put_nowait(frame)

    def _answer(self, frame: Json) -> None:
        waiting = self._answers.get(frame["id"] or "")
        if not waiting:
            self._keep(frame)
            return
        answer = waiting.popleft()
        if answer.done():
            return
        if frame["type"] == "REPLY":
            answer.set_result(Reply(frame))
        else:
            answer.set_exception(Refused(frame))

    def _finish(self) -> None:
        code = self._connection.close_code or 1006
        self._lost = Disconnected(code, self._connection.close_reason or "")
        try:
            self._conversation.ended(self._lost.code, self._lost.reason)
        except RuleBroken as broken:
            self._break(broken)
        self._fail_all(self._lost)

    def _break(self, broken: AssertionError) -> None:
        self._broken = broken
        self._lost = self._lost or Disconnected(1006, "we left: a rule was broken")
        self._fail_all(broken)

    def _fail_all(self, error: Exception) -> None:
        self._welcomed.set()
        for answer in [
            answer for waiting in self._answers.values() for answer in waiting if not answer.done()
        ]:
            answer.set_exception(error)
            answer.exception()  # marks it as seen: whoever awaits it still gets it
        self._answers.clear()
        self._end_inbox(error)

    def _end_inbox(self, error: Exception) -> None:
        """The end stays at the end, for everyone who asks."""
        if not self._inbox.full():
            self._inbox.put_nowait(error)
