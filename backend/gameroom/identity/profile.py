"""What users may say of themselves, and what others can be shown of that. Pure."""

import unicodedata
from urllib.parse import urlsplit

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict, replace

from gameroom.identity.account import Account
from gameroom.protocol.commands import FreeJson

INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"})
"""Controls, formats, surrogates, marks that need a letter to stand on, and blanks.

Characters that this Python does not know count as visible: they may be the emoji of next year.
"""

BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and a symbol to Unicode, and nothing to the eye: the Hangul fillers and the blank of Braille."""


class ProfileChange(Struct, frozen=True, kw_only=True):
    """New values for some fields of an account, within the wire's limits already; what is unset stays."""

    display_name: str | UnsetType = UNSET
    avatar_url: str | UnsetType | None = UNSET
    metadata: dict[str, FreeJson] | UnsetType = UNSET

    def applied_to(self, account: Account) -> Account:
        given = {name: value for name, value in asdict(self).items() if value is not UNSET}
        return replace(account, **given)


def shows_something(name: str) -> bool:
    """Whether anything of the name can be seen."""
    return any(
        unicodedata.category(character) not in INVISIBLE_CATEGORIES and character not in BLANK_LETTERS
        for character in name
    )


def is_web_url(text: str) -> bool:
    """Whether this is an absolute http or https URL as RFC 3986 writes it, and carries no credentials."""
    if not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port  # parsed, and judged, only when it is asked for
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
