"""Rooms that were lost lately: how long each of them rests before it is opened again, and which cannot go on."""

from dataclasses import dataclass

from gameroom.clock import Clock

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 30.0
CALM_S = 60.0
"""After so long without a loss a room is like any other."""

HOPELESS = 3
"""A room that is lost so often, and stores nothing in between, cannot get past what it meets."""


@dataclass(slots=True)
class _Setback:
    at: float
    pause_s: float
    fruitless: int = 1
    """Losses since an event was stored."""
    events: int | None = None


class Setbacks:
    """Remembers a room from its loss until it has been calm for a while; one that cannot go on, for good."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rooms: dict[str, _Setback] = {}
        self._hopeless: set[str] = set()

    def lost(self, room_id: str) -> float:
        """How many seconds the room rests now."""
        now = self._clock.monotonic()
        self._forget_before(now - CALM_S)
        setback = self._rooms.get(room_id)
        if setback is None:
            setback = self._rooms[room_id] = _Setback(now, FIRST_PAUSE_S)
        else:
            setback.at = now
            setback.pause_s = min(2 * setback.pause_s, LONGEST_PAUSE_S)
            setback.fruitless += 1
        return setback.pause_s

    def reopened(self, room_id: str, events: int) -> bool:
        """Whether the room may go on, of which so many events are stored.

        Starts of epochs are not counted: losing a room whose play is not journaled stores one each time.
        """
        setback = self._rooms.get(room_id)
        if setback is None:
            return True
        if setback.events is not None and setback.events < events:
            setback.fruitless = 1
        setback.events = events
        if setback.fruitless >= HOPELESS:
            self._hopeless.add(room_id)
        return room_id not in self._hopeless

    def is_hopeless(self, room_id: str) -> bool:
        return room_id in self._hopeless

    def _forget_before(self, moment: float) -> None:
        for room_id in [room_id for room_id, setback in self._rooms.items() if setback.at < moment]:
            del self._rooms[room_id]
