"""Holds what clients saw against what the journal holds. Pure: history and journal in, findings out."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property

from tests.kit.faults.clocks import late_timers
from tests.kit.faults.findings import (
    AckedButMissing,
    AnsweredDifferently,
    AppliedTwice,
    Damaged,
    Finding,
    GapOrRepeat,
    NeverSent,
    RefusedButApplied,
    SeatLost,
    SeenButNotStored,
    SeenByTheWrongOne,
    StateDiffers,
    UnavailableButApplied,
    WireBroken,
)
from tests.kit.faults.history import Attempt, Command, History, Stay
from tests.kit.faults.journal import Journal, Record
from tests.kit.faults.replay import Turn, played, rfc3339, seat_of, shown, states_of, told_by, turns_of
from tests.kit.wire import Json, Position

Key = tuple[str, str]
"""A user, and the id of a command."""

VIEWING = {"CREATE_GAME_ROOM_GROUP", "JOIN_GAME_ROOM_GROUP", "GET_GAME_ROOM_GROUP"}
"""Commands that are answered with the present view: each time with another one."""

UNCAUSED = {"JOIN_GAME_ROOM_GROUP", "GET_GAME_ROOM_GROUP"}
"""Commands that may be accepted without causing an event."""

REMEMBERED_MS = 60_000
"""So long a home remembers what it has refused."""

CLOCK_MS = 2
"""By how much two readings of one clock may seem to be in the wrong order."""


class Evidence:
    """A history and the journal it is held against, with what several checks ask of them."""

    def __init__(self, history: History, journal: Journal) -> None:
        self.history = history
        self.journal = journal

    @cached_property
    def attempts(self) -> dict[Key, list[Attempt]]:
        """All sendings of each id, in the order in which they were sent."""
        found: dict[Key, list[Attempt]] = defaultdict(list)
        for attempt in sorted(self.history.attempts, key=lambda attempt: attempt.sent_at):
            found[attempt.command.user_id, attempt.command.id].append(attempt)
        return found

    @cached_property
    def applied(self) -> dict[Key, list[Record]]:
        """The first records of each command that was applied."""
        found: dict[Key, list[Record]] = defaultdict(list)
        for record in self.journal.every():
            if record.command_id is not None and record.user_id is not None:
                found[record.user_id, record.command_id].append(record)
        return found

    @cached_property
    def at(self) -> dict[tuple[str, Position], Record]:
        """The records by room and position."""
        return {(record.room_id, record.position): record for record in self.journal.every()}

    @cached_property
    def turns(self) -> dict[str, list[Turn]]:
        return {room_id: list(turns_of(records)) for room_id, records in self.journal.records.items()}

    @cached_property
    def states(self) -> dict[str, dict[Position, Json]]:
        return {room_id: states_of(records) for room_id, records in self.journal.records.items()}


Check = Callable[[Evidence], Iterator[Finding]]


def check(history: History, journal: Journal) -> list[Finding]:
    """All that is wrong; nothing, where every promise was kept."""
    evidence = Evidence(history, journal)
    return [finding for look in CHECKS for finding in look(evidence)]


# --- commands -------------------------------------------------------------------------------------------------


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
    """Every command in the journal came from an attempt that was acknowledged, or whose answer was lost."""
    for key, records in evidence.applied.items():
        for record in records:
            attempts = [
                attempt
                for attempt in evidence.attempts.get(key, [])
                if record.body is None or _is_content(attempt.command.content, record.told["input"])
            ]
            if any(_may_have_applied(attempt, record) for attempt in attempts):
                continue
            yield from _unexplained(evidence, record, attempts)


def _may_have_applied(attempt: Attempt, record: Record) -> bool:
    """Lost answers explain anything later than the sending; an ack that calls itself repeated explains nothing."""
    if attempt.answer is not None and (not attempt.acked or attempt.repeated):
        return False
    return attempt.sent_at <= record.at + CLOCK_MS


def _unexplained(evidence: Evidence, record: Record, attempts: list[Attempt]) -> Iterator[Finding]:
    where = f"{record.command_id} of {record.user_id} at seq {record.seq} of {record.room_id}"
    refused = [attempt for attempt in attempts if attempt.refused]
    if any(attempt.code == "unavailable" for attempt in attempts):
        yield UnavailableButApplied(where)
    elif any(_same_home(evidence, record, attempt) for attempt in refused):
        yield RefusedButApplied(where)
    elif not refused:
        yield NeverSent(where)


def _same_home(evidence: Evidence, record: Record, attempt: Attempt) -> bool:
    """Whether the home that wrote the record had refused the command, and so lately that it must remember."""
    refused_at = attempt.answered_at or 0
    if not refused_at - CLOCK_MS <= record.at <= refused_at + REMEMBERED_MS:
        return False
    return any(
        life.since <= refused_at <= life.until and record.at <= life.until for life in evidence.history.lives
    )


def _is_content(sent: Json, stored: Json) -> bool:
    """Whether the record's input is what was sent; what was left out stands there with its default."""
    return all(stored.get(name) == value for name, value in sent.items() if name in stored)


