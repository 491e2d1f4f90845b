"""What became of every command: missing, done twice, answered otherwise, or done although it was said not to be."""

from collections import defaultdict
from collections.abc import Iterator

from tests.kit.faults.evidence import CLOCK_MS, Evidence, Key, named
from tests.kit.faults.findings import (
    AckedButMissing,
    AnsweredDifferently,
    AppliedTwice,
    Finding,
    NeverSent,
    RefusedButApplied,
    UnavailableButApplied,
)
from tests.kit.faults.history import Attempt
from tests.kit.faults.journal import Record
from tests.kit.wire import Json, Position

VIEWING = {"CREATE_GAME_ROOM_GROUP", "JOIN_GAME_ROOM_GROUP", "GET_GAME_ROOM_GROUP"}
"""Commands that are answered with the present view: each time with another one."""

UNCAUSED = {"JOIN_GAME_ROOM_GROUP", "GET_GAME_ROOM_GROUP"}
"""Commands that may be accepted without causing an event."""

REMEMBERED_MS = 60_000
"""So long a home remembers what it has refused."""


def acked_but_missing(evidence: Evidence) -> Iterator[Finding]:
    created = {(room.creator_id, room.create_command_id) for room in evidence.journal.rooms}
    for key, attempts in evidence.attempts.items():
        for attempt in attempts:
            if not attempt.acked:
                continue
            if attempt.command.kind == "CREATE_GAME_ROOM_GROUP":
                stored = key in created
            elif attempt.command.kind in UNCAUSED:
                stored = _is_member(evidence, attempt)
            else:
                stored = key in evidence.applied
            if not stored:
                yield AckedButMissing(named(attempt.command))


def _is_member(evidence: Evidence, attempt: Attempt) -> bool:
    """Whether who was let in, or shown the room, has a place in it at the position of the answer."""
    answer = attempt.answer or {}
    state = evidence.states.get(answer["room_id"], {}).get(Position(answer["epoch"], answer["seq"]), {})
    return f"member:{attempt.command.user_id}" in state


def applied_twice(evidence: Evidence) -> Iterator[Finding]:
    for (user_id, command_id), records in evidence.applied.items():
        if len(records) > 1:
            yield AppliedTwice(f"{command_id} of {user_id} at {[record.seq for record in records]}")
    for what, records in _unique_deeds(evidence).items():
        if len(records) > 1:
            yield AppliedTwice(f"{what} at {[record.seq for record in records]}")
    rooms: dict[Key, list[str]] = defaultdict(list)
    for room in evidence.journal.rooms:
        if room.create_command_id is not None:
            rooms[room.creator_id, room.create_command_id].append(room.room_id)
    for (_, command_id), room_ids in rooms.items():
        if len(room_ids) > 1:
            yield AppliedTwice(f"CREATE {command_id} made the rooms {room_ids}")


def _unique_deeds(evidence: Evidence) -> dict[str, list[Record]]:
    """Records by what clients say or write once only: so a command shows that came in under two ids."""
    found: dict[str, list[Record]] = defaultdict(list)
    for record in evidence.journal.every():
        cause = record.input or {}
        match cause.get("type"):
            case "SEND_CHAT":
                found[f"the chat {cause['text']!r}"].append(record)
            case "GAME_ACTION":
                found[f"the move {cause['action']['mark']!r}"].append(record)
    return found


def answered_differently(evidence: Evidence) -> Iterator[Finding]:
    for key, attempts in evidence.attempts.items():
        acked = [attempt for attempt in attempts if attempt.acked]
        if not acked or acked[0].command.kind in VIEWING:
            continue
        command = acked[0].command
        answers = {_said(attempt.answer or {}) for attempt in acked}
        answers |= {_recorded(record, evidence) for record in evidence.applied.get(key, []) if record.body}
        if len(answers) > 1:
            yield AnsweredDifferently(f"{named(command)}: {sorted(answers)}")
        if sum(not attempt.repeated for attempt in acked) > 1:
            yield AnsweredDifferently(f"{named(command)}: answered as new more than once")
        for attempt in attempts:
            if (
                attempt.refused
                and attempt.command.content == command.content
                and _comes_after(attempt, acked)
            ):
                yield AnsweredDifferently(f"{named(command)}: acknowledged, and refused as {attempt.code}")


def _comes_after(attempt: Attempt, acked: list[Attempt]) -> bool:
    """Whether it was sent when its sender knew that the command was applied.

    The other way round is no harm: a refusal may be forgotten with its home, and a late copy be applied.
    """
    return any((ack.answered_at or 0) < attempt.sent_at for ack in acked)


def _said(answer: Json) -> str:
    return f"{answer['epoch']}/{answer['seq']} {answer['data']!r}"


def _recorded(record: Record, evidence: Evidence) -> str:
    """What the record says was answered, standing at the last record of its turn."""
    [turn] = [turn for turn in evidence.turns[record.room_id] if turn.first is record]
    answer = record.told.get("answer") or {"seq": None, "data": None}
    at = turn.records[-1].seq if answer["seq"] is None else answer["seq"]
    return f"{record.epoch}/{at} {answer['data']!r}"


def wrongly_applied(evidence: Evidence) -> Iterator[Finding]:
    """Every command in the journal came from an attempt that was acknowledged, or whose answer was lost; and its home
    had not refused it before."""
    for key, records in evidence.applied.items():
        for record in records:
            attempts = [
                attempt
                for attempt in evidence.attempts.get(key, [])
                if record.body is None or _is_content(attempt.command.content, record.told["input"])
            ]
            if any(attempt.refused and _same_home(evidence, record, attempt) for attempt in attempts):
                yield RefusedButApplied(_place(record))
            elif not any(_may_have_applied(attempt, record) for attempt in attempts):
                yield from _unexplained(record, attempts)


def _may_have_applied(attempt: Attempt, record: Record) -> bool:
    """Lost answers explain anything later than the sending; an ack that calls itself repeated explains nothing."""
    if attempt.answer is not None and (not attempt.acked or attempt.repeated):
        return False
    return attempt.sent_at <= record.at + CLOCK_MS


def _unexplained(record: Record, attempts: list[Attempt]) -> Iterator[Finding]:
    if any(attempt.code == "unavailable" for attempt in attempts):
        yield UnavailableButApplied(_place(record))
    elif not any(attempt.refused for attempt in attempts):
        yield NeverSent(_place(record))


def _place(record: Record) -> str:
    return f"{record.command_id} of {record.user_id} at seq {record.seq} of {record.room_id}"


def _same_home(evidence: Evidence, record: Record, attempt: Attempt) -> bool:
    """Whether the home that wrote the record had refused the command, and so lately that it must remember."""
    refused_at = attempt.answered_at or 0
    if not refused_at - CLOCK_MS <= record.at <= attempt.sent_at + REMEMBERED_MS:
        return False
    return any(
        life.since <= refused_at <= life.until and record.at <= life.until for life in evidence.history.lives
    )


def _is_content(sent: Json, stored: Json) -> bool:
    """Whether the record's input is what was sent; what was left out stands there with its default."""
    return all(stored.get(name) == value for name, value in sent.items() if name in stored)
