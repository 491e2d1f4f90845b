"""The ways by which a test's people come to the server: an encoding, and a door.

At the room-bound door everybody who joins a room does so by a socket for that room alone, which joins, and resumes,
by its path and query. Creating a room, a password, a code or an `id` of one's own need `/ws`, so the hosts and some
guests of such a test stay there: rooms then hold sockets of both doors.

How many ways a test is run is said here and nowhere else. The main job and resuming are run by all four. The other
tests of the wire are run by the two that have no half in common: what encodes a frame does not know the door, and
the door does not know the encoding, so a fault of one half shows in one of the two; all four would cost a minute more.
"""

from enum import Enum
from typing import NamedTuple

import pytest

from tests.kit.encoding import Encoding


class Door(Enum):
    """Where a room is joined."""

    ANY_ROOM = "ws"
    ONE_ROOM = "room-bound"


class Way(NamedTuple):
    encoding: Encoding
    door: Door

    def __str__(self) -> str:
        return f"{self.encoding.name.lower()}-{self.door.value}"


PLAIN = Way(Encoding.JSON, Door.ANY_ROOM)

every_way = pytest.mark.ways(*[Way(encoding, door) for encoding in Encoding for door in Door])
pairwise = pytest.mark.ways(PLAIN, Way(Encoding.MSGPACK, Door.ONE_ROOM))
both_encodings = pytest.mark.ways(PLAIN, Way(Encoding.MSGPACK, Door.ANY_ROOM))
"""For tests in which a connection leaves its room and goes on, or is in two: only `/ws` has that."""

plainly = pytest.mark.ways(PLAIN)
"""For tests below the encoding: of bytes, of sizes, of what no command is."""
