"""What the clients of one run did and heard. Plain data: the checker judges it when all is over.

Moments are milliseconds since the Unix epoch, on the clock that the server uses too.
"""

import time
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.kit.wire import RETRYABLE, Json, Position

UNRECORDED = {"type", "room_id", "data", "epoch", "seq", "at", "announcements", "count", "reason"}
"""What of a frame the checker asks for; views and patches have been looked at when they came."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Command:
    """One command of one user. `content`: its type and fields, but for `id`."""

    user_id: str
    id: str
    content: Json

    @property
    def kind(self) -> str:
        return str(self.content["type"])

    @property
    def room_id(self) -> str | None:
        return self.content.get("room_id")


@dataclass
class Attempt:
    """A command was sent, perhaps not for the first time. `answer`: the frame that came back, if any did."""

    command: Command
    sent_at: int
    answer: Json | None = None
    answered_at: int | None = None

    def settle(self, answer: Json) -> None:
        self.answer, self.answered_at = answer, now_ms()

    @property
    def acked(self) -> bool:
        return self.answer is not None and self.answer["type"] == "REPLY"

    @property
    def repeated(self) -> bool:
        return self.answer is not None and self.answer.get("repeated", False)

    @property
    def code(self) -> str | None:
        """The code of the ERROR that answered it."""
        return None if self.answer is None else self.answer.get("code")

    @property
    def refused(self) -> bool:
        """Whether it was refused for good."""
        return self.code is not None and self.code not in RETRYABLE


@dataclass
class Stay:
    """What one connection heard of one room, in order, after the answer that let it in, which stood at `base`."""

    user_id: str
    room_id: str
    base: Position
    frames: list[Json] = field(default_factory=list)

    def hear(self, frame: Json) -> None:
        self.frames.append({name: frame[name] for name in UNRECORDED & frame.keys()})


@dataclass(frozen=True)
class Sighting:
    """What a user's copy of a room showed when it stood exactly at `position`."""

    user_id: str
    room_id: str
    position: Position
    view: Json


class Span(NamedTuple):
    """From `since` to `until`."""

    since: int
    until: int


@dataclass
class History:
    """`lives`: when the server's processes ran. `outages`: when a room could not be expected to do anything."""

    attempts: list[Attempt] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    lives: list[Span] = field(default_factory=list)
    outages: list[Span] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Rules of the wire that the clients saw broken while they played."""
    ended_at: int = 0
    """When the last client had gone home, the server still being up."""
