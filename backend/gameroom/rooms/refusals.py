"""Commands that were refused lately: a late copy of one must not be applied after all."""

from collections import OrderedDict

from gameroom.clock import Millis
from gameroom.errors import GameroomError, IdReused
from gameroom.rooms.command_ids import CommandKey, Refusal

REFUSAL_MS: Millis = 60_000


class Refusals:
    """Remembers each for a minute, at most `limit` of them: the oldest goes first."""

    __slots__ = ("_limit", "_refusals")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._refusals: OrderedDict[tuple[str, str], Refusal] = OrderedDict()

    def add(self, key: CommandKey, error: GameroomError, now: Millis) -> bool:
        """The command was refused, which counts for the first time only: returns whether it was.

        What is retryable may be sent again with its id and is not remembered.
        """
        line = (key.user_id, key.command_id)
        if error.retryable or line in self._refusals:
            return False
        again = error.reworded(
            f"{error.message} (so this id was refused before; to try anew, take a new one)"
        )
        self._refusals[line] = Refusal(key.input_hash, again, now + REFUSAL_MS)
        if len(self._refusals) > self._limit:
            self._refusals.popitem(last=False)
        return True

    def forget(self, key: CommandKey) -> None:
        """The refusal was never told."""
        self._refusals.pop((key.user_id, key.command_id), None)

    def find(self, key: CommandKey, now: Millis) -> GameroomError | None:
        """The refusal that this id once got. Raises `IdReused` if that was for other content."""
        refusal = self._refusals.get((key.user_id, key.command_id))
        if refusal is None:
            return None
        if refusal.until <= now:
            del self._refusals[key.user_id, key.command_id]
            return None
        if refusal.input_hash != key.input_hash:
            raise other_content(key.command_id)
        return refusal.error


def other_content(command_id: str) -> IdReused:
    return IdReused(
        f"The id {command_id!r} was used before for another command; take a new one",
        params={"reason": "other_content"},
    )
