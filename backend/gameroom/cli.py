"""The command line: `gameroom serve | migrate | games | settings | openapi | asyncapi`.

What an operator can mend ends in one line on stderr and exit code 2; a traceback is a bug of ours.
"""

import argparse
import asyncio
import json
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from importlib.metadata import version
from pathlib import Path

from gameroom.app import DataDirUnusable, GameFileUnusable, create_app, describe, load_games, make_data_dir
from gameroom.games.registry import GameDefinitionError, GameType
from gameroom.identity.keys import KeysUnusable
from gameroom.protocol.asyncapi import asyncapi_document
from gameroom.protocol.schemas import Schema
from gameroom.server import CannotListen, Life, Server, listen, server_config
from gameroom.settings import BadSettings, Settings, env_example, load_settings
from gameroom.storage.failures import DatabaseUnusable
from gameroom.storage.migrate import newest, upgrade
from gameroom.telemetry.logs import configure_logs

FOR_THE_OPERATOR = (
    BadSettings,
    CannotListen,
    DataDirUnusable,
    DatabaseUnusable,
    GameDefinitionError,
    GameFileUnusable,
    KeysUnusable,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    given = vars(_parser().parse_args(arguments))
    run: Callable[[Settings], None] = given.pop("run")
    try:
        # Left out, an option is None and a list is empty: neither may hide what the environment says.
        run(load_settings(**{name: value for name, value in given.items() if value not in (None, [])}))
    except FOR_THE_OPERATOR as error:
        print(f"gameroom: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gameroom", description="A multiplayer game-room server.", epilog="Settings: see .env.example."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = _command(commands, "serve", _serve, "run the server")
    _takes_games(serve)
    _takes_places(serve)
    serve.add_argument("--host", help="address to listen on")
    serve.add_argument("--port", type=int, help="port to listen on; 0 takes a free one")
    _takes_places(_command(commands, "migrate", _migrate, "bring the database to this version's schema"))
    _takes_games(_command(commands, "games", _games, "list the games that serve would offer"))
    _command(commands, "settings", _settings, "print every setting with its default, as .env.example has it")
    _command(commands, "openapi", _openapi, "print the OpenAPI document of the REST calls")
    _command(commands, "asyncapi", _asyncapi, "print the AsyncAPI document of the WebSockets")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[Settings], None],
    what: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=what, description=what)
    command.set_defaults(run=run)
    return command


def _takes_games(command: argparse.ArgumentParser) -> None:
    # An empty list must not hide the games that the environment names.
    command.add_argument(
        "games", nargs="*", metavar="GAME.py[:Class]", default=None, help="game files to load"
    )


def _takes_places(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data-dir", type=Path, metavar="DIR", help="folder of keys and database")
    command.add_argument("--database-url", metavar="URL", help="such as sqlite:///path/to/file.db")


# --- the commands ---------------------------------------------------------------------------------------------


def _serve(settings: Settings) -> None:
    configure_logs(settings.log_level, settings.log_format)
    with closing(listen(settings.host, settings.port)) as listening:
        app = create_app(settings)
        life = Life(
            span=partial(app.router.lifespan_context, app),
            ready=partial(_announce, settings, listening.getsockname()[1]),
            drain=app.state.drain,
            drain_timeout_s=settings.drain_timeout_s,
            hurry=app.state.hurry,
        )
        Server(server_config(app, settings), life).run(sockets=[listening])


def _migrate(settings: Settings) -> None:
    make_data_dir(settings.data_dir)
    upgrade(settings.database_url)
    print(f"{_without_password(settings.database_url)} has schema {newest()}")


def _games(settings: Settings) -> None:
    for game in load_games(settings.games):
        print(f"{game.name} {game.version}: {game.title}, {_players(game)}")
        print(f"  actions   {', '.join(game.actions)}")
        print(f"  settings  {', '.join(game.setting_names) or 'none'}")


def _players(game: GameType) -> str:
    if game.min_players == game.max_players:
        return f"{game.max_players} players"
    return f"{game.min_players} to {game.max_players} players"


def _settings(_: Settings) -> None:
    print(env_example(), end="")


def _openapi(settings: Settings) -> None:
    _print_document(asyncio.run(describe(settings)))


def _asyncapi(_: Settings) -> None:
    _print_document(asyncapi_document(version("gameroom")))


def _print_document(document: Schema) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))


# --- what serve says once it listens --------------------------------------------------------------------------

_PLACES = """\
gameroom listens on {base}; Ctrl+C stops it
  data      {data}
  database  {database}
  keys      {keys}
  docs      {base}/docs\
"""

_FIRST_STEPS = """
To sign a guest in and open a socket, paste into another terminal:

  TOKEN=$(curl -s {base}/api/v1/auth/guest -H 'Content-Type: application/json' -d '{{"display_name": "Ada"}}' | {token})
  TICKET=$(curl -s -X POST {base}/api/v1/auth/ws-ticket -H "Authorization: Bearer $TOKEN" | {ticket})
  {python} -m websockets "{socket}/ws?ticket=$TICKET"

and there, for example:

  {{"type": "CREATE_GAME_ROOM_GROUP", "id": "1", "game": "tic-tac-toe"}}
"""


def _announce(settings: Settings, port: int) -> None:
    base = f"http://{_address(settings.host)}:{port}"
    print(_places(settings, base))
    if settings.environment == "development":
        print(_first_steps(base))
    sys.stdout.flush()


def _address(host: str) -> str:
    """What a client on this machine calls the host that we listen on."""
    if host in ("0.0.0.0", "::"):  # noqa: S104  (compared, not bound)
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _places(settings: Settings, base: str) -> str:
    data = settings.data_dir.absolute()
    return _PLACES.format(
        base=base, data=data, database=_without_password(settings.database_url), keys=data / "keys"
    )


def _first_steps(base: str) -> str:
    return _FIRST_STEPS.format(
        base=base,
        socket=base.replace("http", "ws", 1),
        python=shlex.quote(sys.executable),
        token=_pick('["tokens"]["access_token"]'),
        ticket=_pick('["ticket"]'),
    )


def _pick(path: str) -> str:
    """A command that reads one value out of JSON; jq is not everywhere."""
    return f"{shlex.quote(sys.executable)} -c 'import json, sys; print(json.load(sys.stdin){path})'"


def _without_password(url: str) -> str:
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", url)


if __name__ == "__main__":
    sys.exit(main())
