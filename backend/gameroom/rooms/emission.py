"""An event in the making."""

from msgspec import Struct

from gameroom.games.effects import Announcement
from gameroom.protocol.answers import DetachReason
from gameroom.protocol.events import Event


class Emission(Struct, frozen=True, kw_only=True):
    """An event that a handler has caused.

    `audience`: who may see it (None: all; it then may carry a patch). `parting`: who hears this event last and
    without a patch, and why; `ends_all`: why nobody hears anything after it.
    """

    event: Event
    announcements: tuple[Announcement, ...] = ()
    audience: frozenset[str] | None = None
    parting: tuple[str, DetachReason] | None = None
    ends_all: DetachReason | None = None
