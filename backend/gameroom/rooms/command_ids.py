"""Commands as rooms remember them, so that each is done once."""

from msgspec import Struct

from gameroom.clock import Millis
from gameroom.errors import GameroomError
from gameroom.rooms.records import StoredAnswer


class Applied(Struct, frozen=True):
    """A command that was done. `content` tells whether it is the same one again; `answer` is kept only where no
    record holds it (play that is not journaled)."""

    seq: int
    ordinal: int
    content: int
    answer: StoredAnswer | None = None


class CommandKey(Struct, frozen=True):
    """Whose command it is, by its id; `input_hash` tells whether it is the same one again."""

    user_id: str
    command_id: str
    input_hash: bytes


class Refusal(Struct, frozen=True):
    input_hash: bytes
    error: GameroomError
    until: Millis
