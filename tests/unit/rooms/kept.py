"""What a scene has stored, as those see it who look after journals."""

from msgspec.structs import asdict, replace

from gameroom.games.registry import Games
from gameroom.rooms.archive import Moment, RoomRow
from gameroom.rooms.journal import SealedRecord
from gameroom.rooms.records import unseal
from gameroom.rooms.replay import Replay, Sight, Viewer
from gameroom.rooms.rooms import Card
from gameroom.rooms.verification import Checked, check_room
from tests.unit.rooms.scene import ROOM_ID, Scene


class SceneArchive:
    """Implements `Archive` over the records, the snapshot and the listing of a scene."""

    def __init__(self, scene: Scene) -> None:
        self.records_kept = list(scene.records)
        self.moment: Moment | None = Moment(
            row=row_of(scene),
            member_ids=frozenset(scene.listing.member_ids if scene.listing else ()),
            head=scene.records[-1].seq,
            snapshot=scene.snapshot,
        )
        self._scene = scene

    def change_row(self, **columns: object) -> None:
        assert self.moment is not None
        self.moment = replace(self.moment, row=replace(self.moment.row, **columns))

    def room_ids(self, after: str, limit: int) -> list[str]:
        return [ROOM_ID] if after < ROOM_ID else []

    def look(self, room_id: str) -> Moment | None:
        return self.moment

    def records(self, room_id: str, after_seq: int, limit: int) -> list[SealedRecord]:
        return [record for record in self.records_kept if record.seq > after_seq][:limit]

    def cards(self, user_ids: list[str]) -> dict[str, Card]:
        return {user_id: self._scene.card_of(user_id) for user_id in user_ids}


def row_of(scene: Scene) -> RoomRow:
    listing = scene.listing
    assert listing is not None
    columns = asdict(listing.summary) | asdict(listing)
    told = {name: columns[name] for name in RoomRow.__struct_fields__ if name in columns}
    return RoomRow(**told, term=scene.room.term)


def checked(archive: SceneArchive, *games: Scene) -> Checked | None:
    """`games`: scenes whose games are loaded."""
    return check_room(archive, ROOM_ID, Games(scene.game_type for scene in games))


def findings(scene: Scene) -> list[str]:
    """What is found to be wrong with what the scene has stored."""
    result = checked(SceneArchive(scene), scene)
    assert result is not None
    return [str(finding) for finding in result.findings]


def seen_last(scene: Scene, viewer: Viewer) -> object:
    """The view after the last record."""
    return sights(scene, viewer)[-1].view


def sights(scene: Scene, viewer: Viewer) -> list[Sight]:
    """What the viewer had before it after each record."""
    replay = Replay(ROOM_ID, scene.game_type, viewer, SceneArchive(scene).cards)
    found = []
    for sealed in scene.records:
        record = unseal(sealed)
        replay.take(record)
        found.append(replay.look(record))
    return found
