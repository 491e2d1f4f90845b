"""What only prints: the games, the settings, the documents of the API."""

import asyncio
import json
from argparse import Namespace
from importlib.metadata import version

from gameroom.app import describe, load_games
from gameroom.cli.commands import Commands, add_command, takes_games
from gameroom.games.registry import GameType
from gameroom.protocol.asyncapi import asyncapi_document
from gameroom.protocol.schemas import Schema
from gameroom.settings import Settings, env_example


def add_to(commands: Commands) -> None:
    takes_games(add_command(commands, "games", _games, "list the games that serve would offer"))
    add_command(
        commands, "settings", _settings, "print every setting with its default, as .env.example has it"
    )
    add_command(commands, "openapi", _openapi, "print the OpenAPI document of the REST calls")
    add_command(commands, "asyncapi", _asyncapi, "print the AsyncAPI document of the WebSockets")


def _games(settings: Settings, _: Namespace) -> int:
    for game in load_games(settings.games):
        print(f"{game.name} {game.version}: {game.title}, {_players(game)}")
        print(f"  actions   {', '.join(game.actions)}")
        print(f"  settings  {', '.join(game.setting_names) or 'none'}")
    return 0


def _players(game: GameType) -> str:
    if game.min_players == game.max_players:
        return f"{game.max_players} players"
    return f"{game.min_players} to {game.max_players} players"


def _settings(_: Settings, __: Namespace) -> int:
    print(env_example(), end="")
    return 0


def _openapi(settings: Settings, _: Namespace) -> int:
    return _print_document(asyncio.run(describe(settings)))


def _asyncapi(_: Settings, __: Namespace) -> int:
    return _print_document(asyncapi_document(version("gameroom")))


def _print_document(document: Schema) -> int:
    print(json.dumps(document, indent=2, ensure_ascii=False))
    return 0
