"""The lobby: who on this node wants to hear of public rooms, and what each of them was told last.

One *watch* for each game that somebody asks about, and one for all games. It looks into the directory once a second
and tells every subscriber what has become of the list that this subscriber has. So none misses or doubles a change,
whatever happened between its own first look and the next one; and those who have the same list get the same frame,
made once.
"""

import asyncio
import logging
from collections.abc import Mapping

from gameroom.errors import Unavailable
from gameroom.games.registry import Games
from gameroom.gateway.peer import Peer
from gameroom.protocol.answers import LobbyChanged
from gameroom.protocol.codec import frame_of
from gameroom.protocol.frames import Frame
from gameroom.protocol.limits import LOBBY_ROOMS
from gameroom.protocol.views import RoomSummary
from gameroom.rooms.directory import Directory, Wanted
from gameroom.tasks import Tasks

logger = logging.getLogger(__name__)

PERIOD_S = 1.0
"""Between two looks at the directory: changes are told at most that often."""

RoomsById = Mapping[str, RoomSummary]
"""The newest first. Never changed: who has the same list has the same object."""


def difference(told: RoomsById, now: RoomsById) -> LobbyChanged | None:
    """What makes the one list of the other: rooms that are new or other than before, and those that are gone."""
    upserted = [room for room_id, room in now.items() if told.get(room_id) != room]
    removed = [room_id for room_id in told if room_id not in now]
    return LobbyChanged(upserted, removed) if upserted or removed else None


class Lobby:
    """All subscriptions of one node; a connection has at most one. There are no more watches than games, and one.

    `timeout_s`: how long a look may take.
    """

    def __init__(self, directory: Directory, games: Games, tasks: Tasks, timeout_s: float) -> None:
        self._directory = directory
        self._games = games
        self._tasks = tasks
        self._timeout_s = timeout_s
        self._watches: dict[str | None, Watch] = {}
        self._watch_of: dict[Peer, Watch] = {}

    async def subscribe(self, peer: Peer, game: str | None) -> list[RoomSummary]:
        """The newest rooms as they are now; from now on `peer` is sent what becomes of them, and of nothing else.

        They must be told before anything else is awaited. Raises `UnknownGame`, and `Unavailable` where they cannot
        be read; then a former subscription stays.
        """
        watch = self._watch(game)
        rooms = await watch.rooms()
        self.unsubscribe(peer)
        watch.add(peer, rooms)
        self._watch_of[peer] = watch
        return list(rooms.values())

    def unsubscribe(self, peer: Peer) -> None:
        """Nothing more is told; of no concern to one that is not subscribed."""
        watch = self._watch_of.pop(peer, None)
        if watch is not None:
            watch.remove(peer)

    def _watch(self, game: str | None) -> "Watch":
        if game is not None:
            self._games.get(game)
        if game not in self._watches:
            look = Look(self._directory, Wanted(game=game), self._timeout_s)
            self._watches[game] = Watch(look, self._tasks)
        return self._watches[game]


class Watch:
    """Tells its subscribers what becomes of one list; has a task as long as there are any."""

    def __init__(self, look: "Look", tasks: Tasks) -> None:
        self._look = look
        self._tasks = tasks
        self._told: dict[Peer, RoomsById] = {}
        self._running = False

    async def rooms(self) -> RoomsById:
        """The list as it is now. Raises `Unavailable`."""
        rooms = await self._look.fresh()
        if rooms is None:
            raise Unavailable("The list of rooms cannot be read right now")
        return rooms

    def add(self, peer: Peer, told: RoomsById) -> None:
        self._told[peer] = told
        if not self._running:
            self._running = True
            self._tasks.spawn(self._run())

    def remove(self, peer: Peer) -> None:
        del self._told[peer]

    async def _run(self) -> None:
        try:
            while self._told:
                await asyncio.sleep(PERIOD_S)
                now = await self._look.fresh()
                if now is not None:
                    self._tell(now)
        finally:
            self._running = False

    def _tell(self, now: RoomsById) -> None:
        frames: dict[int, Frame | None] = {}
        for peer, told in tuple(self._told.items()):
            if told is now:
                continue
            if id(told) not in frames:
                change = difference(told, now)
                frames[id(told)] = None if change is None else frame_of(change)
            self._told[peer] = now
            frame = frames[id(told)]
            if frame is not None:
                peer.send(frame)


class Look:
    """Reads the newest rooms for many: one read at a time, and everybody gets one that began after it was asked for."""

    def __init__(self, directory: Directory, wanted: Wanted, timeout_s: float) -> None:
        self._directory = directory
        self._wanted = wanted
        self._timeout_s = timeout_s
        self._one_at_a_time = asyncio.Lock()
        self._begun = 0
        self._seen: RoomsById | None = None

    async def fresh(self) -> RoomsById | None:
        """None while the rooms cannot be read: that costs updates, and no connection."""
        begun_before = self._begun
        async with self._one_at_a_time:
            if self._begun == begun_before:
                self._begun += 1
                # None meanwhile: should we be cancelled, those behind us must not take the former list for this one.
                former, self._seen = self._seen, None
                now = await self._read()
                self._seen = former if now == former else now
            return self._seen

    async def _read(self) -> RoomsById | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                rooms = await self._directory.newest(self._wanted, LOBBY_ROOMS)
        except (TimeoutError, Unavailable):
            return None
        except Exception:  # whatever a directory may raise, the next look may do better
            logger.exception("the lobby cannot read the rooms")
            return None
        return {room.room_id: room for room in rooms}
