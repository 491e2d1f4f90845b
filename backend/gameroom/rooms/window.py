"""The window of command ids: an index over the records, which makes every command exactly-once.

It holds every id that the open room has ever applied, and where; a member's last 128 are answered again, all of
them for ten minutes after it left or the room closed; older ones are refused, never applied again. Refusals are
remembered for a minute, so that a late copy of a refused command is not applied after all.
"""

from collections import OrderedDict, deque
from hashlib import blake2b

from msgspec import Struct

from gameroom.clock import Millis
from gameroom.errors import GameroomError, IdReused
from gameroom.rooms.records import StoredAnswer, Unrecorded

MEMBER_WINDOW = 128
AFTERLIFE_MS: Millis = 600_000
REFUSAL_MS: Millis = 60_000
VOLATILE_WINDOW = 1_024
"""Commands remembered of each user where no record holds them: play that is not journaled. The oldest go first."""

SPENT_IDS = 100_000
"""Older ids of such play that a room still refuses, as short hashes; the oldest go first."""

REFUSALS = 1_000
"""Refusals remembered in one room; the oldest goes first."""


class CommandKey(Struct, frozen=True):
    """Whose command it is, by its id; `input_hash` tells whether it is the same one again."""

    user_id: str
    command_id: str
    input_hash: bytes


class Applied(Struct, frozen=True):
    """A command that was done. `answer` is kept only where no record holds it (play that is not journaled)."""

    seq: int
    input_hash: bytes
    ordinal: int
    answer: StoredAnswer | None = None


class Refusal(Struct, frozen=True):
    input_hash: bytes
    error: GameroomError
    until: Millis


class CommandWindow:
    def __init__(self) -> None:
        self._applied: dict[tuple[str, str], Applied] = {}
        self._count: dict[str, int] = {}
        self._unrecorded: dict[str, deque[str]] = {}
        self._spent: dict[int, None] = {}
        self._refusals: OrderedDict[tuple[str, str], Refusal] = OrderedDict()

    def apply(self, key: CommandKey, seq: int, answer: StoredAnswer | None = None) -> None:
        """The command is decided and its first event is `seq`."""
        ordinal = self._count.get(key.user_id, 0) + 1
        self._count[key.user_id] = ordinal
        self._applied[key.user_id, key.command_id] = Applied(seq, key.input_hash, ordinal, answer)
        if answer is not None:
            self._bound(key.user_id, key.command_id)

    def _bound(self, user_id: str, command_id: str) -> None:
        ids = self._unrecorded.setdefault(user_id, deque())
        ids.append(command_id)
        if len(ids) > VOLATILE_WINDOW:
            self._spend(user_id, ids.popleft())

    def _spend(self, user_id: str, command_id: str) -> None:
        """Keep no more of it than that it was used."""
        del self._applied[user_id, command_id]
        self._spent[_short(user_id, command_id)] = None
        if len(self._spent) > SPENT_IDS:
            del self._spent[next(iter(self._spent))]

    def unrecorded(self) -> list[Unrecorded]:
        """Each user's last 128 that no record holds, in order: for a snapshot that hands the room over."""
        found = []
        for user_id, ids in self._unrecorded.items():
            for command_id in tuple(ids)[-MEMBER_WINDOW:]:
                applied = self._applied[user_id, command_id]
                if applied.answer is not None:
                    digest = applied.input_hash.hex()
                    found.append(Unrecorded(user_id, command_id, digest, applied.seq, applied.answer))
        return found

    def refuse(self, key: CommandKey, error: GameroomError, now: Millis) -> None:
        """The command was refused; what is retryable may be sent again with its id and is not remembered."""
        if error.retryable:
            return
        again = error.reworded(
            f"{error.message} (so this id was refused before; to try anew, take a new one)"
        )
        self._refusals[key.user_id, key.command_id] = Refusal(key.input_hash, again, now + REFUSAL_MS)
        if len(self._refusals) > REFUSALS:
            self._refusals.popitem(last=False)

    def has(self, user_id: str, command_id: str) -> bool:
        return (user_id, command_id) in self._applied

    def find(self, key: CommandKey) -> Applied | None:
        """The applied command with this id. Raises `IdReused` if it had other content."""
        applied = self._applied.get((key.user_id, key.command_id))
        if applied is not None and applied.input_hash != key.input_hash:
            raise _other_content(key.command_id)
        return applied

    def is_recent(self, key: CommandKey, applied: Applied) -> bool:
        """Whether it is among the user's last 128."""
        return self._count[key.user_id] - applied.ordinal < MEMBER_WINDOW

    def refused_before(self, key: CommandKey, now: Millis) -> GameroomError | None:
        """The refusal that this id once got. Raises `IdReused` if that was for other content, or long ago applied."""
        if self._spent and _short(key.user_id, key.command_id) in self._spent:
            raise expired(key.command_id)
        refusal = self._refusals.get((key.user_id, key.command_id))
        if refusal is None:
            return None
        if refusal.until <= now:
            del self._refusals[key.user_id, key.command_id]
            return None
        if refusal.input_hash != key.input_hash:
            raise _other_content(key.command_id)
        return refusal.error


def expired(command_id: str) -> IdReused:
    return IdReused(
        f"The id {command_id!r} was used too long ago to be answered again; take a new one",
        params={"reason": "expired"},
    )


def _other_content(command_id: str) -> IdReused:
    return IdReused(
        f"The id {command_id!r} was used before for another command; take a new one",
        params={"reason": "other_content"},
    )


def _short(user_id: str, command_id: str) -> int:
    return int.from_bytes(blake2b(f"{user_id}\0{command_id}".encode(), digest_size=8).digest())
