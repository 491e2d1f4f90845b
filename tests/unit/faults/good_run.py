"""Makes runs in which every promise was kept, for tests that then break one of them.

`GoodRun` is a room of the hourglass as its records tell it and as its players heard it. It decides nothing by itself:
each method is one turn that a server could have taken.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from tests.kit.faults.history import Attempt, Command, History, Sighting, Span, Stay
from tests.kit.faults.journal import Journal, Record, Room, Snapshot, journal_of
from tests.kit.faults.replay import overlaid, rfc3339, shown
from tests.kit.wire import Json, Position

ROOM, ANN, BOB = "the-room", "ann", "bob"
START = 1_700_000_000_000
TURN_MS, GRACE_MS = 1_000, 4_000


@dataclass
class GoodRun:
    """One room with two players; `now` moves on with every turn."""

    history: History = field(default_factory=History)
    records: list[Record] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    parts: Json = field(default_factory=dict)
    now: int = START
    stays: dict[str, Stay] = field(default_factory=dict)
    born_at: int = START
    term: int = 1

    @classmethod
    def begun(cls) -> "GoodRun":
        """Ann has made the room, Bob has come, and the first round is on."""
        run = cls()
        run.create()
        run.join(BOB)
        for user_id in (ANN, BOB):
            run.do(user_id, "SET_READY", ready=True)
        run.do(ANN, "START_GAME")
        return run

    # --- what is judged ---------------------------------------------------------------------------------------

    @property
    def journal(self) -> Journal:
        room = Room(room_id=ROOM, creator_id=ANN, create_command_id="ann-1")
        return Journal([room], {ROOM: list(self.records)}, list(self.snapshots))

    def ended(self) -> "GoodRun":
        """The run is over: the server still lives, and a moment has passed."""
        self.history.lives.append(Span(self.born_at, self.now + 10_000))
        self.history.ended_at = self.now + 1
        return self

    # --- what commands do -------------------------------------------------------------------------------------

    def create(self) -> Attempt:
        self.parts = {
            "room": {
                "name": "Hourglass",
                "visibility": "public",
                "locked": False,
                "max_players": 4,
                "settings": {},
                "metadata": {},
                "invite_code": "ABCDEFGH",
                "host_id": ANN,
                "closes_at": None,
            },
            "play": {"status": "waiting", "round": 0, "result": None, "players": {}, "timers": {}},
        }
        member = _member(0)
        attempt = self._attempt(ANN, "CREATE_GAME_ROOM_GROUP", {"game": "hourglass"})
        changed = {**self.parts, f"member:{ANN}": member}
        self._turn(attempt.command, [("MEMBER_JOINED", {"user_id": ANN, "member": _told(member)})], changed)
        self._answer(attempt, {}, has_view=True)
        self._stay(ANN)
        return attempt

    def join(self, user_id: str) -> Attempt:
        """Come in, or come back: then it is an event if the connection was known to be lost."""
        attempt = self._attempt(user_id, "JOIN_GAME_ROOM_GROUP", {})
        former = self.parts.get(f"member:{user_id}")
        if former is None:
            member = _member(len([name for name in self.parts if name.startswith("member:")]))
            event = ("MEMBER_JOINED", {"user_id": user_id, "member": _told(member)})
            self._turn(attempt.command, [event], {f"member:{user_id}": member})
        elif not former["connected"]:
            member = {**former, "connected": True, "reserved_until": None}
            self._turn(
                attempt.command, [("MEMBER_RECONNECTED", {"user_id": user_id})], {f"member:{user_id}": member}
            )
        self._answer(attempt, {"resumed": False}, has_view=True)
        self._stay(user_id)
        return attempt

    def do(self, user_id: str, kind: str, *, lost: bool = False, **fields: object) -> Attempt:
        """A command that is applied; `lost`: its answer never arrives."""
        attempt = self._attempt(user_id, kind, fields)
        events, changed, data = self._deed(user_id, kind, fields)
        self._turn(attempt.command, events, changed, data)
        if not lost:
            self._answer(attempt, data)
        return attempt

    def repeat(self, former: Attempt) -> Attempt:
        """The command again: it is answered as it was."""
        attempt = self._again(former)
        [record] = [r for r in self.records if r.command_id == former.command.id]
        answer = record.told["answer"]
        frame = self._reply(former.command, record.epoch, answer["seq"], answer["data"])
        attempt.answer, attempt.answered_at = {**frame, "repeated": True}, self.now
        return attempt

    def refuse(self, user_id: str, kind: str, code: str, **fields: object) -> Attempt:
        return self._refused(self._attempt(user_id, kind, fields), code)

    def refuse_again(self, former: Attempt, code: str) -> Attempt:
        return self._refused(self._again(former), code)

    def resend_applied(self, former: Attempt) -> Attempt:
        """Sent again after `unavailable`, or after a death: now it is applied."""
        attempt = self._again(former)
        fields = {
            name: value for name, value in former.command.content.items() if name not in ("type", "room_id")
        }
        events, changed, data = self._deed(former.command.user_id, former.command.kind, fields)
        self._turn(former.command, events, changed, data)
        self._answer(attempt, data)
        return attempt

    def look(self, user_id: str) -> None:
        view = {**_viewed(shown(self.parts, user_id)), "room_id": ROOM}
        self.history.sightings.append(Sighting(user_id, ROOM, self.head, view))

    def snap(self) -> None:
        body = {"room_id": ROOM, "epoch": 1, "seq": self.head.seq, "parts": deepcopy(self.parts)}
        self.snapshots = [Snapshot(room_id=ROOM, seq=self.head.seq, epoch=1, body=body)]

    # --- what else happens ------------------------------------------------------------------------------------

    def run_out(self, *, late_ms: int = 0) -> None:
        """The turn clock runs out."""
        due_at = self.parts["play"]["timers"]["run_out"]
        self.now = max(self.now, due_at) + late_ms
        self._fire(due_at)

    def _fire(self, due_at: int) -> None:
        game = deepcopy(self.parts["game"])
        game["missed"] += 1
        cause = {"type": "TIMER", "due_at": due_at, "part": "game", "name": "run_out"}
        self._append(cause, None, [("GAME_UPDATED", {"cause": "timer"})], self._passed_on(game), None)

    def hang_up(self, user_id: str) -> None:
        member = {
            **self.parts[f"member:{user_id}"],
            "connected": False,
            "reserved_until": self.now + GRACE_MS,
        }
        self.stays.pop(user_id)
        event = ("MEMBER_DISCONNECTED", {"user_id": user_id, "reserved_until": rfc3339(self.now + GRACE_MS)})
        self._append({"type": "DISCONNECT"}, None, [event], {f"member:{user_id}": member}, None)

    def die(self, away_ms: int = 500) -> None:
        """`kill -9`, and a new home after a while; everybody must join again."""
        self.history.lives.append(Span(self.born_at, self.now))
        self.history.outages.append(Span(self.now, self.now + away_ms))
        self.now += away_ms
        self.born_at, self.term = self.now, self.term + 1
        self.stays.clear()

    # --- small things -----------------------------------------------------------------------------------------

    @property
    def head(self) -> Position:
        return Position(1, len(self.records))

    def _deed(self, user_id: str, kind: str, fields: Json) -> tuple[list[tuple[str, Json]], Json, Json]:
        """The events of a command, the parts that it changes, and the data of its answer."""
        member = self.parts[f"member:{user_id}"]
        match kind:
            case "SEND_CHAT":
                message_id = str(self.head.seq + 1)
                said = {"message_id": message_id, "user_id": user_id, "text": fields["text"]}
                return [("CHAT_MESSAGE", {**said, **_to(fields)})], {}, {"message_id": message_id}
            case "SET_READY":
                ready = {f"member:{user_id}": {**member, "ready": fields["ready"]}}
                return [("MEMBER_UPDATED", {"user_id": user_id, "changed": ["ready"]})], ready, {}
            case "START_GAME":
                players = {"0": ANN, "1": BOB}
                game = {"seats": {s: {"moves": 0, "mark": ""} for s in players}, "turn": 0, "missed": 0}
                play = {**self._clocked(), "status": "playing", "round": 1, "players": players}
                started = ("GAME_STARTED", {"round": 1, "players": players})
                return [started], {"play": play, "game": game}, {"round": 1}
            case "GAME_ACTION":
                return self._move(user_id, member["seat"], fields["action"]["mark"])
            case _:
                left = ("MEMBER_LEFT", {"user_id": user_id, "reason": "left"})
                return [left], {f"member:{user_id}": None}, {}

    def _move(self, user_id: str, seat: int, mark: str) -> tuple[list[tuple[str, Json]], Json, Json]:
        game = deepcopy(self.parts["game"])
        mine = game["seats"][str(seat)]
        mine["moves"], mine["mark"] = mine["moves"] + 1, mark
        updated = ("GAME_UPDATED", {"user_id": user_id, "seat": seat, "cause": "action"})
        return [updated], self._passed_on(game), {"moves": mine["moves"]}

    def _passed_on(self, game: Json) -> Json:
        return {"game": {**game, "turn": 1 - game["turn"]}, "play": self._clocked()}

    def _clocked(self) -> Json:
        return {**self.parts["play"], "timers": {"run_out": self.now + TURN_MS}}

    def _attempt(self, user_id: str, kind: str, fields: Json) -> Attempt:
        number = sum(attempt.command.user_id == user_id for attempt in self.history.attempts) + 1
        place = {} if kind == "CREATE_GAME_ROOM_GROUP" else {"room_id": ROOM}
        return self._sent(Command(user_id, f"{user_id}-{number}", {"type": kind, **place, **fields}))

    def _again(self, former: Attempt) -> Attempt:
        return self._sent(former.command)

    def _sent(self, command: Command) -> Attempt:
        self.now += 10
        attempt = Attempt(command, self.now)
        self.history.attempts.append(attempt)
        self.now += 10
        return attempt

    def _refused(self, attempt: Attempt, code: str) -> Attempt:
        attempt.answer, attempt.answered_at = (
            {"type": "ERROR", "id": attempt.command.id, "code": code},
            self.now,
        )
        return attempt

    def _answer(self, attempt: Attempt, data: Json, *, has_view: bool = False) -> None:
        data = {**data, "room": {}} if has_view else data
        attempt.answer = self._reply(attempt.command, 1, self.head.seq, data)
        attempt.answered_at = self.now

    def _reply(self, command: Command, epoch: int, seq: int, data: Json) -> Json:
        head = {"type": "REPLY", "id": command.id, "command": command.kind, "room_id": ROOM}
        return {**head, "epoch": epoch, "seq": seq, "data": data}

    def _stay(self, user_id: str) -> None:
        self.stays[user_id] = Stay(user_id, ROOM, self.head)
        self.history.stays.append(self.stays[user_id])

    def _turn(
        self, command: Command, events: list[tuple[str, Json]], changed: Json, data: Json | None = None
    ) -> None:
        self._append(command.content, command, events, changed, data)

    def _append(
        self,
        cause: Json,
        command: Command | None,
        events: list[tuple[str, Json]],
        changed: Json,
        data: Json | None,
    ) -> None:
        """Store the events as one turn, and let everybody hear them who is there."""
        for number, (kind, told) in enumerate(events):
            body = {"room_id": ROOM, "epoch": 1, "seq": self.head.seq + 1, "data": told}
            if number == 0:
                body |= {"input": cause, "parts": changed}
                body |= {} if data is None else {"answer": {"seq": self.head.seq + len(events), "data": data}}
            if "to" in told:
                body["audience"] = sorted({told["user_id"], told["to"]})
            if kind == "GAME_UPDATED" and "seat" in told:
                said = {"type": "written", "mark": cause["action"]["mark"]}
                body["announcements"] = [{"to": [told["seat"]], "data": said}]
            self._record(kind, body, command if number == 0 else None)
        self.parts = overlaid(self.parts, self.records[-len(events) :])
        for record in self.records[-len(events) :]:
            self._publish(record)

    def _record(self, kind: str, body: Json, command: Command | None) -> None:
        stored = json.dumps(body).encode()
        row = {
            "room_id": ROOM,
            "seq": body["seq"],
            "epoch": 1,
            "term": self.term,
            "at": self.now,
            "kind": kind,
            "user_id": None if command is None else command.user_id,
            "command_id": None if command is None else command.id,
            "body": stored,
            "hash": blake2b(stored, digest_size=16).digest(),
        }
        self.records += journal_of([], [row], []).records[ROOM]

    def _publish(self, record: Record) -> None:
        for user_id, stay in list(self.stays.items()):
            if f"member:{user_id}" not in self.parts and record.data.get("user_id") == user_id:
                del self.stays[user_id]
            place = {"room_id": ROOM, "epoch": record.epoch, "seq": record.seq}
            if record.audience is not None and user_id not in record.audience:
                stay.hear({"type": "HIDDEN", **place})
                continue
            frame = {"type": record.kind, **place, "at": rfc3339(record.at), "data": record.data}
            heard = self._heard(record, user_id)
            stay.hear({**frame, "announcements": heard} if heard else frame)

    def _heard(self, record: Record, user_id: str) -> list[Json]:
        seat = self.parts.get(f"member:{user_id}", {}).get("seat")
        return [each["data"] for each in record.told.get("announcements", []) if seat in each["to"]]


def changed(record: Record, change: Callable[[Json], Any]) -> Record:
    """The record with another body, which fits its hash all the same."""
    body = deepcopy(record.body)
    assert body is not None
    change(body)
    return replace(record, body=body)


def _member(seat: int) -> Json:
    return {"role": "player", "seat": seat, "ready": False, "connected": True, "reserved_until": None}


def _told(member: Json) -> Json:
    told = {name: value for name, value in member.items() if name != "reserved_until"}
    return {**told, "display_name": "", "avatar_url": None}


def _to(fields: Json) -> Json:
    return {"to": fields["to"]} if "to" in fields else {}


def _viewed(told: Json) -> Json:
    """A view that tells this, with what else a view has."""
    members = {user_id: {**m, "display_name": user_id} for user_id, m in told["members"].items()}
    return {**deepcopy(told), "members": members, "game": "hourglass", "grace_ms": GRACE_MS}
