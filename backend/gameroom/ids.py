"""Names of things: opaque to clients, UUIDv7 (RFC 9562) inside, so that indexes grow at their end."""

import secrets
import sys

if sys.version_info >= (3, 14):
    from uuid import uuid7
else:
    from uuid_utils.compat import uuid7

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U."""


def new_id() -> str:
    """A fresh id of a user, room, sign-in or connection: 36 characters."""
    return str(uuid7())


def first_id_of(moment: int) -> str:
    """What sorts before every id made at that moment (milliseconds since 1970) or later, and after all earlier ones."""
    digits = f"{moment:012x}"
    return f"{digits[:8]}-{digits[8:]}"


def new_invite_code() -> str:
    """Eight random Crockford base-32 characters: 40 bits."""
    return "".join(secrets.choice(CROCKFORD) for _ in range(8))


def normalize_invite_code(text: str) -> str:
    """The code as stored: upper case, without spaces and dashes, look-alikes mapped (Crockford)."""
    plain = text.replace(" ", "").replace("-", "").upper()
    return plain.translate(str.maketrans("OIL", "011"))
