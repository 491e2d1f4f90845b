"""What users may say of themselves, and what others can be shown of that. Pure."""

import re
from urllib.parse import urlsplit

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict, replace

from gameroom.identity.account import Account
from gameroom.protocol.commands import FreeJson

NO_URL = re.compile(r"[^A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]")
"""What RFC 3986 has in no URL: blanks, quotes, backslashes, controls, and whatever is not ASCII."""


class ProfileChange(Struct, frozen=True, kw_only=True):
    """New values for some fields of an account, within the wire's limits already; what is unset stays."""

    display_name: str | UnsetType = UNSET
    avatar_url: str | UnsetType | None = UNSET
    metadata: dict[str, FreeJson] | UnsetType = UNSET

    def applied_to(self, account: Account) -> Account:
        given = {name: value for name, value in asdict(self).items() if value is not UNSET}
        return replace(account, **given)


def is_web_url(text: str) -> bool:
    """Whether this is an absolute http or https URL as RFC 3986 writes it, and carries no credentials."""
    if NO_URL.search(text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port  # parsed, and judged, only when it is asked for
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
