"""How a room begins."""

from msgspec import Struct

from gameroom.clock import Millis
from gameroom.games.registry import GameType
from gameroom.protocol.commands import CreateRoom
from gameroom.rooms.checks import check_max_players, check_metadata, check_name
from gameroom.rooms.memory import Memory
from gameroom.rooms.parts import PlayPart, RoomPart
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.records import Position
from gameroom.rooms.room import Room
from gameroom.rooms.state import RoomState

FIRST_TERM = 1
FIRST_EPOCH = 1


class Entropy(Struct, frozen=True):
    """What is random about a new room, drawn outside: its invite code and the key of its random numbers (32 bytes)."""

    invite_code: str
    random_key: bytes


def new_room(
    room_id: str,
    host_id: str,
    command: CreateRoom,
    game_type: GameType,
    *,
    policy: RoomPolicy,
    entropy: Entropy,
    now: Millis,
) -> Room:
    """The room that CREATE asks for, still without its creator in it. Raises `ValidationFailed`."""
    if command.name is not None:
        check_name(command.name)
    check_metadata(command.metadata)
    game_type.settings(command.settings)
    part = RoomPart(
        name=command.name or game_type.title,
        visibility=command.visibility,
        locked=False,
        password_mac=command.password,
        invite_code=entropy.invite_code,
        host_id=host_id,
        max_players=_max_players(command, game_type),
        settings=command.settings,
        metadata=command.metadata,
        grace_ms=policy.grace_ms,
        created_at=now,
    )
    play = PlayPart(
        status="playing" if game_type.always_playing else "waiting",
        round=1 if game_type.always_playing else 0,
        random_key=entropy.random_key,
    )
    state = RoomState(game_type, part, play)
    position = Position(FIRST_EPOCH, 0, now)
    return Room(room_id, FIRST_TERM, game_type, state, position, policy=policy, memory=Memory())


def _max_players(command: CreateRoom, game_type: GameType) -> int:
    wanted = game_type.max_players if command.max_players is None else command.max_players
    check_max_players(wanted, game_type)
    return wanted
