"""The composition root: the only place where the parts meet, and where settings become their policies.

`create_app` lists every part in the order in which it is wired; the lifespan starts and stops them.
"""

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from types import ModuleType

from fastapi import FastAPI
from starlette.routing import Router

from gameroom.api.auth import AuthCalls, auth_router
from gameroom.api.front_door import front_door
from gameroom.api.games import games_router
from gameroom.api.limits import RoomLimitPolicy, RoomLimits, SignInLimitPolicy, SignInLimits
from gameroom.api.metrics import Readers, metrics_router
from gameroom.api.ops import ops_router
from gameroom.api.rooms import RoomCalls, rooms_router
from gameroom.api.users import UserCalls, users_router
from gameroom.bus.local import LocalBus
from gameroom.clock import SystemClock
from gameroom.games.registry import GameDefinitionError, Games, GameType, game_in, load_game
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.gateway.gateway import Gateway
from gameroom.gateway.policy import GatewayPolicy
from gameroom.identity.family import SignInPolicy
from gameroom.identity.identity import Identity, IdentityPolicy, IdentityStores, build_identity
from gameroom.identity.keys import kept_secret, open_key_ring
from gameroom.identity.tokens import TokenPolicy
from gameroom.ids import new_id
from gameroom.protocol.schemas import Schema
from gameroom.protocol.views import User
from gameroom.rooms.local import LocalRooms
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.reception import Reception
from gameroom.rooms.retention import Retention
from gameroom.rooms.room_passwords import RoomPasswords
from gameroom.rooms.rooms import Card
from gameroom.settings import Settings
from gameroom.storage.accounts import SqlAccounts
from gameroom.storage.cards import SqlCards
from gameroom.storage.directory import SqlDirectory
from gameroom.storage.engine import Database
from gameroom.storage.journal import SqlJournal
from gameroom.storage.migrate import upgrade
from gameroom.storage.placement import SqlPlacement
from gameroom.storage.retention import SqlClosedRooms
from gameroom.storage.sign_ins import SqlSignIns
from gameroom.storage.tickets import SqlTickets
from gameroom.telemetry.metrics import Level, Metrics

BUILT_IN = (Relay, TicTacToe)

PACKAGED = "gameroom.games"
"""The entry points by which an installed package offers games."""

RECONNECT_AFTER_MS = 1_000
"""When clients of a node that drains may come back: at once, since another node (or the next process) is there."""

HURRIED_S = 1.0
"""How long each part may take to stop once the operator will not wait any more."""

DAY_MS = 24 * 3600 * 1000

KEYS = "keys"
"""The folder of keys in the data folder."""

ROOM_PASSWORD_KEY = "room-passwords.key"  # noqa: S105  (the name of a file)


class DataDirUnusable(Exception):
    """The data folder cannot be made or written; the message says why."""


class GameFileUnusable(Exception):
    """A game file that cannot be loaded; the message says which, and why."""


def create_app(settings: Settings) -> FastAPI:
    """The server as an ASGI application, its database open and migrated.

    `app.state.drain` is for a server that can wait before it closes its sockets, `app.state.hurry` for one that is
    told not to wait. Raises what an operator must mend: `DataDirUnusable`, `GameFileUnusable`,
    `GameDefinitionError`, `KeysUnusable`, `DatabaseUnusable`.
    """
    clock = SystemClock()
    games = load_games(settings.games)
    make_data_dir(settings.data_dir)
    key_ring = open_key_ring(settings.data_dir / KEYS)
    room_key = _room_key(settings)
    upgrade(settings.database_url)
    database = Database.open(settings.database_url)
    identity = build_identity(_stores(database), _identity_policy(settings), key_ring, clock)
    journal = SqlJournal(database)
    bus = LocalBus()
    rooms = LocalRooms(
        home=new_id(),
        games=games,
        journal=journal,
        placement=SqlPlacement(database),
        bus=bus,
        cards=SqlCards(database),
        clock=clock,
        policy=_room_policy(settings, room_key),
    )
    reception = Reception(rooms, SqlDirectory(database), games, RoomPasswords(room_key))
    gateway = Gateway(_gateway_policy(settings), clock, identity.access, reception, bus)
    identity.revocations.watch(gateway.connections.revoked)
    identity.news.watch(gateway.connections)
    identity.news.watch(NewsToRooms(rooms))

    retention = _retention(settings, SqlClosedRooms(database), clock)
    node = Node(database, journal, identity, rooms, retention, gateway)
    app = front_door(version("gameroom"), node.span, settings.allowed_origins)
    _include_players_calls(app, settings, identity, reception)
    app.include_router(ops_router(key_ring.jwks(), lambda: node.unready))
    app.include_router(metrics_router(_metrics(journal, rooms, gateway), _metrics_readers(settings)))
    app.sockets = Router(gateway.routes())
    app.state.drain, app.state.hurry = node.drain, node.hurry
    return app


