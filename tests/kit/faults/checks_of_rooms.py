"""What is stored of each room: members keep their places, every state follows from the records, bytes are whole."""

from collections.abc import Iterator

from tests.kit.faults.evidence import CLOCK_MS, Evidence, named
from tests.kit.faults.findings import Damaged, Finding, SeatLost, StateDiffers
from tests.kit.faults.history import Attempt
from tests.kit.faults.replay import Turn, played, shown, told_by
from tests.kit.wire import Json, Position

NO_WORD = {"room_closed", "id_reused", "internal"}
"""Refusals of a JOIN that say nothing of membership."""

# --- places ---------------------------------------------------------------------------------------------------


def lost_seats(evidence: Evidence) -> Iterator[Finding]:
    for room_id, turns in evidence.turns.items():
        for turn in turns:
            for name in turn.before.keys() | turn.after.keys():
                if name.startswith("member:") and not _is_explained(turn, name):
                    yield SeatLost(f"{name} at seq {turn.first.seq} of {room_id}")
    for attempt in evidence.history.attempts:
        if _turns_away(attempt) and _was_inside(evidence, attempt):
            yield SeatLost(f"{named(attempt.command)} was refused as {attempt.code} to a member")


def _turns_away(attempt: Attempt) -> bool:
    """Whether the answer treats who asks to be let in as no member."""
    return attempt.command.kind == "JOIN_GAME_ROOM_GROUP" and attempt.refused and attempt.code not in NO_WORD


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
