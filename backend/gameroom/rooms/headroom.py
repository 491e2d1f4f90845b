"""Place in a message for what nobody can refuse: longer names, lost connections, members that come back.

The whole view of a room must fit into one message, whatever becomes of its members. So what can be refused is refused
where it leaves too little place for that. It is counted from above, of parts that are encoded anyway: no view is made.
"""

from collections.abc import Mapping

from gameroom.rooms.parts import GAME, PLAY, ROOM

MEMBER_BYTES = 900
"""A member, at most: its id, 50 characters of four bytes, a URL of 512, since when it is away, and the words around.

Names have no controls and URLs nothing that JSON would write as more than one byte; a quote takes two.
"""

HEAD_BYTES = 2_048
"""All else in a message with a view: the heads of an event or a REPLY, and the words around the room's own fields."""


def most_bytes(parts: Mapping[str, bytes | None], members: int) -> int:
    """How long a message with the view can become while the room, its play and its game stay as they are."""
    itself = sum(len(parts.get(name) or b"") for name in (ROOM, PLAY, GAME))
    newcomer = 1  # is told twice in the message that shows it first
    return HEAD_BYTES + itself + MEMBER_BYTES * (members + newcomer)
