"""Who is in which room when a row begins. A refusal changes nothing, so many rows share what a scene set up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from tests.kit.api import Account
from tests.kit.operator import users
from tests.kit.people import People
from tests.kit.player import Player
from tests.kit.wire import Json, Position, Refused

ROOMS_PER_USER = 3
"""The setting of the server at which the table is tried."""

SPENT_ID = "an-id-that-was-used"


class Stage:
    """People by the parts they play, and `$names` that rows may use in their frames and in what they expect."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.accounts: dict[str, Account] = {}
        self.cast: dict[str, Player] = {}
        self.members: list[str] = []
        self.names: dict[str, str] = {"$nowhere": str(uuid4())}

    async def enter(self, *parts: str) -> None:
        """Guests, each connected to `/ws`; `$host` is the user id of the host."""
        for part in parts:
            self.accounts[part] = account = await self.people.guest(part.title())
            self.names[f"${part}"] = account.user_id
            self.cast[part] = await self.people.connect(account)

    async def create(self, game: str, **fields: object) -> str:
        """The host makes the room of the scene."""
        host = self.cast["host"]
        room_id = await host.create(game, **fields)
        self.names |= {"$room": room_id, "$code": host.rooms[room_id].view["invite_code"]}
        self.members.append("host")
        return room_id

    async def join(self, part: str, **fields: object) -> None:
        await self.cast[part].join(self.names["$room"], **fields)
        self.members.append(part)

    def filled(self, value: Any) -> Any:
        """The value with every `$name` in its place."""
        if isinstance(value, dict):
            return {key: self.filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(inner) for inner in value]
        return self.names.get(value, value) if isinstance(value, str) else value

    async def look(self, beside: str) -> object:
        """All that a refusal of somebody must leave as it is; without a room that is who is there, and no new room."""
        return await self._room(beside) if self.members else (await self._users(), await self._newest_room())

    async def _users(self) -> list[Json]:
        return [await self.people.api.me(account.access_token) for account in self.accounts.values()]

    async def _newest_room(self) -> list[str]:
        """The id of the newest public room, as a newcomer sees it; none where there is none."""
        page = await self.people.api.rooms(await self.people.guest(), limit=1)
        return [room["room_id"] for room in page["items"]]

    async def _room(self, beside: str) -> tuple[Position, Json] | str:
        """The room's position and view as somebody sees it who plays another part; the code if nobody may."""
        witness = next((part for part in self.members if part != beside), self.members[0])
        try:
            reply = await self.cast[witness].ask("GET_GAME_ROOM_GROUP", room_id=self.names["$room"])
        except Refused as refused:
            return refused.code
        return reply.position, reply.data["room"]

    async def heard(self) -> dict[str, list[Json]]:
        """What each has heard and nobody has asked for; taken, with all that was still under way."""
        connected = {part: player for part, player in self.cast.items() if player.lost is None}
        await asyncio.gather(*[player.ask("PING") for player in connected.values()])
        heard = {part: player.heard() for part, player in connected.items()}
        return {part: frames for part, frames in heard.items() if frames}


Scene = Callable[[Stage], Awaitable[None]]


