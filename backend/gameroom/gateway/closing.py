"""How the server ends a connection: an ERROR that says why, where a 4xxx close follows, then the close."""

from msgspec import Struct
from msgspec.structs import replace

from gameroom.errors import GameroomError, RateLimited, RoomClosed, TokenExpired
from gameroom.identity.account import account_gone, signed_out, suspended
from gameroom.identity.revocations import Revocation
from gameroom.protocol.answers import DetachReason, Error
from gameroom.protocol.codec import error_frame, frame_of
from gameroom.protocol.codes import COME_BACK, CloseCode, CloseWord, close_code_of
from gameroom.protocol.frames import Frame

FLOOD_PAUSE_MS = 1_000
"""When a connection that was cut for sending far too much may come back."""


class Closing(Struct, frozen=True):
    """A close code, and the ERROR before it, whose code word is the close reason. `frame` None: nothing to explain.

    `refusal`: how a handshake that this meets is refused; None: it says nothing about what it was for.
    """

    code: CloseCode
    reason: str
    frame: Frame | None = None
    refusal: GameroomError | None = None


def because(code: CloseCode, word: CloseWord, message: str) -> Closing:
    """A closing with a word that only closes use; whether to come back follows from the range of `code`."""
    error = Error(id=None, code=word, message=message, retryable=code in COME_BACK)
    return Closing(code, word, frame_of(error))


def closing_for(error: GameroomError) -> Closing:
    """The closing of a socket whose handshake, first frame or automatic JOIN failed with `error`."""
    return closing_with(close_code_of(error), error)


def refusal_of(revocation: Revocation) -> GameroomError:
    """How a credential of an ended sign-in is refused: as `Access` will refuse it from now on."""
    return signed_out() if revocation.why == "signed_out" else suspended(revocation.until)


def closing_of(revocation: Revocation) -> Closing:
    """The closing of the connections of a sign-in that has ended."""
    refusal = refusal_of(revocation)
    closing = SIGNED_OUT if revocation.why == "signed_out" else closing_for(refusal)
    return replace(closing, refusal=refusal)


def closing_with(code: CloseCode, error: GameroomError) -> Closing:
    """The closing with `code` that tells `error`."""
    return Closing(code, error.code, error_frame(error))


TOKEN_EXPIRED = closing_with(CloseCode.TOKEN_EXPIRED, TokenExpired("The access token has expired"))
NO_HEARTBEAT = because(CloseCode.NO_HEARTBEAT, "no_heartbeat", "Two pings went unanswered")
DRAINING = because(CloseCode.DRAINING, "draining", "This server is going down; reconnect")
FLOODED = closing_for(RateLimited("Far more frames than allowed", retry_after_ms=FLOOD_PAUSE_MS))
SIGNED_OUT = because(CloseCode.SIGNED_OUT, "signed_out", "This sign-in has ended")
ACCOUNT_GONE = replace(
    because(CloseCode.SIGNED_OUT, "signed_out", "This account has been deleted"), refusal=account_gone()
)
JUNK = because(CloseCode.PROTOCOL_ABUSE, "protocol_abuse", "Too many malformed frames in a row")
OLDEST = because(
    CloseCode.REPLACED, "replaced", "The user has more connections than allowed; the oldest goes"
)
INTERNAL = Closing(CloseCode.INTERNAL, "internal")

OF_DETACHED: dict[DetachReason, Closing] = {
    "left": Closing(CloseCode.NORMAL, "left"),
    "kicked": because(CloseCode.KICKED, "kicked", "Kicked from the room"),
    "closed": closing_for(RoomClosed()),
    "damaged": closing_for(RoomClosed("This room is damaged")),
    "replaced": because(CloseCode.REPLACED, "replaced", "A newer connection of the user is in the room"),
}
"""How a room-bound socket ends when its room does."""
