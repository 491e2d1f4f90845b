"""`GameRandom`: the same key and counter draw the same numbers, and every outcome is as likely as the next."""

from collections import Counter
from hashlib import blake2b
from itertools import permutations

import pytest

from gameroom.games.random import GameRandom, key_of_seed

KEY = key_of_seed("a test")


def test_the_nth_number_is_the_keyed_hash_of_n() -> None:
    """Pinned: another generator would deal other cards to rooms that are being played."""
    drawn = GameRandom(KEY, counter=7).random()
    digest = blake2b((7).to_bytes(8, "little"), key=KEY, digest_size=8).digest()
    assert drawn == (int.from_bytes(digest, "little") >> 11) / 2**53


def test_the_counter_is_all_the_state() -> None:
    first = GameRandom(KEY)
    first.random()
    assert first.counter == 1
    first.sample(range(100), 10)
    second = GameRandom(KEY, first.counter)
    assert [first.random() for _ in range(5)] == [second.random() for _ in range(5)]


def test_a_copy_draws_the_same_and_moves_on_its_own() -> None:
    original = GameRandom(KEY, counter=3)
    copy = original.copy()
    assert copy.random() == GameRandom(KEY, counter=3).random()
    assert original.counter == 3


def test_another_key_draws_other_numbers() -> None:
    assert GameRandom(KEY).random() != GameRandom(key_of_seed("another")).random()


def test_seeds_may_be_numbers_or_words() -> None:
    assert key_of_seed(7) == key_of_seed("7")
    assert len(key_of_seed(7)) == 32


def test_the_key_is_not_shown() -> None:
    assert KEY.hex() not in repr(GameRandom(KEY))
    assert str(KEY) not in repr(GameRandom(KEY))


@pytest.mark.parametrize("sides", [2, 3, 6, 10])
def test_every_side_of_a_die_is_as_likely(sides: int) -> None:
    """Chi-squared, 20 degrees of freedom at most: 45 is passed by chance once in a thousand keys; the key is fixed."""
    dice, throws = GameRandom(KEY), 6000
    seen = Counter(dice.randint(1, sides) for _ in range(throws))
    expected = throws / sides
    assert set(seen) == set(range(1, sides + 1))
    assert sum((count - expected) ** 2 / expected for count in seen.values()) < 45


def test_every_order_is_as_likely() -> None:
    cards, throws = GameRandom(KEY), 6000
    seen: Counter[tuple[int, ...]] = Counter()
    for _ in range(throws):
        deck = [1, 2, 3]
        cards.shuffle(deck)
        seen[tuple(deck)] += 1
    assert set(seen) == set(permutations([1, 2, 3]))
    assert all(abs(count - throws / 6) < 150 for count in seen.values())


class Scripted(GameRandom):
    """Draws the given words instead of hashes."""

    def __init__(self, *words: int) -> None:
        super().__init__(KEY)
        self._script = list(words)

    def _word(self) -> int:
        return self._script.pop(0)


def test_a_word_that_would_favour_small_numbers_is_drawn_again() -> None:
    """2**64 leaves a rest of 6 when divided by 10: the last 6 words are not used."""
    assert Scripted(2**64 - 1, 2**64 - 6, 2**64 - 7).randrange(10) == 9


def test_nothing_to_draw_from() -> None:
    numbers = GameRandom(KEY)
    with pytest.raises(ValueError, match="empty"):
        numbers.randint(2, 1)
    with pytest.raises(IndexError):
        numbers.choice([])
    with pytest.raises(ValueError, match="4 of 3"):
        numbers.sample([1, 2, 3], 4)
    with pytest.raises(ValueError, match="-1 of 3"):
        numbers.sample([1, 2, 3], -1)


def test_sample_leaves_the_items_as_they_are() -> None:
    items = [1, 2, 3, 4]
    assert sorted(GameRandom(KEY).sample(items, 4)) == items == [1, 2, 3, 4]
