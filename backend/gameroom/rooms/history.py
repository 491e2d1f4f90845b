"""Resuming: the missed events as one viewer may have them, or nothing at all.

The events are those of the records, without patches; the last one that the viewer may see carries the whole
present view. So no past view is ever computed.
"""

import zlib
from collections import deque

import msgspec

from gameroom.protocol.limits import MAX_RESUME
from gameroom.rooms.card_book import CardBook
from gameroom.rooms.framing import event_frame, hidden_frame, recalled_data
from gameroom.rooms.records import Record
from gameroom.rooms.updates import Update

RECENT_BYTES = 65_536


class RecentEvents:
    """The last events of an open room, bounded in number (256) and bytes (64 KiB); the oldest go first.

    It answers what the journal cannot (play that is not journaled) or need not be asked.
    """

    def __init__(self) -> None:
        self._records: deque[Record] = deque()
        self._sizes: deque[int] = deque()
        self._bytes = 0

    def add(self, record: Record) -> None:
        """Keep the event. Give it without parts, input and answer: only the journal needs those."""
        size = _size(record)
        self._records.append(record)
        self._sizes.append(size)
        self._bytes += size
        while len(self._records) > MAX_RESUME or self._bytes > RECENT_BYTES:
            self._records.popleft()
            self._bytes -= self._sizes.popleft()

    def packed(self) -> bytes:
        """All of them in little memory."""
        return zlib.compress(msgspec.json.encode(tuple(self._records)), level=1)

    @classmethod
    def of(cls, packed: bytes) -> "RecentEvents":
        """Those that were packed."""
        recent = cls()
        for record in _RECORDS.decode(zlib.decompress(packed)):
            recent.add(record)
        return recent

    def since(self, epoch: int, seq: int, head: int) -> list[Record] | None:
        """The events after `seq` up to `head`, gapless; None if they are not all here."""
        found = [r for r in self._records if r.epoch == epoch and seq < r.seq <= head]
        return found if is_gapless(found, seq, head) else None


def is_gapless(records: list[Record], after: int, head: int) -> bool:
    """Whether these are exactly the events `after + 1` to `head`."""
    return [r.seq for r in records] == list(range(after + 1, head + 1))


def missed_frames(
    records: list[Record], user_id: str, seat: int | None, cards: CardBook, update: Update
) -> tuple[bytes, ...]:
    """The frames of the missed events for one viewer; the last that it may see has `update`."""
    visible = [r for r in records if r.audience is None or user_id in r.audience]
    last = visible[-1] if visible else None
    frames = []
    for record in records:
        if record.audience is not None and user_id not in record.audience:
            frames.append(hidden_frame(record))
            continue
        data = recalled_data(record, cards)
        frames.append(event_frame(record, data, seat=seat, update=update if record is last else None))
    return tuple(frames)


def _size(record: Record) -> int:
    size = len(record.data)
    for announcement in record.announcements:
        size += len(announcement.data)
    return size


_RECORDS = msgspec.json.Decoder(list[Record])
