"""Opening a room from what is stored: the last snapshot, overlaid with the parts after it. Runs no game code."""

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gameroom.games.registry import GameType
from gameroom.rooms.card_book import CardBook, mark_of
from gameroom.rooms.command_ids import CommandKey
from gameroom.rooms.journal import AppliedCommand, Recovery, Snapshot
from gameroom.rooms.memory import Memory
from gameroom.rooms.parts import GAME, MEMBER
from gameroom.rooms.placement import Claim
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.records import (
    NULL,
    Damaged,
    Position,
    Record,
    Unrecorded,
    missing,
    unseal,
    unseal_snapshot,
)
from gameroom.rooms.room import Room
from gameroom.rooms.state import RoomState


class Recovered(Struct, frozen=True):
    """The parts of a room as they were last committed, encoded, where that was, and which version wrote the game's.

    `teller`: the version of the game that was the last to tell anything; empty: it is to be told once more.
    """

    parts: dict[str, bytes]
    position: Position
    game_version: str
    teller: str
    unrecorded: list[Unrecorded] = []

    def members(self) -> list[str]:
        """The user ids of the members."""
        return [key.removeprefix(MEMBER) for key in self.parts if key.startswith(MEMBER)]


def overlay(room_id: str, recovery: Recovery, *, gapless: bool) -> Recovered:
    """The last snapshot under the records after it.

    `gapless`: play is journaled, so a missing record is damage. Raises `Damaged`.
    """
    recovered = begin_with(room_id, recovery.snapshot)
    for sealed in recovery.records:
        record = unseal(sealed)
        _check_room(room_id, record.room_id, record.seq)
        if gapless and record.seq != recovered.position.seq + 1:
            raise missing(recovered.position.seq + 1)
        recovered = lay_over(recovered, record)
    if not recovered.parts:
        raise Damaged("neither a snapshot nor a record is there", 0)
    return recovered


def open_room(
    claim: Claim,
    recovered: Recovered,
    commands: list[AppliedCommand],
    game_type: GameType,
    *,
    policy: RoomPolicy,
    memory: Memory,
) -> Room:
    """The room as its last owner left it; what is stored of that comes into its `memory`.

    Raises `Damaged`, or `GameFailed` if the game cannot migrate its state.
    """
    parts = _game_adopted(recovered, game_type, clean=claim.clean)
    try:
        state = RoomState.decode(game_type, parts)
    except (msgspec.MsgspecError, KeyError) as error:
        raise Damaged(f"the parts cannot be read: {error}", recovered.position.seq) from error
    memory.cards.expect(_shown_otherwise(state, memory.cards, policy.card_key))
    memory.renewed = recovered.teller != game_type.version
    room = Room(
        claim.room_id,
        claim.term,
        game_type,
        state,
        recovered.position,
        policy=policy,
        memory=memory,
    )
    for command in commands:
        key = CommandKey(command.user_id, command.command_id, command.input_hash)
        room.window.apply(key, command.seq)
    if claim.clean:
        _remember(room, recovered.unrecorded)
    return room


def _shown_otherwise(state: RoomState, cards: CardBook, key: bytes) -> list[str]:
    """The members whose card has changed since it was last told."""
    return [
        user_id
        for user_id, member in state.members.items()
        if member.shown and user_id in cards and member.shown != mark_of(user_id, cards.card(user_id), key)
    ]


def _remember(room: Room, unrecorded: list[Unrecorded]) -> None:
    """After a clean hand-over the epoch goes on, and what was done in it is still not done twice."""
    for command in unrecorded:
        key = CommandKey(command.user_id, command.command_id, bytes.fromhex(command.input_hash))
        room.window.apply(key, command.seq, command.answer)


def parts_for(recovered: Recovered, game_type: GameType) -> dict[str, bytes]:
    """The parts, the game's own as this version of it has them. Raises `GameFailed`."""
    parts = dict(recovered.parts)
    if GAME in parts and recovered.game_version != game_type.version:
        parts[GAME] = game_type.encode(game_type.migrate(parts[GAME], recovered.game_version))
    return parts


def _game_adopted(recovered: Recovered, game_type: GameType, *, clean: bool) -> dict[str, bytes]:
    """The parts with the game's as this version has it; a volatile game's own only after a clean hand-over."""
    if game_type.durability == "journal" or clean:
        return parts_for(recovered, game_type)
    return {key: data for key, data in recovered.parts.items() if key != GAME}


def begin_with(room_id: str, snapshot: Snapshot | None) -> Recovered:
    """The room as of a snapshot; without one as before its first record. Raises `Damaged`."""
    if snapshot is None:
        return Recovered({}, Position(epoch=0, seq=0, at=0), "", "")
    body = unseal_snapshot(snapshot)
    _check_room(room_id, body.room_id, body.seq)
    parts = {key: bytes(data) for key, data in body.parts.items()}
    position = Position(body.epoch, body.seq, body.at)
    teller = "" if body.renewed else body.game_version
    return Recovered(parts, position, body.game_version, teller, body.unrecorded)


def _check_room(room_id: str, stored: str, seq: int) -> None:
    if stored != room_id:
        raise Damaged(f"what is stored for this room belongs to the room {stored}", seq)


def lay_over(recovered: Recovered, record: Record) -> Recovered:
    """The room after one more record. The parts are changed in place."""
    parts = recovered.parts
    for key, data in record.parts.items():
        if data == NULL:
            parts.pop(key, None)
        else:
            parts[key] = bytes(data)
    version = record.game_version if GAME in record.parts else recovered.game_version
    position = Position(record.epoch, record.seq, record.at)
    return replace(recovered, position=position, game_version=version, teller=record.game_version)
