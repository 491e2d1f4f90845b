"""A command that is under way alone, and the events that arrive before its answer. Pure."""

from gameroom.bus.bus import Delivery
from gameroom.gateway.asked import Asked
from gameroom.protocol.frames import Frame

MAX_HELD = 1_024
"""Events held back during a splice."""

Position = tuple[int, int]
"""`(epoch, seq)`."""

Heard = tuple[Delivery, Frame | None]
"""An event, and its frame for the user, if it has one for that user."""


class Splice:
    """Begins with the command, ends with its answer, which then is put exactly at its position among the events."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self._held: list[Heard] = []

    def hold(self, heard: Heard) -> bool:
        """Keep an event back. False: it is one more than may be."""
        if len(self._held) >= MAX_HELD:
            return False
        self._held.append(heard)
        return True

    def around(self, at: Position) -> tuple[list[Heard], list[Heard]]:
        """The answer stands at this position: what was held up to it, and what was held after it, as it came."""
        before = [heard for heard in self._held if position_of(heard[0]) <= at]
        after = [heard for heard in self._held if position_of(heard[0]) > at]
        return before, after

    def all(self) -> list[Heard]:
        """There is no position: all that was held, as it came."""
        return list(self._held)


def position_of(delivery: Delivery) -> Position:
    return delivery.epoch, delivery.seq
