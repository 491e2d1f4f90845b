"""How the people of one room are shown: its members, and for a while those who have left it."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from gameroom.protocol.codec import encode
from gameroom.rooms.rooms import Card

NOBODY = Card(display_name="?", avatar_url=None)
"""The card of a user whose account is gone."""

UNKNOWN = Card(display_name="", avatar_url="")
"""Stands for a card that was shown once and is not known any more: nobody has such a one, so every card differs."""


def mark_of(user_id: str, card: Card, key: bytes) -> str:
    """Tells one card of a user from another, and without the server's key nothing of either."""
    shown = encode((user_id, card.display_name, card.avatar_url))
    return blake2b(shown, key=key, person=b"card", digest_size=4).hexdigest()


class CardBook:
    """Changes within a turn, as the state does: kept by `settle`, undone by `rollback`."""

    __slots__ = ("_before", "_cards", "_untold")

    def __init__(self, cards: Mapping[str, Card] | None = None) -> None:
        self._cards = dict(cards or {})
        self._before: dict[str, Card | None] = {}
        self._untold: set[str] = set()

    @property
    def untold(self) -> frozenset[str]:
        """Who was shown otherwise before the room was opened, and whose new card nobody was told of yet."""
        return frozenset(self._untold)

    def expect(self, untold: Iterable[str]) -> None:
        """These users' cards are not those that were shown last."""
        self._untold.update(untold)

    def put(self, user_id: str, card: Card) -> None:
        """The user is shown so from now on."""
        self._change(user_id, card)

    def forget(self, user_id: str) -> None:
        """The user is shown as nobody from now on."""
        self._change(user_id, None)

    def settle(self) -> None:
        """The turn is decided."""
        self._untold.difference_update(self._before)
        self._before.clear()

    def rollback(self) -> None:
        """As if the turn had not been."""
        for user_id, card in self._before.items():
            self._put(user_id, card)
        self._before.clear()

    def card(self, user_id: str) -> Card:
        return self._cards.get(user_id, NOBODY)

    def card_before(self, user_id: str) -> Card:
        """The card as it was shown before this turn."""
        if user_id in self._untold:
            return UNKNOWN
        return (self._before[user_id] or NOBODY) if user_id in self._before else self.card(user_id)

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._cards

    def __len__(self) -> int:
        return len(self._cards)

    def _change(self, user_id: str, card: Card | None) -> None:
        self._before.setdefault(user_id, self._cards.get(user_id))
        self._put(user_id, card)

    def _put(self, user_id: str, card: Card | None) -> None:
        if card is None:
            self._cards.pop(user_id, None)
        else:
            self._cards[user_id] = card
