"""Answers that were given before, and history that was missed: from memory, or from the journal."""

from functools import partial

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from gameroom.clock import Millis
from gameroom.protocol.codec import encode
from gameroom.protocol.commands import ResumeFrom
from gameroom.protocol.frames import fits
from gameroom.protocol.limits import MAX_RESUME
from gameroom.rooms.card_book import CardBook
from gameroom.rooms.command_ids import Applied, CommandKey
from gameroom.rooms.decision import Recollection
from gameroom.rooms.framing import whole_update
from gameroom.rooms.history import RecentEvents, is_gapless, missed_frames
from gameroom.rooms.records import Damaged, Record, StoredAnswer, missing
from gameroom.rooms.rooms import Answer, Outcome
from gameroom.rooms.state import RoomState
from gameroom.rooms.window import AFTERLIFE_MS, CommandWindow, expired


class _FullJoin(Struct):
    """The `data` of a JOIN that did not resume; its view is taken out again without reading it."""

    room: Raw


def as_repeated(outcome: Outcome | Recollection | None) -> Outcome | Recollection | None:
    """The same outcome, marked as a repeat."""
    if isinstance(outcome, Answer):
        return replace(outcome, repeated=True)
    if isinstance(outcome, Recollection):
        finish, otherwise = outcome.finish, outcome.otherwise
        return replace(
            outcome,
            finish=lambda records: _mark(finish(records)),
            otherwise=None if otherwise is None else _mark(otherwise),
        )
    return outcome


def check_answerable(
    state: RoomState, window: CommandWindow, key: CommandKey, applied: Applied, now: Millis
) -> None:
    """Raises `IdReused` where the id is too old to be answered: beyond a member's last 128, or ten minutes after."""
    ended_at = state.play.closed_at if key.user_id in state.members else state.left.get(key.user_id, 0)
    remembered = window.is_recent(key, applied) if ended_at is None else now - ended_at < AFTERLIFE_MS
    if not remembered:
        raise expired(key.command_id)


def answer_of(room_id: str, epoch: int, applied: Applied) -> Answer | Recollection:
    """The recorded answer; where play is not journaled, the one that is remembered."""
    if applied.answer is not None:
        return _repeat(room_id, epoch, applied.answer)
    return Recollection(applied.seq - 1, 1, partial(_recorded_answer, applied.seq))


def resumed(
    recent: RecentEvents,
    own: list[Record],
    full: Answer,
    viewer: "Viewer",
    resume: ResumeFrom,
    *,
    journaled: bool,
) -> Answer | Recollection:
    """The answer to a JOIN that resumes: the missed events if they can be had, else `full`.

    `own` are the events of the JOIN itself, which are not among the recent ones yet.
    """
    missed = full.seq - resume.seq
    if resume.epoch != full.epoch or not 0 <= missed <= MAX_RESUME or resume.seq < viewer.since:
        return full
    update = whole_update(_FULL.decode(full.data).room, as_view=viewer.as_view)

    def finish(records: list[Record]) -> Answer:
        if not is_gapless(records, resume.seq, full.seq):
            return full
        frames = missed_frames(records, viewer.user_id, viewer.seat, viewer.cards, update)
        together = b"[%b]" % b",".join(frames)
        if not fits(together, viewer.max_bytes):
            return full
        data = encode({"resumed": True, "missed": missed})
        return replace(full, data=data, missed=frames)

    def finish_whole(records: list[Record]) -> Answer:
        if not is_gapless(records, resume.seq, full.seq):
            stored = {record.seq for record in records}
            raise missing(min(set(range(resume.seq + 1, full.seq + 1)) - stored, default=full.seq))
        return finish(records)

    found = recent.since(resume.epoch, resume.seq, full.seq - len(own))
    if found is not None:
        return finish([*found, *own])
    return Recollection(resume.seq, missed, finish_whole, otherwise=full) if journaled else full


class Viewer(Struct, frozen=True):
    """Who resumes; `since`: the seq since when its role and seat are unbroken; `as_view`: it wants no patches;
    `max_bytes`: of all missed frames, lest a client that was slow be cut off for being caught up.
    """

    user_id: str
    seat: int | None
    since: int
    as_view: bool
    cards: CardBook
    max_bytes: int


def _recorded_answer(seq: int, records: list[Record]) -> Outcome:
    """The answer that stands in the record at `seq`. Raises `Damaged` where there is none."""
    record = records[0] if records else None
    if record is None or record.seq != seq:
        raise missing(seq)
    if record.answer is None:
        raise Damaged(f"the record at seq {seq} has no answer", seq)
    return _repeat(record.room_id, record.epoch, record.answer)


def _repeat(room_id: str, epoch: int, answer: StoredAnswer) -> Answer:
    return Answer(room_id=room_id, epoch=epoch, seq=answer.seq, data=bytes(answer.data), repeated=True)


def _mark(outcome: Outcome) -> Outcome:
    return replace(outcome, repeated=True) if isinstance(outcome, Answer) else outcome


_FULL = msgspec.json.Decoder(_FullJoin)