# --- events ---------------------------------------------------------------------------------------------------


def seen_but_not_stored(evidence: Evidence) -> Iterator[Finding]:
    for stay in evidence.history.stays:
        for frame in stay.frames:
            if "seq" not in frame:
                continue
            record = evidence.at.get((stay.room_id, Position(frame["epoch"], frame["seq"])))
            if record is None:
                yield SeenButNotStored(f"{frame} in {stay.room_id}")
            elif record.body is not None:
                yield from _held_against(evidence, stay, frame, record)


def _held_against(evidence: Evidence, stay: Stay, frame: Json, record: Record) -> Iterator[Finding]:
    hidden = record.audience is not None and stay.user_id not in record.audience
    if hidden != (frame["type"] == "HIDDEN"):
        yield SeenByTheWrongOne(f"{frame} for {stay.user_id} in {stay.room_id}")
    elif not hidden and _told(frame) != (record.kind, rfc3339(record.at), _without_card(record.data)):
        yield SeenButNotStored(f"{frame} in {stay.room_id}, where the journal has {record.told}")
    elif not hidden and frame.get("announcements", []) != _announced(evidence, stay, record):
        yield SeenByTheWrongOne(f"{frame} for {stay.user_id} in {stay.room_id}")


def _told(frame: Json) -> tuple[str, str, Json]:
    return frame["type"], frame["at"], _without_card(frame["data"])


def _without_card(data: Json) -> Json:
    """Names and pictures are added to the event when it is told."""
    if "member" not in data:
        return data
    return {**data, "member": {**data["member"], "display_name": "", "avatar_url": None}}


def _announced(evidence: Evidence, stay: Stay, record: Record) -> list[Json]:
    """What the game told the user with the event, by the seat that it has after the turn."""
    state = evidence.states[stay.room_id][record.position]
    seat = seat_of(state, stay.user_id)
    told = record.told.get("announcements", [])
    return [each["data"] for each in told if each["to"] is None or seat in each["to"]]


def gaps(evidence: Evidence) -> Iterator[Finding]:
    for room_id, records in evidence.journal.records.items():
        seqs = [record.seq for record in records]
        if seqs != list(range(1, len(seqs) + 1)):
            yield GapOrRepeat(f"the journal of {room_id}: {_broken_at(seqs, 0)}")
    for stay in evidence.history.stays:
        seqs = [frame["seq"] - frame.get("count", 1) + 1 for frame in stay.frames if "seq" in frame]
        if seqs != list(range(stay.base.seq + 1, stay.base.seq + 1 + len(seqs))):
            yield GapOrRepeat(f"{stay.user_id} in {stay.room_id}: {_broken_at(seqs, stay.base.seq)}")


def _broken_at(seqs: list[int], base: int) -> str:
    for before, after in zip([base, *seqs], seqs, strict=False):
        if after != before + 1:
            return f"{after} came after {before}"
    return f"{seqs} after {base}"


# --- places ---------------------------------------------------------------------------------------------------


def lost_seats(evidence: Evidence) -> Iterator[Finding]:
    for room_id, turns in evidence.turns.items():
        for turn in turns:
            for name in turn.before.keys() | turn.after.keys():
                if name.startswith("member:") and not _is_explained(turn, name):
                    yield SeatLost(f"{name} at seq {turn.first.seq} of {room_id}")
    for attempt in evidence.history.attempts:
        if (
            attempt.command.kind == "JOIN_GAME_ROOM_GROUP"
            and attempt.refused
            and _was_inside(evidence, attempt)
        ):
            yield SeatLost(f"{named(attempt.command)} was refused as {attempt.code} to a member")


