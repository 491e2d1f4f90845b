"""The parts of a room's state, as they are stored. All but the game's own are frozen."""

from msgspec import Struct

from gameroom.clock import Millis
from gameroom.protocol.commands import FreeJson, Role, Visibility
from gameroom.protocol.views import Status

ROOM, PLAY, GAME, MEMBER, LEFT = "room", "play", "game", "member:", "left:"


class RoomPart(Struct, frozen=True, kw_only=True):
    """What the room is. `closes_at`: when it will close because nobody is connected."""

    name: str
    visibility: Visibility
    locked: bool
    password_mac: str | None
    invite_code: str
    host_id: str
    max_players: int
    settings: dict[str, FreeJson]
    metadata: dict[str, FreeJson]
    grace_ms: Millis
    created_at: Millis
    bans: tuple[str, ...] = ()
    closes_at: Millis | None = None


class PlayPart(Struct, frozen=True, kw_only=True):
    """Where its round stands. `players`: the seats of the round, kept until the next one starts.

    Where there are no rounds `players` is empty: whoever has a seat plays.
    """

    status: Status
    round: int
    random_key: bytes
    random_counter: int = 0
    players: dict[int, str] = {}
    timers: dict[str, Millis] = {}
    result: FreeJson = None
    closed_at: Millis | None = None


class Member(Struct, frozen=True, kw_only=True):
    """One member. `joined`: the seq of its joining; `since`: the seq since when its role and seat are unbroken.

    `shown`: a mark of the card that viewers were shown last; empty: not known.
    """

    role: Role
    seat: int | None
    joined: int
    since: int
    ready: bool = False
    connected: bool = False
    reserved_until: Millis | None = None
    shown: str = ""


class Due(Struct, frozen=True, order=True):
    """A timer of the room that stands in its state: a member's grace, the empty room's end, or the game's own."""

    at: Millis
    part: str
    name: str


Parts = dict[str, bytes | None]
"""Changed parts, encoded; None: the part is gone."""