def _include_players_calls(
    app: FastAPI, settings: Settings, identity: Identity, reception: Reception
) -> None:
    limits = SignInLimits(_sign_in_limits(settings))
    app.include_router(auth_router(AuthCalls(identity, limits)))
    app.include_router(users_router(UserCalls(identity, limits)))
    app.include_router(games_router(reception.games))
    calls_a_minute = RoomLimits(RoomLimitPolicy())
    rooms = RoomCalls(identity.access, reception, calls_a_minute, _answer_deadline_s(settings))
    app.include_router(rooms_router(rooms))


async def describe(settings: Settings) -> Schema:
    """The OpenAPI document of the server that has these settings: what `/openapi.json` there says.

    It is that of the very application, which lives for a moment on a folder of its own, whatever the settings say.
    """
    with TemporaryDirectory(prefix="gameroom-") as folder:
        place = Path(folder)
        elsewhere = {"data_dir": place, "database_url": f"sqlite:///{place / 'gameroom.db'}", "games": ()}
        app = create_app(settings.model_copy(update=elsewhere))
        async with app.router.lifespan_context(app):
            return app.openapi()


class NewsToRooms:
    """Implements `identity.news.Reader`: what identity tells of users, rooms hear of their members."""

    def __init__(self, rooms: LocalRooms) -> None:
        self._rooms = rooms

    def changed(self, user: User) -> None:
        self._rooms.card_changed(user.user_id, Card(user.display_name, user.avatar_url))

    def deleted(self, user_id: str) -> None:
        self._rooms.account_deleted(user_id)


