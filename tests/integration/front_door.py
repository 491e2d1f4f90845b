"""The REST of sign-in under a real uvicorn on a free port, over a real SQLite file, and nothing else."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from gameroom.api.auth import AuthCalls, auth_router
from gameroom.api.front_door import front_door
from gameroom.api.games import games_router
from gameroom.api.limits import SignInLimitPolicy, SignInLimits
from gameroom.api.ops import ops_router
from gameroom.api.users import UserCalls, users_router
from gameroom.games.registry import Games, load_game
from gameroom.games.relay import Relay
from gameroom.identity.identity import Identity, build_identity
from tests.contract.identity_stores import fresh_database, in_sql
from tests.kit.api import Api
from tests.unit.identity.hand_clock import HandClock
from tests.unit.identity.parts import KEYS, POLICY

DEADLINE_S = 20
PAGES = "https://play.example.org"
"""Whose pages may call it."""
GENEROUS = SignInLimitPolicy(passwords_per_account=1000, passwords_per_address=1000)


@dataclass
class House:
    """What a test reaches: the API by its client, the inside by its parts."""

    app: FastAPI
    identity: Identity
    clock: HandClock
    url: str
    api: Api
    not_ready: str | None = None


@asynccontextmanager
async def open_house(folder: Path, limits: SignInLimitPolicy = GENEROUS) -> AsyncIterator[House]:
    """A house whose doors are open, and are closed behind the test."""
    clock = HandClock()
    async with fresh_database(folder) as database:
        identity = build_identity(in_sql(database), POLICY, KEYS, clock)
        app = front_door("1.2.3", allowed_origins=[PAGES])
        async with served(app) as url:
            house = House(app, identity, clock, url, Api(url))
            sign_in_limits = SignInLimits(limits)
            app.include_router(auth_router(AuthCalls(identity, sign_in_limits)))
            app.include_router(users_router(UserCalls(identity, sign_in_limits)))
            app.include_router(games_router(Games([load_game(Relay)])))
            app.include_router(ops_router(identity.keys.jwks(), lambda: house.not_ready))
            yield house
            await house.api.close()


class AnnouncedServer(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The URL of a uvicorn in this process."""
    server = AnnouncedServer(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(DEADLINE_S):
        await server.listens.wait()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    async with asyncio.timeout(DEADLINE_S):
        await serving
