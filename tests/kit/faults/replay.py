"""Every past state of a room, made from its records alone: the parts of each turn laid over those before it."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from tests.kit.faults.journal import Record
from tests.kit.wire import Json, Position

MEMBER = "member:"

OF_ROOM = ("name", "visibility", "locked", "max_players", "settings", "metadata", "invite_code", "host_id")
OF_PLAY = ("status", "round", "result")
OF_MEMBER = ("role", "seat", "ready", "connected")

DEFAULTS = {"turn_ms": 1_500}
"""The settings of the hourglass that nobody has given."""


class Timer(NamedTuple):
    """A timer that stands in the state, and when it is due: of the game, a member's grace, or the empty room's end."""

    part: str
    name: str
    due_at: int


@dataclass(frozen=True)
class Turn:
    """The records of one turn, and the parts before and after it."""

    records: list[Record]
    before: Json
    after: Json

    @property
    def first(self) -> Record:
        return self.records[0]

    @property
    def at(self) -> int:
        return self.first.at

    @property
    def kinds(self) -> list[str]:
        return [record.kind for record in self.records]

    @property
    def fired(self) -> Timer | None:
        """The timer that caused it."""
        cause = self.first.input or {}
        if cause.get("type") != "TIMER":
            return None
        return Timer(cause["part"], cause["name"], cause["due_at"])

    def is_about(self, user_id: str, *kinds: str) -> bool:
        """Whether one of its events is of these kinds and about this user."""
        return any(record.kind in kinds and record.data.get("user_id") == user_id for record in self.records)


def turns_of(records: list[Record]) -> Iterator[Turn]:
    """The history of one room, turn by turn. Where a body is damaged its parts count as unchanged."""
    parts: Json = {}
    for group in _groups(records):
        after = overlaid(parts, group)
        yield Turn(group, parts, after)
        parts = after


def overlaid(parts: Json, records: list[Record]) -> Json:
    """The parts with those of the records in their place; what stays as it was is shared, never changed."""
    after = dict(parts)
    for record in records:
        for name, part in record.parts.items():
            if part is None:
                after.pop(name, None)
            else:
                after[name] = part
    return after


def _groups(records: list[Record]) -> Iterator[list[Record]]:
    group: list[Record] = []
    for record in records:
        if record.input is not None and group:
            yield group
            group = []
        group.append(record)
    if group:
        yield group


def states_of(records: list[Record]) -> dict[Position, Json]:
    """The parts at every position."""
    return {record.position: turn.after for turn in turns_of(records) for record in turn.records}


# --- what stands in the parts ---------------------------------------------------------------------------------


def members_of(parts: Json) -> dict[str, Json]:
    return {name.removeprefix(MEMBER): part for name, part in parts.items() if name.startswith(MEMBER)}


def timers_of(parts: Json) -> set[Timer]:
    """All timers that run. A closed room has none."""
    play = parts.get("play", {})
    if play.get("status") == "closed":
        return set()
    found = {Timer("game", name, due_at) for name, due_at in play.get("timers", {}).items()}
    for user_id, member in members_of(parts).items():
        if member["reserved_until"] is not None:
            found.add(Timer("member:", user_id, member["reserved_until"]))
    if parts.get("room", {}).get("closes_at") is not None:
        found.add(Timer("room", "empty", parts["room"]["closes_at"]))
    return found


def seat_of(parts: Json, user_id: str) -> int | None:
    """The seat that the user has in the present or last round: what it sees of the game depends on it."""
    seat = members_of(parts).get(user_id, {}).get("seat")
    in_round = seat is not None and parts["play"]["players"].get(str(seat)) == user_id
    return seat if in_round else None


# --- what a viewer must see of them ---------------------------------------------------------------------------


def shown(parts: Json, user_id: str) -> Json:
    """What the view of this user must tell of the room."""
    play = parts["play"]
    return {
        **{name: parts["room"][name] for name in OF_ROOM},
        "settings": {**DEFAULTS, **parts["room"]["settings"]},
        **{name: play[name] for name in OF_PLAY},
        "members": {other: _shown_member(member) for other, member in members_of(parts).items()},
        "deadlines": {name: rfc3339(due_at) for name, due_at in play["timers"].items()},
        "state": _shown_game(parts.get("game"), seat_of(parts, user_id)),
    }


def told_by(view: Json) -> Json:
    """The same of a view that a client has."""
    members = {
        user_id: {name: member.get(name) for name in (*OF_MEMBER, "reserved_until")}
        for user_id, member in view["members"].items()
    }
    taken = {name: view[name] for name in (*OF_ROOM, *OF_PLAY, "deadlines", "state")}
    return deepcopy({**taken, "members": members})


def _shown_member(member: Json) -> Json:
    until = member["reserved_until"]
    return {
        **{name: member[name] for name in OF_MEMBER},
        "reserved_until": None if until is None else rfc3339(until),
    }


def _shown_game(game: Json | None, seat: int | None) -> Json | None:
    """Of the hourglass: everybody's marks are hidden, but a player sees its own."""
    if game is None:
        return None
    seats = {name: dict(each) for name, each in game["seats"].items()}
    for name, each in seats.items():
        if name != str(seat):
            each.pop("mark", None)
    return {**game, "seats": seats}


def rfc3339(at: int) -> str:
    moment = datetime.fromtimestamp(at // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03}Z"


# --- the game, played again -----------------------------------------------------------------------------------


def played(before: Json | None, turn: Turn) -> Json | None:
    """The hourglass after this turn, by its own rules; None where the turn begins no round and there was none."""
    game = deepcopy(before)
    for record in turn.records:
        if record.kind == "GAME_STARTED":
            players = record.data["players"]
            game = {"seats": {seat: {"moves": 0, "mark": ""} for seat in players}, "turn": 0, "missed": 0}
        elif record.kind == "GAME_UPDATED" and game is not None:
            _play(game, record, turn.first)
    return game


def _play(game: Json, record: Record, first: Record) -> None:
    match record.data["cause"]:
        case "timer":
            game["missed"] += 1
        case "action":
            seat = game["seats"][str(record.data["seat"])]
            seat["moves"] += 1
            seat["mark"] = (first.input or {})["action"]["mark"]
        case _:
            return  # the hourglass takes no notice of who comes and goes
    game["turn"] = (game["turn"] + 1) % len(game["seats"])