class Node:
    """The life of the parts: started in the order of their floors, stopped the other way round."""

    def __init__(
        self,
        database: Database,
        journal: SqlJournal,
        identity: Identity,
        rooms: LocalRooms,
        retention: Retention | None,
        gateway: Gateway,
    ) -> None:
        self.unready: str | None = "starting"
        self._database = database
        self._journal = journal
        self._identity = identity
        self._rooms = rooms
        self._retention = retention
        self._gateway = gateway
        self._hurry = asyncio.Event()

    @asynccontextmanager
    async def span(self, _app: FastAPI) -> AsyncIterator[None]:
        """The application's lifespan. Every part is stopped, also where others could not be."""
        async with AsyncExitStack() as stops:
            # The last one named here is the first to stop.
            stops.push_async_callback(self._database.close)
            stops.push_async_callback(self._identity.revocations.stop)
            stops.push_async_callback(self._unless_hurried, self._journal.close)
            stops.push_async_callback(self._rooms.abandon)
            stops.push_async_callback(self._unless_hurried, self._rooms.stop)
            if self._retention is not None:
                stops.push_async_callback(self._retention.stop)
            stops.push_async_callback(self._gateway.stop)
            stops.callback(setattr, self, "unready", "stopping")
            await self._identity.revocations.start()
            await self._rooms.start()
            if self._retention is not None:
                await self._retention.start()
            self.unready = None
            yield

    def hurry(self) -> None:
        """Do not wait any more for what can be found again: the journal holds what was told."""
        self._hurry.set()

    async def _unless_hurried(self, stop: Callable[[], Awaitable[None]]) -> None:
        """Let the part stop in its own time, or in `HURRIED_S` once there is a hurry."""
        stopping = asyncio.ensure_future(stop())
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait((stopping, hurry), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait((stopping,), timeout=HURRIED_S)
        stopping.cancel()
        hurry.cancel()
        outcome, _ = await asyncio.gather(stopping, hurry, return_exceptions=True)
        if isinstance(outcome, Exception):
            raise outcome

    async def drain(self) -> None:
        """Hand the rooms over first, so that whoever comes back finds them; then send the sockets away."""
        self.unready = "draining"
        await self._rooms.stop()
        await self._gateway.connections.drain(RECONNECT_AFTER_MS)


def make_data_dir(path: Path) -> None:
    """Make the folder, for its owner only, and see that it can be written. Raises `DataDirUnusable`."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        TemporaryFile(dir=path).close()
    except OSError as error:
        raise DataDirUnusable(f"cannot write in {path.absolute()}: {error.strerror}") from error


# --- games ----------------------------------------------------------------------------------------------------


def load_games(files: Iterable[str]) -> Games:
    """The built-in games, those of installed packages, and those of `files`: `my_game.py`, or `my_game.py:ClassName`.

    Raises `GameFileUnusable`, and `GameDefinitionError` naming the file or the entry point.
    """
    types = [load_game(kind) for kind in BUILT_IN]
    return Games([*types, *map(_load_packaged, entry_points(group=PACKAGED)), *map(_load_file, files)])


def _load_packaged(entry: EntryPoint) -> GameType:
    try:
        return load_game(entry.load())
    except GameDefinitionError as error:
        raise GameDefinitionError(f"{entry.value}: {error}") from error
    except (Exception, SystemExit) as error:
        # As of a file: whatever the package does while it is imported, the operator reads one line.
        raise GameFileUnusable(f"{entry.value}: {type(error).__name__}: {error}") from error


def _load_file(which: str) -> GameType:
    name, _, class_name = which.partition(":")
    path = Path(name)
    try:
        return load_game(game_in(vars(_module(path)), class_name or None))
    except GameDefinitionError as error:
        raise GameDefinitionError(f"{path}: {error}") from error


def _module(path: Path) -> ModuleType:
    """Run the file as a module of its own, named after it and found by pickles and tracebacks."""
    name = f"gameroom_game_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise GameFileUnusable(f"{path}: a game is a Python file, such as my_game.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise GameFileUnusable(f"{path}, line {error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        # Whatever an author's file does while it is loaded, the operator reads one line.
        raise GameFileUnusable(f"{path}: {_line_of(error, path)}{type(error).__name__}: {error}") from error
    return module


def _line_of(error: BaseException, path: Path) -> str:
    """Where in the file it happened, if it did there."""
    line = ""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path.absolute()):
            line = f"line {trace.tb_lineno}: "
        trace = trace.tb_next
    return line


# --- metrics --------------------------------------------------------------------------------------------------


def _metrics(journal: SqlJournal, rooms: LocalRooms, gateway: Gateway) -> Metrics:
    open_rooms = Level("gameroom_rooms", "Rooms in the memory of this node.", lambda: rooms.open_now)
    return Metrics((open_rooms, *journal.collectors, *gateway.collectors))


def _metrics_readers(settings: Settings) -> Readers | str:
    """Who has the operator's token. In production nobody reads the metrics until there is one."""
    if settings.metrics_token is not None:
        return settings.metrics_token.get_secret_value()
    return Readers.NONE if settings.environment == "production" else Readers.ALL


# --- settings become policies ---------------------------------------------------------------------------------


def _stores(database: Database) -> IdentityStores:
    sign_ins = SqlSignIns(database)
    return IdentityStores(
        accounts=SqlAccounts(database),
        sign_ins=sign_ins,
        revocations=sign_ins,
        tickets=SqlTickets(database),
    )


def _identity_policy(settings: Settings) -> IdentityPolicy:
    return IdentityPolicy(
        tokens=TokenPolicy(
            issuer=settings.token_issuer,
            audience=settings.token_audience,
            access_ttl_s=settings.access_token_ttl_s,
        ),
        sign_ins=SignInPolicy(refresh_ttl_s=settings.refresh_token_ttl_s),
        ticket_ttl_s=settings.ws_ticket_ttl_s,
    )


def _sign_in_limits(settings: Settings) -> SignInLimitPolicy:
    return SignInLimitPolicy(
        passwords_per_account=settings.sign_ins_per_account,
        passwords_per_address=settings.sign_ins_per_address,
    )


def _room_policy(settings: Settings, room_key: bytes) -> RoomPolicy:
    return RoomPolicy(
        grace_ms=settings.grace_ms,
        empty_ms=settings.empty_room_ttl_s * 1000,
        development=settings.environment == "development",
        mailbox=settings.room_mailbox,
        rooms_per_user=settings.rooms_per_user,
        command_deadline_s=settings.command_deadline_ms / 1000,
        max_frame_bytes=settings.max_server_message_bytes,
        card_key=room_key,
    )


def _retention(settings: Settings, rooms: SqlClosedRooms, clock: SystemClock) -> Retention | None:
    """None: closed rooms are kept for good."""
    days = settings.closed_room_retention_days
    return None if days is None else Retention(rooms, clock, keep_ms=days * DAY_MS)


def _answer_deadline_s(settings: Settings) -> float:
    """How long a call waits for a room: to decide, and as long again until that is stored."""
    return 2 * settings.command_deadline_ms / 1000


def _gateway_policy(settings: Settings) -> GatewayPolicy:
    return GatewayPolicy(
        server_version=version("gameroom"),
        ping_interval_ms=settings.ping_interval_ms,
        max_message_bytes=settings.max_message_bytes,
        max_server_message_bytes=settings.max_server_message_bytes,
        connections_per_user=settings.connections_per_user,
        frames_per_second=settings.frames_per_second,
        frame_burst=settings.frame_burst,
        allowed_origins=frozenset(settings.allowed_origins),
        command_deadline_s=settings.command_deadline_ms / 1000,
    )


def _room_key(settings: Settings) -> bytes:
    """32 bytes for what rooms keep of passwords and cards, made from the operator's secret, or from one kept beside the
    signing keys."""
    if settings.room_password_key is None:
        secret = kept_secret(settings.data_dir / KEYS / ROOM_PASSWORD_KEY)
    else:
        secret = settings.room_password_key.get_secret_value()
    return sha256(secret.encode()).digest()
