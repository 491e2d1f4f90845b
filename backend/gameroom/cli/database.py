"""`gameroom migrate`."""

from argparse import Namespace

from gameroom.app import make_data_dir
from gameroom.cli.commands import Commands, add_command, takes_places
from gameroom.settings import Settings
from gameroom.storage.backends import shown
from gameroom.storage.migrate import newest, upgrade


def add_to(commands: Commands) -> None:
    takes_places(add_command(commands, "migrate", _migrate, "bring the database to this version's schema"))


def _migrate(settings: Settings, _: Namespace) -> int:
    make_data_dir(settings.data_dir)
    upgrade(settings.database_url)
    print(f"{shown(settings.database_url)} has schema {newest()}")
    return 0
