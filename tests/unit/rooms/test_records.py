"""Records in memory: rooms keep hundreds each."""

import gc

from msgspec import Raw

from gameroom.rooms.records import Record, StoredAnnouncement, StoredAnswer, seal, unseal

RECORD = Record(
    room_id="r",
    epoch=1,
    seq=1,
    term=1,
    at=0,
    kind="GAME_UPDATED",
    game="g",
    game_version="1",
    data=Raw(b"{}"),
    announcements=(StoredAnnouncement(None, Raw(b"{}")),),
    parts={"play": Raw(b"{}")},
    answer=StoredAnswer(1, Raw(b"{}")),
)


def test_the_garbage_collector_does_not_walk_over_records() -> None:
    """It did, over the recent events of all rooms, and stopped the server for a tenth of a second now and then."""
    for record in (RECORD, unseal(seal(RECORD))):
        assert not gc.is_tracked(record)
        assert not gc.is_tracked(record.announcements[0])
        assert not gc.is_tracked(record.answer)