class Theatre:
    """Sets each scene up once, for all rows that are tried in it."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._stages: dict[Scene, Stage] = {}

    @asynccontextmanager
    async def playing(self, scene: Scene) -> AsyncIterator[Stage]:
        """The stage as the scene left it. If a row fails on it, the next one gets another."""
        stage = self._stages.pop(scene, None) or await self._set_up(scene)
        yield stage
        self._stages[scene] = stage

    async def _set_up(self, scene: Scene) -> Stage:
        stage = Stage(self._people)
        await scene(stage)
        return stage


# --- connections ----------------------------------------------------------------------------------------------


async def nowhere(stage: Stage) -> None:
    """`somebody`, connected and in no room; `other`, another user."""
    await stage.enter("somebody", "other")
    stage.names["$their token"] = stage.accounts["other"].access_token


async def in_two_rooms(stage: Stage) -> None:
    """`host`, in two rooms with one connection."""
    await stage.enter("host")
    await stage.create("relay")
    await stage.cast["host"].create("relay")


async def bound(stage: Stage) -> None:
    """`guest` has a socket for one room; there is another room, of which it is a member too."""
    await stage.enter("host", "guest")
    stage.names["$elsewhere"] = await stage.cast["host"].create("relay")
    await stage.cast["guest"].join(stage.names["$elsewhere"])
    await stage.create("relay")
    room_id = stage.names["$room"]
    stage.cast["guest"] = await stage.people.enter(stage.accounts["guest"], room_id)
    stage.members.append("guest")


async def in_many_rooms(stage: Stage) -> None:
    """`busy` is in as many rooms as a user may be in; the room of the scene is not among them."""
    await stage.enter("host", "busy")
    await stage.create("relay")
    for _ in range(ROOMS_PER_USER):
        await stage.cast["busy"].create("relay")


async def accounts(stage: Stage) -> None:
    """`full` has an account with the name `$name`, `visitor` is a guest; `$spent` is a refresh token used before.

    `$key` is an Idempotency-Key that made a guest.
    """
    api = stage.people.api
    stage.names |= {"$name": f"full-{uuid4().hex[:20]}", "$key": str(uuid4())}
    stage.accounts["full"] = full = await api.register(stage.names["$name"], "correct horse")
    await stage.enter("visitor")
    key = {"Idempotency-Key": stage.names["$key"]}
    await api.call("POST", "/auth/guest", 201, json={"display_name": "One"}, headers=key)
    other = await api.token(grant_type="password", username=stage.names["$name"], password="correct horse")
    stage.names["$spent"] = other["refresh_token"]
    successor = await api.refresh(other["refresh_token"])
    await api.refresh(successor["refresh_token"])
    assert full.user["guest"] is False


# --- tic-tac-toe ----------------------------------------------------------------------------------------------


async def alone(stage: Stage) -> None:
    """`host`, who waits for somebody to play with."""
    await stage.enter("host", "stranger")
    await stage.create("tic-tac-toe")


async def waiting(stage: Stage) -> None:
    """A full table that waits: `host` and `guest` play, `watcher` watches; `stranger` is outside.

    `twin` is the guest too, on another connection, which has not joined.
    """
    await stage.enter("host", "guest", "watcher", "stranger")
    await stage.create("tic-tac-toe")
    await stage.join("guest")
    await stage.join("watcher", role="spectator")
    stage.cast["twin"] = await stage.people.connect(stage.accounts["guest"])


async def playing(stage: Stage) -> None:
    """The same in play. The host has taken cell 0, and it is the turn of the guest, on seat 1."""
    await waiting(stage)
    host, guest = stage.cast["host"], stage.cast["guest"]
    for player in (host, guest):
        await player.ask("SET_READY", ready=True)
    await host.ask("START_GAME")
    await host.act("place", cell=0)


async def closed(stage: Stage) -> None:
    """The host has closed the room; `host` and `guest` were its members when it ended."""
    await waiting(stage)
    await stage.cast["host"].ask("CLOSE_GAME_ROOM_GROUP")
    for part in ("host", "guest"):
        await stage.cast[part].until("DETACHED")


# --- relay ----------------------------------------------------------------------------------------------------


async def relaying(stage: Stage) -> None:
    """A room of relay, which always plays: `host` and `guest` play, `watcher` watches."""
    await stage.enter("host", "guest", "watcher", "stranger")
    await stage.create("relay")
    await stage.join("guest")
    await stage.join("watcher", role="spectator")


async def private(stage: Stage) -> None:
    """A private room with a password; `stranger` has neither its code nor the word, `$code` is the code."""
    await stage.enter("host", "guest", "stranger")
    await stage.create("relay", visibility="private", password="sesame")
    stage.members.append("guest")
    await stage.cast["guest"].ask("JOIN_GAME_ROOM_GROUP", invite_code=stage.names["$code"])


async def overseen(stage: Stage) -> None:
    """The same room, and `admin`, who has not joined it."""
    await private(stage)
    await stage.enter("admin")
    await users(stage.people.server, "grant", stage.accounts["admin"].user_id, "admin")
    stage.cast["admin"] = await stage.people.connect(stage.accounts["admin"])


async def closed_privately(stage: Stage) -> None:
    """The same room, which the host has closed since."""
    await private(stage)
    await stage.cast["host"].ask("CLOSE_GAME_ROOM_GROUP")
    for part in ("host", "guest"):
        await stage.cast[part].until("DETACHED")


async def with_password(stage: Stage) -> None:
    await stage.enter("host", "stranger")
    await stage.create("relay", password="sesame")


async def with_history(stage: Stage) -> None:
    """`host` has said "one", and made the room, under ids of its own; `leaver` has joined under one, and left."""
    await stage.enter("host", "leaver")
    stage.names |= {"$join": str(uuid4()), "$creation": str(uuid4())}
    await stage.create("relay", id=stage.names["$creation"])
    await stage.cast["host"].ask("SEND_CHAT", text="one", id=SPENT_ID)
    await stage.cast["leaver"].join(stage.names["$room"], id=stage.names["$join"])
    await stage.cast["leaver"].ask("LEAVE_GAME_ROOM_GROUP")


# --- what a host can do about strangers -----------------------------------------------------------------------


async def locked(stage: Stage) -> None:
    """The host lets nobody new in."""
    await stage.enter("host", "stranger")
    await stage.create("relay")
    await stage.cast["host"].ask("UPDATE_GAME_ROOM_GROUP", locked=True)


async def banned(stage: Stage) -> None:
    """`villain` was kicked and may not come back."""
    await stage.enter("host", "villain")
    await stage.create("relay")
    await stage.cast["villain"].join(stage.names["$room"])
    kick = {"user_id": stage.names["$villain"], "ban": True}
    await stage.cast["host"].ask("KICK_MEMBER", **kick)
    await stage.cast["villain"].until("DETACHED")


async def privately_banned(stage: Stage) -> None:
    """The same, in a private room."""
    await banned(stage)
    await stage.cast["host"].ask("UPDATE_GAME_ROOM_GROUP", visibility="private")


# --- a game with bugs -----------------------------------------------------------------------------------------


async def crowded(stage: Stage) -> None:
    """Three of four seats are taken, and nothing has begun: `host`, `guest` and `third`."""
    await stage.enter("host", "guest", "third")
    await stage.create("traps")
    await stage.join("guest")
    await stage.join("third")


async def faulty(stage: Stage) -> None:
    """A round of a game that raises when it is asked to; there are seats left."""
    await stage.enter("host", "guest", "watcher", "stranger")
    await stage.create("traps")
    await stage.join("guest")
    for part in ("host", "guest"):
        await stage.cast[part].ask("SET_READY", ready=True)
    await stage.cast["host"].ask("START_GAME")
    await stage.join("watcher", role="spectator")
