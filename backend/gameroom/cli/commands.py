"""What the commands share: how one is declared, and the options that several have."""

from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from gameroom.settings import Settings

Commands: TypeAlias = "_SubParsersAction[ArgumentParser]"

Run = Callable[[Settings, Namespace], int]
"""Does what the command says; the exit code. Options that are settings stand in the settings already."""


class NotThere(Exception):
    """What the operator names is not there; the message says what is."""


def no_such_room(room_id: str) -> NotThere:
    return NotThere(f"there is no room {room_id}: it was never made, or was removed after it was closed")


def add_command(commands: Commands, name: str, run: Run, what: str, more: str = "") -> ArgumentParser:
    """`what` is the line in the list of commands; `more` follows it in the command's own help."""
    command = commands.add_parser(name, help=what, description=f"{what}. {more}" if more else what)
    command.set_defaults(run=run)
    return command


def takes_games(command: ArgumentParser) -> None:
    command.add_argument(
        "games", nargs="*", metavar="GAME.py[:Class]", default=None, help="game files to load"
    )


def takes_game_options(command: ArgumentParser) -> None:
    """The same for a command whose plain arguments are rooms."""
    command.add_argument(
        "--game",
        action="append",
        dest="games",
        metavar="GAME.py[:Class]",
        help="load this game file too; may be repeated",
    )


def takes_places(command: ArgumentParser) -> None:
    command.add_argument("--data-dir", type=Path, metavar="DIR", help="folder of keys and database")
    command.add_argument(
        "--database-url",
        metavar="URL",
        help="such as sqlite:///path/to/file.db or postgresql+psycopg://user@host/db",
    )
