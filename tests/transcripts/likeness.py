"""Whether a server said what the page shows, where ids, moments, codes and tokens are those of another day."""

import re
from collections.abc import Iterator

from tests.kit.wire import RFC3339_MS

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{8}")
CUT = "…"
"""Where the page has cut a token."""

SLOWNESS = 2
"""Seconds by which what is left of a token may differ."""


class Names:
    """What each word of the page stands for in this play: `ada` for an id, a code for another one.

    A word that is new is bound to what the server says in its place, if that is opaque; never two words to the same.
    """

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def bind(self, word: str, real: str) -> None:
        self._real[word] = real
        if CODE.fullmatch(real):
            self._real[typed(word)] = typed(real)

    def __getitem__(self, word: str) -> str:
        return self._real[word]

    def real(self, shown: object) -> object:
        """The same value with the words of this play."""
        return _with_words(shown, self._real)

    def shown(self, real: object) -> object:
        """The same value with the words of the page."""
        return _with_words(real, {real: word for word, real in self._real.items()})

    def differences(self, shown: object, real: object, at: str = "#") -> Iterator[str]:
        """Where the page differs from what was said, as JSON Pointers with both values."""
        match shown, real:
            case dict(), dict():
                if self.real([*shown]) != [*real]:
                    yield f"{at}: the fields {[*shown]}, really {[*real]}"
                for name, value in shown.items():
                    if self.real(name) in real:
                        yield from self.differences(value, real[self.real(name)], f"{at}/{name}")
            case list(), list() if len(shown) == len(real):
                for index, (one, other) in enumerate(zip(shown, real, strict=True)):
                    yield from self.differences(one, other, f"{at}/{index}")
            case int(), int() if at.endswith("expires_in") and abs(shown - real) <= SLOWNESS:
                pass
            case str(), str() if self._stands_for(shown, real):
                pass
            case _ if (type(shown), shown) != (type(real), real):
                yield f"{at}: {shown!r}, really {real!r}"

    def _stands_for(self, shown: str, real: str) -> bool:
        if self.real(shown) == real or (RFC3339_MS.fullmatch(shown) and RFC3339_MS.fullmatch(real)):
            return True
        opaque = UUID.fullmatch(real) or CODE.fullmatch(real) or CUT in shown
        if not opaque or shown in self._real or real in self._real.values():
            return False
        self.bind(shown, real)
        return True


def typed(code: str) -> str:
    """An invite code as people may type it."""
    return f"{code[:4]}-{code[4:]}".lower()


def _with_words(value: object, words: dict[str, str]) -> object:
    match value:
        case dict():
            return {words.get(name, name): _with_words(inner, words) for name, inner in value.items()}
        case list():
            return [_with_words(inner, words) for inner in value]
        case str() if value.startswith("/"):
            return "/".join(words.get(part, part) for part in value.split("/"))
        case str():
            return words.get(value, value)
    return value
