"""Cursors of lists: opaque to clients, a place in the list inside."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from gameroom.errors import ValidationFailed
from gameroom.rooms.directory import Place


def cursor_of(place: Place) -> str:
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_of(cursor: str) -> Place:
    """Raises `ValidationFailed` for what `cursor_of` has not made."""
    try:
        padding = "=" * (-len(cursor) % 4)
        return msgspec.json.decode(urlsafe_b64decode(cursor + padding), type=Place)
    except (ValueError, msgspec.MsgspecError):
        raise ValidationFailed.at(
            "#/cursor", "this is no next_cursor of this list; leave it out to begin anew"
        ) from None
