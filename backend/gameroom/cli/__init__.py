"""The command line: `gameroom serve | migrate | users | journal | replay | games | settings | openapi | asyncapi`.

One module for each family of commands. What an operator can mend ends in one line on stderr and exit code 2; 1 says
that a command has found damage; a traceback is a bug of ours.
"""

import argparse
import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from gameroom.app import DataDirUnusable, GameFileUnusable
from gameroom.cli import database, journal, replay, serving, showing, users
from gameroom.cli.commands import NotThere, Run
from gameroom.cli.users import BadTime
from gameroom.games.registry import GameDefinitionError
from gameroom.identity.keys import KeysUnusable
from gameroom.server import CannotListen
from gameroom.settings import BadSettings, Settings, load_settings
from gameroom.storage.failures import DatabaseUnusable

FOR_THE_OPERATOR = (
    BadSettings,
    BadTime,
    CannotListen,
    DataDirUnusable,
    DatabaseUnusable,
    GameDefinitionError,
    GameFileUnusable,
    KeysUnusable,
    NotThere,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    given = parser().parse_args(arguments)
    run: Run = given.run
    try:
        code = run(load_settings(**_settings_in(given)), given)
        sys.stdout.flush()  # so that whoever does not read it any more is noticed here
    except FOR_THE_OPERATOR as error:
        print(f"gameroom: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return _unheard()
    except KeyboardInterrupt:
        return 130
    return code


def _unheard() -> int:
    """Whoever read what we print has seen enough: nothing more is printed, not even at the end of Python."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _settings_in(given: Namespace) -> dict[str, object]:
    """Left out, an option is None and a list is empty: neither may hide what the environment says."""
    chosen = vars(given).items()
    return {
        name: value for name, value in chosen if name in Settings.model_fields and value not in (None, [])
    }


def parser() -> argparse.ArgumentParser:
    """Reads the command line: `run` is the command's own function."""
    top = argparse.ArgumentParser(
        prog="gameroom", description="A multiplayer game-room server.", epilog="Settings: see .env.example."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for family in (serving, database, users, journal, replay, showing):
        family.add_to(commands)
    return top
