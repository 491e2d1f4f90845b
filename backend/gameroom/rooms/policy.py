"""What an operator decides for all rooms of a server."""

from dataclasses import dataclass, field

from gameroom.clock import Millis
from gameroom.rooms.making import ROOMS_A_MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomPolicy:
    """Durations are in milliseconds unless they say otherwise.

    `grace_ms`: how long a disconnected member's place is kept. `empty_ms`: when a room that nobody is connected to
    closes. `development`: START_GAME may bring a seed. `rooms_per_user`: open rooms that a user may be a member of.
    `rooms_made`: how many a user may make in a minute.
    `rest_after_s`: when a room that nothing reaches is kept in little memory; `evict_after_s`: when one that nobody is
    connected to is put away. `card_key`: a secret of at most 64 bytes, the same after a restart; what is stored of
    cards tells nothing without it.
    """

    grace_ms: Millis = 60_000
    empty_ms: Millis = 600_000
    development: bool = False
    mailbox: int = 1_000
    rooms_per_user: int = 20
    rooms_made: int = ROOMS_A_MINUTE
    command_deadline_s: float = 10.0
    max_frame_bytes: int = 1_048_576
    snapshot_every: int = 100
    confirm_ms: Millis = 2_000
    rest_after_s: float = 10.0
    evict_after_s: float = 300.0
    card_key: bytes = field(default=b"", repr=False)
