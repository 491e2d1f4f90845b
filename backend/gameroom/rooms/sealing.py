"""From what a turn emitted and changed to the records of it."""

from msgspec import Raw
from msgspec.structs import replace as _replace

from gameroom.errors import MessageTooBig
from gameroom.games.registry import GameType
from gameroom.protocol.codec import encode
from gameroom.protocol.events import GameUpdated
from gameroom.rooms.decision import Cause, Recollection
from gameroom.rooms.emission import Emission
from gameroom.rooms.framing import stored_data
from gameroom.rooms.journal import SealedRecord
from gameroom.rooms.parts import GAME, Parts
from gameroom.rooms.records import (
    MAX_RECORD_BYTES,
    NULL,
    Record,
    Stamp,
    StoredAnnouncement,
    StoredAnswer,
    seal,
)
from gameroom.rooms.rooms import Answer, Outcome


def journaled_of(game_type: GameType, emissions: list[Emission], records: list[Record]) -> list[Record]:
    """Play of a game that chose so is not journaled; membership, host, chat and life cycle always are."""
    if game_type.durability == "journal":
        return records
    pairs = zip(records, emissions, strict=True)
    return [record for record, emission in pairs if not isinstance(emission.event, GameUpdated)]


def make_records(stamp: Stamp, game_type: GameType, emissions: list[Emission], cause: Cause) -> list[Record]:
    """One record per event, gapless after `stamp.head`, without parts and answer yet."""
    return [
        Record(
            room_id=stamp.room_id,
            epoch=stamp.epoch,
            seq=stamp.head + number,
            term=stamp.term,
            at=stamp.at,
            kind=emission.event.type,
            game=game_type.name,
            game_version=game_type.version,
            data=stored_data(emission.event),
            user_id=cause.user_id,
            announcements=tuple(
                [StoredAnnouncement(a.to, Raw(encode(a.data))) for a in emission.announcements]
            ),
            audience=None if emission.audience is None else tuple(sorted(emission.audience)),
        )
        for number, emission in enumerate(emissions, start=1)
    ]


def complete(record: Record, cause: Cause, parts: Parts, answer: StoredAnswer | None) -> Record:
    """The first journaled record of a turn: it bears the command's id, its input, its answer and all it changed."""
    return _replace(
        record,
        command_id=None if cause.key is None else cause.key.command_id,
        input_hash=None if cause.key is None else cause.key.input_hash.hex(),
        input=Raw(cause.input),
        parts={key: NULL if data is None else Raw(data) for key, data in parts.items()},
        answer=answer,
    )


def recorded_answer(cause: Cause, outcome: Outcome | Recollection | None) -> StoredAnswer | None:
    """What the record keeps to answer a repeat: nothing where the present view is the answer."""
    if cause.key is None or not isinstance(outcome, Answer) or outcome.holds_view:
        return None
    return StoredAnswer(outcome.seq, Raw(outcome.data))


def seal_all(records: list[Record]) -> tuple[SealedRecord, ...]:
    """Raises `MessageTooBig`: the turn would make a record that the journal does not take."""
    sealed = tuple(seal(record) for record in records)
    if any(len(record.body) > MAX_RECORD_BYTES for record in sealed):
        raise MessageTooBig(MAX_RECORD_BYTES)
    return sealed


def storable(game_type: GameType, parts: Parts) -> Parts:
    """The changed parts that the journal keeps: the game's own only where play is journaled."""
    if game_type.durability == "journal":
        return parts
    return {key: data for key, data in parts.items() if key != GAME}
