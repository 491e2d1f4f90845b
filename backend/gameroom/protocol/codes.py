"""Close codes, and which error ends a connection with which of them.

4000-4499: come back and resume. 4500-4999: do not come back with the same credential or room.
"""

from enum import IntEnum
from typing import Literal, get_args

from gameroom.errors import GameroomError


class CloseCode(IntEnum):
    """RFC 6455's own and ours."""

    NORMAL = 1000
    PROTOCOL_ERROR = 1002
    BAD_UTF8 = 1007
    MESSAGE_TOO_BIG = 1009
    INTERNAL = 1011
    RESTARTING = 1012

    TOKEN_EXPIRED = 4001
    TOO_SLOW = 4002
    NO_HEARTBEAT = 4003
    DRAINING = 4004
    RATE_LIMITED = 4005

    UNAUTHENTICATED = 4500
    SIGNED_OUT = 4501
    SUSPENDED = 4502
    PROTOCOL_ABUSE = 4503
    ROOM_NOT_FOUND = 4504
    ROOM_CLOSED = 4505
    KICKED = 4506
    REPLACED = 4507
    CANNOT_JOIN = 4509


COME_BACK = range(4000, 4500)
"""Close codes after which the client reconnects and resumes."""

CloseWord = Literal[
    "too_slow", "no_heartbeat", "draining", "signed_out", "protocol_abuse", "kicked", "replaced"
]
"""Words that only closes use: the reason of the close, and the code of the ERROR before it."""

CLOSE_WORDS: tuple[str, ...] = get_args(CloseWord)

CLOSE_OF_CODE: dict[str, CloseCode] = {
    "account_suspended": CloseCode.SUSPENDED,
    "room_closed": CloseCode.ROOM_CLOSED,
    "message_too_big": CloseCode.MESSAGE_TOO_BIG,
}

CLOSE_OF_STATUS: dict[int, CloseCode] = {
    401: CloseCode.UNAUTHENTICATED,
    404: CloseCode.ROOM_NOT_FOUND,
    410: CloseCode.ROOM_CLOSED,
    429: CloseCode.RATE_LIMITED,
    503: CloseCode.DRAINING,
}


def close_code_of(error: GameroomError) -> CloseCode:
    """How a handshake or automatic JOIN that failed with `error` closes a socket that was accepted."""
    found = CLOSE_OF_CODE.get(error.code) or CLOSE_OF_STATUS.get(error.status)
    return found or CloseCode.CANNOT_JOIN
