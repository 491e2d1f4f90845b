"""Chance that survives: a generator whose whole state is a key and a counter."""

from collections.abc import MutableSequence, Sequence
from hashlib import blake2b
from typing import TypeVar

Item = TypeVar("Item")

WORDS = 2**64
"""How many different numbers one hash gives."""


def key_of_seed(seed: str | int) -> bytes:
    """The key that a seed stands for: the same seed deals the same game, in tests and on the server."""
    return blake2b(str(seed).encode(), digest_size=32).digest()


def next_key(key: bytes) -> bytes:
    """The key after this one: who has seen numbers of either can foretell none of the other."""
    return blake2b(key=key, person=b"next key", digest_size=32).digest()


class GameRandom:
    """Random numbers of one room, named as in Python's `random`.

    The n-th number is the keyed BLAKE2b hash of n: who sees any number of them can predict none without the key,
    and `counter` is all that must be stored between two calls. Bounded numbers are unbiased.
    """

    __slots__ = ("_key", "counter")

    def __init__(self, key: bytes, counter: int = 0) -> None:
        self._key = key
        self.counter = counter

    def copy(self) -> "GameRandom":
        """Another generator that will draw the same numbers."""
        return GameRandom(self._key, self.counter)

    def random(self) -> float:
        """A number in [0, 1), with 53 random bits."""
        return (self._word() >> 11) * 2.0**-53

    def randint(self, a: int, b: int) -> int:
        """A whole number from `a` to `b`, both included."""
        return self.randrange(a, b + 1)

    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        """An element of `range(start, stop, step)`, which has fewer than 2^63. Raises ValueError if it is empty."""
        numbers = range(start) if stop is None else range(start, stop, step)
        if not numbers:
            raise ValueError(f"{numbers} is empty")
        return numbers[self._below(len(numbers))]

    def choice(self, items: Sequence[Item]) -> Item:
        """One of the items. Raises IndexError if there are none."""
        if not items:
            raise IndexError("There is nothing to choose from")
        return items[self._below(len(items))]

    def shuffle(self, items: MutableSequence[Item]) -> None:
        """Bring the items into a random order, in place."""
        for last in range(len(items) - 1, 0, -1):
            other = self._below(last + 1)
            items[last], items[other] = items[other], items[last]

    def sample(self, items: Sequence[Item], k: int) -> list[Item]:
        """`k` different items in random order. Raises ValueError if there are fewer."""
        if not 0 <= k <= len(items):
            raise ValueError(f"{k} of {len(items)} items cannot be drawn")
        pool = list(items)
        for first in range(k):
            other = first + self._below(len(pool) - first)
            pool[first], pool[other] = pool[other], pool[first]
        return pool[:k]

    def _below(self, bound: int) -> int:
        """A number in [0, bound). Draws again where the remainder would favour the small ones."""
        fair = WORDS - WORDS % bound
        while (drawn := self._word()) >= fair:
            continue
        return drawn % bound

    def _word(self) -> int:
        message = self.counter.to_bytes(8, "little")
        self.counter += 1
        return int.from_bytes(blake2b(message, key=self._key, digest_size=8).digest(), "little")