def _is_explained(turn: Turn, name: str) -> bool:
    """Whether an event of the turn says why the member's seat and role are others than before."""
    places = [_place(turn.before.get(name)), _place(turn.after.get(name))]
    if places[0] in (None, places[1]):
        return True
    user_id = name.removeprefix("member:")
    if turn.is_about(user_id, "MEMBER_LEFT", "MEMBER_KICKED"):
        return places[1] is None
    return places[1] is not None and (
        turn.is_about(user_id, "MEMBER_UPDATED") or "GAME_STARTED" in turn.kinds
    )


def _place(member: Json | None) -> tuple[str, int | None] | None:
    return None if member is None else (member["role"], member["seat"])


def _was_inside(evidence: Evidence, attempt: Attempt) -> bool:
    """Whether the user was a member all the time from the sending to the answer."""
    if attempt.code in ("room_closed", "id_reused"):
        return False
    turns = evidence.turns.get(attempt.command.room_id or "", [])
    name = f"member:{attempt.command.user_id}"
    before = [name in turn.after for turn in turns if turn.at < attempt.sent_at - CLOCK_MS]
    meanwhile = [name in turn.after for turn in turns if _spans(attempt, turn.at)]
    return all([bool(before) and before[-1], *meanwhile])


def _spans(attempt: Attempt, at: int) -> bool:
    return attempt.sent_at - CLOCK_MS <= at <= (attempt.answered_at or 0) + CLOCK_MS


# --- states ---------------------------------------------------------------------------------------------------


def other_states(evidence: Evidence) -> Iterator[Finding]:
    for snapshot in evidence.journal.snapshots:
        made = evidence.states.get(snapshot.room_id, {}).get(Position(snapshot.epoch, snapshot.seq))
        if snapshot.body is not None and snapshot.body["parts"] != made:
            yield StateDiffers(f"the snapshot at seq {snapshot.seq} of {snapshot.room_id}")
    for sighting in evidence.history.sightings:
        state = evidence.states.get(sighting.room_id, {}).get(sighting.position)
        if state is None:
            yield StateDiffers(f"a view at {sighting.position} of {sighting.room_id}, where no record stands")
        elif told_by(sighting.view) != (should := shown(state, sighting.user_id)):
            seen = told_by(sighting.view)
            other = {name: (seen[name], should[name]) for name in seen if seen[name] != should[name]}
            yield StateDiffers(f"{sighting.user_id} at {sighting.position} of {sighting.room_id}: {other}")
    for room_id, turns in evidence.turns.items():
        yield from _other_play(room_id, turns)


def _other_play(room_id: str, turns: list[Turn]) -> Iterator[Finding]:
    game: Json | None = None
    for turn in turns:
        game = played(game, turn)
        stored = turn.after.get("game")
        if game != stored:
            yield StateDiffers(f"the game at seq {turn.first.seq} of {room_id}: {stored}, played {game}")
            game = stored


def damage(evidence: Evidence) -> Iterator[Finding]:
    for record in evidence.journal.every():
        if record.body is None:
            yield Damaged(f"the record at seq {record.seq} of {record.room_id}")
    for snapshot in evidence.journal.snapshots:
        if snapshot.body is None:
            yield Damaged(f"the snapshot at seq {snapshot.seq} of {snapshot.room_id}")


def broken_wire(evidence: Evidence) -> Iterator[Finding]:
    yield from map(WireBroken, evidence.history.broken)


def timers(evidence: Evidence) -> Iterator[Finding]:
    for room_id, turns in evidence.turns.items():
        yield from late_timers(room_id, turns, evidence.history)


def named(command: Command) -> str:
    return f"{command.kind} {command.id} of {command.user_id}"


CHECKS: tuple[Check, ...] = (
    acked_but_missing,
    applied_twice,
    answered_differently,
    wrongly_applied,
    seen_but_not_stored,
    gaps,
    lost_seats,
    timers,
    other_states,
    damage,
    broken_wire,
)
