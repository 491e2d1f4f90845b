"""Who is measured, and how each is started and spoken to."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.dialects import Colyseus, Dialect, Gameroom, NodeWs, SocketIO, TutorialFastAPI
from bench.people import People

HERE = Path(__file__).parent
GAMES = HERE / "games"


class Launch(Protocol):
    """The command that starts a server, and what it needs of the environment."""

    def command(self, port: int) -> Sequence[str]: ...

    def environment(self, people: People, data_dir: Path) -> Mapping[str, str]: ...


class LaunchGameroom:
    """As an operator starts it, but for limits that would stop what is measured."""

    def command(self, port: int) -> Sequence[str]:
        boards = GAMES / "boards.py"
        games = (f"{boards}:Volatile", f"{boards}:Journaled", str(GAMES / "talk.py"))
        return (sys.executable, "-m", "gameroom.cli", "serve", "--port", str(port), *games)

    def environment(self, people: People, data_dir: Path) -> Mapping[str, str]:
        return {
            "GAMEROOM_DATA_DIR": str(data_dir),
            "GAMEROOM_FRAMES_PER_SECOND": "1000000",
            "GAMEROOM_FRAME_BURST": "1000000",
            "GAMEROOM_SIGN_INS_PER_ADDRESS": "1000000",
            "GAMEROOM_ROOM_MAILBOX": "100000",
        }


@dataclass(frozen=True)
class LaunchUvicorn:
    """An ASGI peer under uvicorn, with uvloop and httptools, without access log."""

    app: str
    ws: str

    def command(self, port: int) -> Sequence[str]:
        options = ("--port", str(port), "--ws", self.ws, "--log-level", "warning")
        return (sys.executable, "-m", "uvicorn", self.app, *options)

    def environment(self, people: People, data_dir: Path) -> Mapping[str, str]:
        return {"BENCH_PUBLIC_KEY": str(people.public_key)}


@dataclass(frozen=True)
class LaunchNode:
    """A peer from npm."""

    script: str

    def command(self, port: int) -> Sequence[str]:
        return ("node", str(HERE / "peers" / "node" / self.script), str(port))

    def environment(self, people: People, data_dir: Path) -> Mapping[str, str]:
        return {"BENCH_PUBLIC_KEY": str(people.public_key), "NODE_ENV": "production"}


class LaunchFloor:
    """The server in C that does next to nothing."""

    def command(self, port: int) -> Sequence[str]:
        return (str(HERE / "build" / "floor"), str(port))

    def environment(self, people: People, data_dir: Path) -> Mapping[str, str]:
        return {}


@dataclass(frozen=True)
class Contender:
    """`name` in figures, `label` in the report, which also says what it leaves undone."""

    name: str
    label: str
    launch: Launch
    dialect: Dialect = field(repr=False)
    lacks: str


FLOOR = "floor"
NAIVE_LACKS = "no numbered events, no command ids, no limits; one slow reader holds up its room"
NODE_LACKS = "no numbered events, no command ids, no limits, no storage"

CONTENDERS: Sequence[Contender] = (
    Contender("gameroom", "gameroom", LaunchGameroom(), Gameroom(), "nothing: the whole product"),
    Contender(
        "naive-websockets",
        "naive FastAPI, `--ws websockets`",
        LaunchUvicorn("bench.peers.python.naive_fastapi:app", "websockets"),
        TutorialFastAPI(),
        NAIVE_LACKS,
    ),
    Contender(
        "naive-sansio",
        "naive FastAPI, `--ws websockets-sansio` (uvicorn's default)",
        LaunchUvicorn("bench.peers.python.naive_fastapi:app", "websockets-sansio"),
        TutorialFastAPI(),
        NAIVE_LACKS,
    ),
    Contender(
        "python-socketio",
        "python-socketio",
        LaunchUvicorn("bench.peers.python.socketio_server:app", "auto"),
        SocketIO(),
        "no validation, no numbered events, no command ids, no limits, no storage",
    ),
    Contender("ws", "Node `ws`, a bare loop", LaunchNode("ws.mjs"), NodeWs(), NODE_LACKS),
    Contender("socketio", "Socket.IO", LaunchNode("socketio.mjs"), SocketIO(), NODE_LACKS),
    Contender("colyseus", "Colyseus", LaunchNode("colyseus.mjs"), Colyseus(), NODE_LACKS),
    Contender(
        FLOOR,
        "C with epoll: the floor",
        LaunchFloor(),
        NodeWs(),
        "everything but relaying: no token, no JSON, no slow readers; it is here to show what is left",
    ),
)
"""In the order of the report."""

BY_NAME: Mapping[str, Contender] = {contender.name: contender for contender in CONTENDERS}
