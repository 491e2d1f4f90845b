"""`gameroom migrate`."""

import re
from argparse import Namespace

from gameroom.app import make_data_dir
from gameroom.cli.commands import Commands, add_command, takes_places
from gameroom.settings import Settings
from gameroom.storage.migrate import newest, upgrade


def add_to(commands: Commands) -> None:
    takes_places(add_command(commands, "migrate", _migrate, "bring the database to this version's schema"))


def without_password(url: str) -> str:
    """The URL of a database as it may be shown."""
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", url)


def _migrate(settings: Settings, _: Namespace) -> int:
    make_data_dir(settings.data_dir)
    upgrade(settings.database_url)
    print(f"{without_password(settings.database_url)} has schema {newest()}")
    return 0
