"""What CREATE and UPDATE demand of a room's fields alike. Each raises `ValidationFailed`."""

from gameroom.errors import ValidationFailed
from gameroom.games.registry import GameType
from gameroom.protocol.codec import encode
from gameroom.protocol.commands import FreeJson
from gameroom.protocol.limits import ROOM_METADATA_BYTES
from gameroom.protocol.names import fault_of_name


def check_name(name: str) -> None:
    fault = fault_of_name(name)
    if fault is not None:
        raise ValidationFailed.at("#/name", fault)


def check_max_players(wanted: int, game_type: GameType) -> None:
    if not game_type.min_players <= wanted <= game_type.max_players:
        raise ValidationFailed.at(
            "#/max_players",
            f"{game_type.name} takes {game_type.min_players} to {game_type.max_players} players",
        )


def check_metadata(metadata: dict[str, FreeJson]) -> None:
    if len(encode(metadata)) > ROOM_METADATA_BYTES:
        raise ValidationFailed.at("#/metadata", f"At most {ROOM_METADATA_BYTES} bytes of JSON")
