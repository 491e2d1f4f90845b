"""Moments and durations as an operator writes them. Each reader raises `ArgumentTypeError` in words for argparse."""

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta

from gameroom.clock import Millis

UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}

LAST_MOMENT: Millis = 253_402_300_799_999
"""The last millisecond of the year 9999: the wire cannot write a later one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def duration(text: str) -> Millis:
    """`90m`, `12h`, `3d`, `2w` → milliseconds, at least a minute."""
    found = re.fullmatch(r"([0-9]{1,6})([mhdw])", text)
    if found is None or int(found[1]) == 0:
        raise ArgumentTypeError(f"{text!r} is no duration; write 90m, 12h, 3d or 2w")
    return int(found[1]) * UNIT_MS[found[2]]


def moment(text: str) -> Millis:
    """`2026-12-24T18:00:00Z`, or with another offset; without one it is UTC, and a day alone is its first moment."""
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time; write 2026-12-24 or 2026-12-24T18:00:00Z") from None
    aware = written if written.tzinfo else written.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(milliseconds=1)
