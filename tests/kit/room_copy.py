"""A client's own copy of one room: its view, kept current by patches, and its position in the room's history."""

from copy import deepcopy
from typing import Any

from tests.kit.patch import apply_patch
from tests.kit.wire import Json, Position, RuleBroken, require, room_view

LAST_EVENT = {"left": "MEMBER_LEFT", "kicked": "MEMBER_KICKED", "closed": "GAME_ROOM_GROUP_CLOSED"}
"""What must have been heard before a DETACHED for this reason."""


class RoomCopy:
    """Fed with what one viewer hears of one room; raises `RuleBroken` where history is not as promised."""

    def __init__(self, room_id: str) -> None:
        self.room_id = room_id
        self.view: Json = {}
        self.position = Position(0, 0)
        self.ended: str | None = None
        self.last_event: Json | None = None
        self._missed_until: int | None = None
        self._missed_any = False
        self._missed_view = False

    @property
    def state(self) -> Any:
        """The game's view."""
        return self.view["state"]

    @property
    def members(self) -> Json:
        members: Json = self.view["members"]
        return members

    @property
    def is_current(self) -> bool:
        """Whether the view is that of the position, and not of an earlier one whose missed events are on their way."""
        return self._missed_until is None

    def clone(self) -> "RoomCopy":
        """To go on with after a reconnect, while this one stays as it is."""
        twin = RoomCopy(self.room_id)
        twin.view = deepcopy(self.view)
        twin.position = self.position
        return twin

    # --- answers that hold a view, or lead to one -------------------------------------------------------------

    def enter(self, reply: Json, resumed_from: Position | None) -> None:
        """A REPLY to JOIN or CREATE; `resumed_from` is the position that the JOIN named, if it was not ours."""
        self.ended = None
        if reply["data"].get("resumed"):
            self.position = resumed_from or self.position
            self._resume(reply)
        else:
            self.adopt(reply)

    def adopt(self, reply: Json) -> None:
        """A REPLY with a view, which stands exactly at the reply's position."""
        require("room" in reply["data"], f"neither resumed nor a view: {reply!r}")
        at = Position(reply["epoch"], reply["seq"])
        require(at >= self.position, f"a view of the past, {at} after {self.position}")
        self.position = at
        self.view = self._checked(reply["data"]["room"])
        self._missed_until = None

    def _resume(self, reply: Json) -> None:
        require("missed" in reply["data"], f"resumed without missed: {reply!r}")
        require(reply["epoch"] == self.position.epoch, "resumed into another epoch")
        missed = reply["seq"] - self.position.seq
        require(reply["data"]["missed"] == missed, f"missed is not head - seq = {missed}: {reply!r}")
        self._missed_until = reply["seq"] if missed else None
        self._missed_any = self._missed_view = False

    # --- events -----------------------------------------------------------------------------------------------

    def hear(self, frame: Json) -> None:
        """An event of this room, or HIDDEN."""
        require(self.ended is None, f"an event after DETACHED {self.ended}: {frame!r}")
        if frame["type"] == "HIDDEN":
            self._advance(frame, frame.get("count", 1))
        elif frame["epoch"] > self.position.epoch:
            self._start_epoch(frame)
        else:
            self._advance(frame, 1)
            self._change(frame)
            self._check_host(frame)
            self.last_event = frame

    def _advance(self, frame: Json, by: int) -> None:
        require(by >= 1, f"a run of no events: {frame!r}")
        expected = Position(self.position.epoch, self.position.seq + by)
        got = Position(frame["epoch"], frame["seq"])
        require(got == expected, f"expected {expected}, got {got}: {frame!r}")
        self.position = got
        if self._missed_until is not None:
            self._check_missed(frame)

    def _check_missed(self, frame: Json) -> None:
        """Missed events come without patches, the last that we may see with one whole view.

        Reading: where every missed event is a whisper to others, the view has not changed and none comes.
        """
        if frame["type"] != "HIDDEN":
            whole = "view" in frame or [step["path"] for step in frame.get("patch", [])] == [""]
            require(not self._missed_view, f"a missed event after the one with the whole view: {frame!r}")
            require(whole or "patch" not in frame, f"a missed event with a patch: {frame!r}")
            self._missed_view, self._missed_any = whole, True
        if frame["seq"] == self._missed_until:
            require(
                self._missed_view or not self._missed_any, f"no missed event had the whole view: {frame!r}"
            )
            self._missed_until = None

    def _start_epoch(self, frame: Json) -> None:
        require(frame["type"] == "EPOCH_STARTED", f"a new epoch without EPOCH_STARTED: {frame!r}")
        paths = [step["path"] for step in frame.get("patch", [])]
        require(paths == [""] or "view" in frame, f"EPOCH_STARTED without a whole view: {frame!r}")
        self.position = Position(frame["epoch"], frame["seq"])
        self._change(frame)

    def _change(self, frame: Json) -> None:
        if "view" in frame:
            self.view = self._checked(frame["view"])
        elif "patch" in frame:
            self.view = self._checked(apply_patch(self.view, frame["patch"]))

    def _check_host(self, frame: Json) -> None:
        """The first event of a command has the whole patch, so the view knows the host by now, or will at the end."""
        if frame["type"] == "HOST_CHANGED" and self._missed_until is None:
            told, shown = frame["data"]["host_id"], self.view["host_id"]
            require(told == shown, f"the host is {told}, the view shows {shown}")

    def _checked(self, view: Json) -> Json:
        room_view("room", view)
        if view["room_id"] != self.room_id:
            raise RuleBroken(f"the view of another room: {view['room_id']}")
        return view

    def detach(self, reason: str) -> None:
        """DETACHED: no event of this room follows on this connection."""
        require(self.ended is None, f"DETACHED twice: {reason}")
        if reason in LAST_EVENT and self.last_event is not None:
            self._check_last(self.last_event, reason)
        self.ended = reason

    def _check_last(self, event: Json, reason: str) -> None:
        require(event["type"] == LAST_EVENT[reason], f"{reason}, but the last event was {event!r}")
        updated = "patch" in event or "view" in event
        require(reason == "closed" or not updated, f"who is not there any more got an update: {event!r}")
