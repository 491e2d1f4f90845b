"""UPDATE: what the room is called, who may come in, and what the next round is played with."""

from hashlib import blake2b
from typing import get_args

from msgspec import UNSET

from gameroom.errors import Conflict, WrongStatus
from gameroom.ids import CROCKFORD
from gameroom.protocol.answers import Empty
from gameroom.protocol.commands import FreeJson, UpdateRoom
from gameroom.protocol.events import RoomField, RoomUpdated
from gameroom.protocol.patch import diff
from gameroom.rooms.checks import check_max_players, check_metadata, check_name
from gameroom.rooms.rooms import Sender
from gameroom.rooms.turn import Turn

IN_STATE: dict[RoomField, str] = {"password": "password_mac"}
"""Where the state calls a field otherwise than the command."""


def update_room(turn: Turn, sender: Sender, command: UpdateRoom) -> Empty:
    """What is given takes the place of what is there, whole. The event names what is another now, and never how."""
    _check_status(turn, command)
    _check_values(turn, command)
    given = _given(turn, command)
    changed = [field for field, value in given.items() if _is_other(turn, field, value)]
    turn.state.change_room(**{_in_state(field): value for field, value in given.items()})
    turn.emit(RoomUpdated(by=sender.user_id, changed=changed))
    return Empty()


def _check_status(turn: Turn, command: UpdateRoom) -> None:
    play_changes = command.settings is not UNSET or command.max_players is not UNSET
    if play_changes and turn.state.play.status == "playing":
        raise WrongStatus(
            "settings and max_players can be changed only while the room is waiting; it is playing",
            status="playing",
            expected="waiting",
        )


def _check_values(turn: Turn, command: UpdateRoom) -> None:
    if command.name is not UNSET:
        check_name(command.name)
    if command.metadata is not UNSET:
        check_metadata(command.metadata)
    if command.settings is not UNSET:
        turn.game_type.settings(command.settings)
    if command.max_players is not UNSET:
        check_max_players(command.max_players, turn.game_type)
        _check_seats(turn, command.max_players)


def _check_seats(turn: Turn, max_players: int) -> None:
    """Nobody is moved: seats that are taken must be left."""
    highest = max(turn.state.players(), default=-1)
    if max_players <= highest:
        raise Conflict(f"Seat {highest} is taken, so max_players must be at least {highest + 1}")


def _given(turn: Turn, command: UpdateRoom) -> dict[RoomField, FreeJson]:
    fields = {field: getattr(command, field) for field in get_args(RoomField) if field != "invite_code"}
    given = {field: value for field, value in fields.items() if value is not UNSET}
    return given | {"invite_code": _fresh_code(turn)} if command.rotate_invite_code else given


def _is_other(turn: Turn, field: RoomField, value: FreeJson) -> bool:
    """Whether the field has another value then; settings are compared as the game is played with them."""
    before = getattr(turn.state.room, _in_state(field))
    if field == "settings":
        before, value = turn.game_type.effective(before), turn.game_type.effective(value)
    return bool(diff(before, value))


def _in_state(field: RoomField) -> str:
    return IN_STATE.get(field, field)


def _fresh_code(turn: Turn) -> str:
    """Eight characters that nobody can predict without the room's key, which is in no view.

    Handlers draw no lots, so the code is derived: from the position, which gives each one only once, and from the
    time, lest a code that another room has already be tried again and again. `person` sets the codes apart from
    the random numbers that the same key gives the game.
    """
    moment = f"{turn.next_seq}@{turn.now}".encode()
    drawn = blake2b(moment, key=turn.state.play.random_key, person=b"invite code", digest_size=8)
    return "".join(CROCKFORD[byte % len(CROCKFORD)] for byte in drawn.digest())
