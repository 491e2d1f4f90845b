"""`gameroom serve`: a server until a signal comes."""

import gc
import logging
import re
import shlex
import sys
from argparse import ArgumentTypeError, Namespace
from contextlib import closing
from functools import partial

from gameroom.app import create_app
from gameroom.cli.commands import Commands, add_command, takes_games, takes_places
from gameroom.server import Life, Server, listen, server_config
from gameroom.settings import LAST_PORT, Settings, unknown_variables
from gameroom.storage.backends import shown
from gameroom.telemetry.logs import configure_logs

logger = logging.getLogger(__name__)


def add_to(commands: Commands) -> None:
    serve = add_command(commands, "serve", _serve, "run the server")
    takes_games(serve)
    takes_places(serve)
    serve.add_argument("--host", help="address to listen on")
    serve.add_argument("--port", type=_port, help="port to listen on; 0 takes a free one")


def _port(text: str) -> int:
    """Judged here too: the settings would blame the variable for what the option says."""
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > LAST_PORT:
        raise ArgumentTypeError(f"{text!r} is no port; ports go from 0 to {LAST_PORT}")
    return int(text)


def _serve(settings: Settings, _: Namespace) -> int:
    configure_logs(settings.log_level, settings.log_format)
    for sentence in unknown_variables():
        logger.warning(sentence)
    with closing(listen(settings.host, settings.port)) as listening:
        app = create_app(settings)
        # What is loaded stays. Without this every full collection would walk over it, and stop all rooms meanwhile.
        gc.freeze()
        life = Life(
            span=partial(app.router.lifespan_context, app),
            ready=partial(_announce, settings, listening.getsockname()[1]),
            drain=app.state.drain,
            drain_timeout_s=settings.drain_timeout_s,
            hurry=app.state.hurry,
        )
        Server(server_config(app, settings), life).run(sockets=[listening])
    return 0


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
    return _PLACES.format(base=base, data=data, database=shown(settings.database_url), keys=data / "keys")


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
