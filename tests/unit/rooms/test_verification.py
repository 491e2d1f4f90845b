"""Every kind of damage is found, and told with its place and what to do; what was written as it should be is not."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import (
    CloseRoom,
    GameAction,
    JoinRoom,
    LeaveRoom,
    SendChat,
    SetReady,
    StartGame,
)
from gameroom.rooms.archive import PAGE
from gameroom.rooms.journal import SealedRecord
from gameroom.rooms.records import Record, hash_of, seal, seal_snapshot, unseal, unseal_snapshot
from gameroom.rooms.verification import ASK, DROP_SNAPSHOT, KEEP, MOST_FINDINGS, RESTORE, WRITTEN_ANEW
from tests.unit.rooms.games import Secrets
from tests.unit.rooms.kept import SceneArchive, checked
from tests.unit.rooms.scene import Scene

Damage = Callable[[SceneArchive], None]

SNAPSHOT_SEQ = 5
HEAD = 7


def played() -> Scene:
    """Seven records, a snapshot as of the fifth."""
    scene = Scene(TicTacToe)
    scene.do("bob", JoinRoom(id="join"))
    for user in ("ann", "bob"):
        scene.do(user, SetReady(ready=True, id=f"ready-{user}"))
    scene.do("ann", StartGame(id="start"))
    scene.keep_snapshot()
    scene.do("ann", GameAction(action={"type": "place", "cell": 4}, id="first"))
    scene.do("bob", SendChat(text="hello", id="chat"))
    assert (scene.snapshot and scene.snapshot.seq, scene.records[-1].seq) == (SNAPSHOT_SEQ, HEAD)
    return scene


def told(archive: SceneArchive, *loaded: Scene) -> list[str]:
    result = checked(archive, *loaded)
    assert result is not None
    return [str(finding).removeprefix("the-room").lstrip() for finding in result.findings]


def test_nothing_is_wrong_with_what_was_written() -> None:
    scene = played()
    result = checked(SceneArchive(scene), scene)
    assert result is not None
    assert (result.findings, result.records, result.snapshots, result.judged) == ([], HEAD, 1, True)


# --- damage ---------------------------------------------------------------------------------------------------


def at(seq: int, damage: Callable[[SealedRecord], SealedRecord]) -> Damage:
    """Does this to one record."""

    def do(archive: SceneArchive) -> None:
        archive.records_kept = [damage(r) if r.seq == seq else r for r in archive.records_kept]

    return do


def without(*seqs: int) -> Damage:
    def do(archive: SceneArchive) -> None:
        archive.records_kept = [r for r in archive.records_kept if r.seq not in seqs]
        assert archive.moment
        archive.moment = replace(archive.moment, head=archive.records_kept[-1].seq)

    return do


def rewritten(**fields: Any) -> Callable[[SealedRecord], SealedRecord]:
    """The record as if it had been written otherwise, its hash included."""

    def write(sealed: SealedRecord) -> SealedRecord:
        record: Record = replace(unseal(sealed), **fields)
        return seal(record)

    return write


def flip_a_byte(sealed: SealedRecord) -> SealedRecord:
    return replace(sealed, body=bytes([sealed.body[0] ^ 1]) + sealed.body[1:])


def not_json(sealed: SealedRecord) -> SealedRecord:
    return replace(sealed, body=b"{", hash=hash_of(b"{"))


def other_column(**columns: Any) -> Callable[[SealedRecord], SealedRecord]:
    return lambda sealed: replace(sealed, **columns)


def row(**columns: Any) -> Damage:
    return lambda archive: archive.change_row(**columns)


def other_members(archive: SceneArchive) -> None:
    assert archive.moment
    archive.moment = replace(archive.moment, member_ids=frozenset({"ann"}))


def snapshot_flipped(archive: SceneArchive) -> None:
    assert archive.moment and archive.moment.snapshot
    snapshot = replace(archive.moment.snapshot, hash=bytes(16))
    archive.moment = replace(archive.moment, snapshot=snapshot)


def snapshot_of_other_parts(archive: SceneArchive) -> None:
    assert archive.moment and archive.moment.snapshot
    body = unseal_snapshot(archive.moment.snapshot)
    parts = {**body.parts, "member:ann": body.parts["member:bob"], "member:eve": body.parts["member:bob"]}
    snapshot = seal_snapshot(replace(body, parts=parts), term=1)
    archive.moment = replace(archive.moment, snapshot=snapshot)


DAMAGE = {
    "a byte before the snapshot": (
        at(3, flip_a_byte),
        [f"seq 3: the bytes at seq 3 do not fit their hash; {KEEP}"],
    ),
    "a byte after it": (at(6, flip_a_byte), [f"seq 6: the bytes at seq 6 do not fit their hash; {RESTORE}"]),
    "no record at all": (
        at(6, not_json),
        [f"seq 6: the bytes at seq 6 cannot be read: Input data was truncated; {RESTORE}"],
    ),
    "a record is missing": (without(6), [f"seq 6: the record is missing; {RESTORE}"]),
    "some are, that the snapshot has": (
        without(3, 4),
        [f"seq 3: the records up to seq 4 are missing; {KEEP}"],
    ),
    "the one that the snapshot was made after is": (
        without(5),
        [f"seq 5: the record is missing; {KEEP}"],
    ),
    "all that the snapshot has are": (
        without(1, 2, 3, 4, 5),
        [f"seq 1: the records up to seq 5 are missing; {KEEP}"],
    ),
    "some are, on both sides of the snapshot": (
        without(5, 6),
        [f"seq 5: the records up to seq 6 are missing; {RESTORE}"],
    ),
    "the first one is": (without(1), [f"seq 1: the record is missing; {KEEP}"]),
    "the last ones are": (
        without(4, 5, 6, 7),
        [f"seq 5: the snapshot is newer than the last record, 3; {KEEP}"],
    ),
    "a record of another room": (
        at(6, other_column(room_id="other")),
        [f"seq 6: the record at seq 6 belongs elsewhere: it says seq 6; {RESTORE}"],
    ),
    "columns of another record": (
        at(6, other_column(kind="CHAT_MESSAGE", command_id="x", input_hash=b"x")),
        [f"seq 6: its columns are not as its body says: kind, command_id, input_hash; {ASK}"],
    ),
    "other content under the hash of a command": (
        at(7, rewritten(input=msgspec.Raw(b'{"type":"SEND_CHAT","text":"bye"}'))),
        [f"seq 7: the content of its command does not fit the hash of it; {ASK}"],
    ),
    "a command that is applied twice": (
        at(7, rewritten(user_id="ann", command_id="first")),
        [f"seq 7: its command was applied before; {ASK}"],
    ),
    "a term that falls": (
        at(6, rewritten(term=0)),
        [f"seq 6: its term 0 is lower than 1 before it; {ASK}"],
    ),
    "a term that nobody had": (
        at(7, rewritten(term=2)),
        [f"seq 7: its term 2 is higher than the room's; {ASK}"],
    ),
    "time that goes back": (
        at(6, rewritten(at=5)),
        [f"seq 6: it is older than the record before it; {ASK}"],
    ),
    "an epoch that nothing begins": (
        at(7, rewritten(epoch=2)),
        [f"seq 7: CHAT_MESSAGE of epoch 2 after epoch 1; {ASK}"],
    ),
    "an epoch that falls": (
        at(7, rewritten(epoch=0, kind="EPOCH_STARTED")),
        [f"seq 7: EPOCH_STARTED of epoch 0 after epoch 1; {ASK}"],
    ),
    "something after the end": (
        at(6, rewritten(kind="GAME_ROOM_GROUP_CLOSED")),
        [f"seq 7: it comes after the room was closed at seq 6; {ASK}"],
    ),
    "a snapshot that is damaged": (
        snapshot_flipped,
        [f"seq 5: the snapshot: the bytes at seq 5 do not fit their hash; {DROP_SNAPSHOT}"],
    ),
    "a snapshot of something else": (
        snapshot_of_other_parts,
        [f"seq 5: the snapshot is not as the records say: member:ann, member:eve; {DROP_SNAPSHOT}"],
    ),
    "a row that tells otherwise": (
        row(status="waiting", player_count=1, next_due_at=3, locked=True),
        [": its row is not as the records say: status, player_count, locked, next_due_at; " + WRITTEN_ANEW],
    ),
    "members that are none": (
        other_members,
        [f": its row is not as the records say: its members; {WRITTEN_ANEW}"],
    ),
    "parts that cannot be read": (
        at(7, rewritten(parts={"play": msgspec.Raw(b'{"status":7}')})),
        [f": its parts cannot be read: Expected `str`, got `int` - at `$.status`; {RESTORE}"],
    ),
}


@pytest.mark.parametrize(("damage", "expected"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found(damage: Damage, expected: list[str]) -> None:
    scene = played()
    archive = SceneArchive(scene)
    damage(archive)
    assert told(archive, scene) == expected


def test_a_room_without_any_record_is_found() -> None:
    scene = played()
    archive = SceneArchive(scene)
    archive.records_kept = []
    assert archive.moment
    archive.moment = replace(archive.moment, head=0, snapshot=None)
    assert told(archive, scene) == [f": it has no record; {RESTORE}"]


def test_not_everything_is_told_of_a_room_that_is_all_damaged() -> None:
    scene = played()
    for number in range(2 * MOST_FINDINGS):
        scene.do("ann", SendChat(text="hello", id=f"more-{number}"))
    archive = SceneArchive(scene)
    archive.records_kept = [flip_a_byte(record) for record in archive.records_kept]
    result = checked(archive, scene)
    assert result is not None
    assert (len(result.findings), result.more) == (MOST_FINDINGS, HEAD + MOST_FINDINGS)


# --- what is no damage ----------------------------------------------------------------------------------------


def test_longer_journals_than_a_page_are_read_whole() -> None:
    scene = played()
    for number in range(2 * PAGE):
        scene.do("ann", SendChat(text="hello", id=f"more-{number}"))
    archive = SceneArchive(scene)
    at(HEAD + 2 * PAGE, flip_a_byte)(archive)
    assert [finding.partition(":")[0] for finding in told(archive, scene)] == [f"seq {HEAD + 2 * PAGE}"]


def test_what_is_written_meanwhile_is_not_looked_at() -> None:
    scene = played()
    archive = SceneArchive(scene)
    scene.do("ann", LeaveRoom())
    archive.records_kept = list(scene.records)
    assert told(archive, scene) == []


def test_gaps_are_no_damage_where_play_is_not_journaled() -> None:
    scene = Scene(Relay)
    scene.do("bob", JoinRoom())
    scene.do("ann", GameAction(action={"type": "send", "data": 1}))
    scene.do("bob", LeaveRoom())
    assert [record.seq for record in scene.records] == [1, 2, 4]
    assert told(SceneArchive(scene), scene) == []


def test_without_the_game_a_record_of_play_tells_that_play_is_journaled() -> None:
    scene = played()
    archive = SceneArchive(scene)
    without(3)(archive)
    assert told(archive) == [f"seq 3: the record is missing; {KEEP}"]


def test_without_the_game_it_is_said_that_gaps_are_not_seen() -> None:
    scene = Scene(TicTacToe)
    for user in ("bob", "cid"):
        scene.do(user, JoinRoom(role="spectator"))
    archive = SceneArchive(scene)
    without(2)(archive)
    result = checked(archive)
    assert result is not None
    assert (result.findings, result.judged, result.game) == ([], False, "tic-tac-toe")


def test_where_records_are_damaged_too_no_snapshot_is_given_up() -> None:
    scene = played()
    archive = SceneArchive(scene)
    snapshot_flipped(archive)
    without(3)(archive)
    assert told(archive, scene) == [
        f"seq 3: the record is missing; {RESTORE}",
        f"seq 5: the snapshot: the bytes at seq 5 do not fit their hash; {RESTORE}",
    ]


def test_where_gaps_are_meant_no_snapshot_is_given_up() -> None:
    """It may be records that are missing."""
    scene = Scene(Relay)
    scene.do("bob", JoinRoom())
    scene.keep_snapshot()
    scene.do("cid", JoinRoom())
    archive = SceneArchive(scene)
    without(2)(archive)
    assert told(archive, scene)[0] == f"seq 2: the snapshot is not as the records say: member:bob; {ASK}"


def test_a_snapshot_by_another_version_is_compared_but_for_the_game() -> None:
    scene = Scene(Secrets)
    scene.do("bob", JoinRoom())
    for user in ("ann", "bob"):
        scene.do(user, SetReady(ready=True))
    scene.do("ann", StartGame())
    body = unseal_snapshot(scene.room.snapshot())
    scene.snapshot = seal_snapshot(
        replace(body, game_version="next", parts={**body.parts, "game": msgspec.Raw(b"{}")}), term=1
    )
    assert told(SceneArchive(scene), scene) == []


# --- closed rooms that go -------------------------------------------------------------------------------------


def closed() -> Scene:
    scene = played()
    scene.do("ann", CloseRoom())
    scene.keep_snapshot()
    return scene


def test_a_closed_room_that_is_being_removed_is_not_damaged() -> None:
    scene = closed()
    archive = SceneArchive(scene)
    without(1, 2, 3)(archive)
    result = checked(archive, scene)
    assert result is not None
    assert (result.findings, result.shortened) == ([], True)


def test_a_room_that_is_removed_while_it_is_checked_is_not_there() -> None:
    scene = closed()

    class Going(SceneArchive):
        def records(self, room_id: str, after_seq: int, limit: int) -> list[SealedRecord]:
            self.moment = None
            return []

    assert checked(Going(scene), scene) is None
