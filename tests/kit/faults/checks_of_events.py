"""What everybody heard: nothing but what is stored, all of it that was for them, and in its order."""

from collections.abc import Iterator

from tests.kit.faults.evidence import Evidence
from tests.kit.faults.findings import Finding, GapOrRepeat, SeenButNotStored, SeenByTheWrongOne
from tests.kit.faults.history import Stay
from tests.kit.faults.journal import Record
from tests.kit.faults.replay import rfc3339, seat_of
from tests.kit.wire import Json, Position


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
