"""Which names of people and rooms can be shown to others."""

import unicodedata

INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"})
"""Controls, formats, surrogates, marks that need a letter to stand on, and blanks.

Characters that this Python does not know count as visible: they may be the emoji of next year.
"""

BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and a symbol to Unicode, and nothing to the eye: the Hangul fillers and the blank of Braille."""

CONTROL_CATEGORIES = frozenset({"Cc", "Zl", "Zp"})
"""What moves a cursor instead of showing something. In JSON most of them take six bytes."""


def fault_of_name(name: str) -> str | None:
    """Why nobody and nothing can be called so; None: it is fine."""
    categories = [unicodedata.category(character) for character in name]
    if not CONTROL_CATEGORIES.isdisjoint(categories):
        return "a name has no control characters, such as tabs and line breaks"
    seen = (
        category not in INVISIBLE_CATEGORIES and character not in BLANK_LETTERS
        for character, category in zip(name, categories, strict=True)
    )
    return None if any(seen) else "a name needs at least one character that can be seen"
