"""The window of command ids: an index over the records, which makes every command exactly-once.

It holds every id that the open room has ever applied, and where; a member's last 128 are answered again, all of
them for ten minutes after it left or the room closed; older ones are refused, never applied again. Refusals are
remembered for a minute, so that a late copy of a refused command is not applied after all.
"""

from gameroom.clock import Millis
from gameroom.errors import GameroomError, IdReused
from gameroom.rooms.command_ids import Applied, CommandKey
from gameroom.rooms.records import StoredAnswer, Unrecorded
from gameroom.rooms.refusals import Refusals, other_content

MEMBER_WINDOW = 128
AFTERLIFE_MS: Millis = 600_000
VOLATILE_WINDOW = 1_024
"""Commands remembered of each user where no record holds them: play that is not journaled. The oldest go first."""

SPENT_IDS = 100_000
"""Older ids of such play that a room still refuses, as short hashes; the oldest go first."""

REFUSALS = 1_000
"""Refusals remembered in one room; the oldest goes first."""


class CommandWindow:
    """`refusals`: those of the same room before it was lost.

    What was refused beside what could not be stored is forgotten by `rollback`: it may rest on that.
    """

    def __init__(self, refusals: Refusals | None = None) -> None:
        self._recorded: dict[int, int] = {}
        """Commands that a record answers, which are never forgotten: by their short hash, packed into a number each."""
        self._unrecorded: dict[str, dict[str, Applied]] = {}
        """The others, by user and id, in order."""
        self._count: dict[str, int] = {}
        self._spent: dict[int, None] = {}
        self.refusals = Refusals(REFUSALS) if refusals is None else refusals
        self._untold: list[CommandKey] = []
        """What was refused since the last `settle`."""

    def apply(self, key: CommandKey, seq: int, answer: StoredAnswer | None = None) -> None:
        """The command is decided and its first event is `seq`."""
        ordinal = self._count.get(key.user_id, 0) + 1
        self._count[key.user_id] = ordinal
        applied = Applied(seq, ordinal, _content(key), answer)
        if answer is None:
            self._recorded[_short(key.user_id, key.command_id)] = _packed(applied)
        else:
            self._remember(key, applied)

    def _remember(self, key: CommandKey, applied: Applied) -> None:
        """Of the oldest no more is kept than that it was used."""
        commands = self._unrecorded.setdefault(key.user_id, {})
        commands[key.command_id] = applied
        if len(commands) > VOLATILE_WINDOW:
            oldest = next(iter(commands))
            del commands[oldest]
            self._spent[_short(key.user_id, oldest)] = None
            if len(self._spent) > SPENT_IDS:
                del self._spent[next(iter(self._spent))]

    def unrecorded(self) -> list[Unrecorded]:
        """Each user's last 128 that no record holds, in order: for a snapshot that hands the room over."""
        return [
            Unrecorded(user_id, command_id, f"{applied.content:016x}", applied.seq, applied.answer)
            for user_id, commands in self._unrecorded.items()
            for command_id, applied in tuple(commands.items())[-MEMBER_WINDOW:]
            if applied.answer is not None
        ]

    def refuse(self, key: CommandKey, error: GameroomError, now: Millis) -> None:
        """The command was refused."""
        if self.refusals.add(key, error, now):
            self._untold.append(key)

    def settle(self) -> None:
        """What was decided is stored, and told."""
        self._untold.clear()

    def rollback(self) -> None:
        """What was decided since the last `settle` is certainly not stored, and not told."""
        for key in self._untold:
            self.refusals.forget(key)
        self._untold.clear()

    def has(self, user_id: str, command_id: str) -> bool:
        return self._applied(user_id, command_id) is not None

    def find(self, key: CommandKey) -> Applied | None:
        """The applied command with this id. Raises `IdReused` if it had other content."""
        applied = self._applied(key.user_id, key.command_id)
        if applied is not None and applied.content != _content(key):
            raise other_content(key.command_id)
        return applied

    def _applied(self, user_id: str, command_id: str) -> Applied | None:
        packed = self._recorded.get(_short(user_id, command_id))
        if packed is not None:
            return _unpacked(packed)
        commands = self._unrecorded.get(user_id)
        return None if commands is None else commands.get(command_id)

    def is_recent(self, key: CommandKey, applied: Applied) -> bool:
        """Whether it is among the user's last 128."""
        return self._count[key.user_id] - applied.ordinal < MEMBER_WINDOW

    def refused_before(self, key: CommandKey, now: Millis) -> GameroomError | None:
        """The refusal that this id once got. Raises `IdReused` if that was for other content, or long ago applied."""
        if self._spent and _short(key.user_id, key.command_id) in self._spent:
            raise expired(key.command_id)
        return self.refusals.find(key, now)


def expired(command_id: str) -> IdReused:
    return IdReused(
        f"The id {command_id!r} was used too long ago to be answered again; take a new one",
        params={"reason": "expired"},
    )


def _short(user_id: str, command_id: str) -> int:
    """60 bits, of this process only: so small a number takes 32 bytes. Python's hash of strings is keyed."""
    return hash((user_id, command_id)) & 0x0FFF_FFFF_FFFF_FFFF


def _content(key: CommandKey) -> int:
    """64 bits of what tells contents apart."""
    return int.from_bytes(key.input_hash[:8])


def _packed(applied: Applied) -> int:
    return applied.seq << 96 | applied.ordinal << 64 | applied.content


def _unpacked(packed: int) -> Applied:
    return Applied(packed >> 96, packed >> 64 & 0xFFFF_FFFF, packed & 0xFFFF_FFFF_FFFF_FFFF)
