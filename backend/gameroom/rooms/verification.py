"""Is what is stored of a room what was written? Checks one journal on its way past, record by record.

Kept of a room while it is checked: its parts as the records make them, and 8 bytes for each command id. The row that
must be as the records say is computed here anew and otherwise than where it is written: two that agree are right.
"""

import msgspec
from msgspec import Struct

from gameroom.games.registry import Games
from gameroom.protocol.events import EpochStarted, GameUpdated, RoomClosedEvent
from gameroom.rooms.archive import Archive, Moment, history
from gameroom.rooms.journal import SealedRecord, Snapshot
from gameroom.rooms.parts import GAME, PLAY
from gameroom.rooms.records import Damaged, Record, SnapshotBody, hash_of, unseal, unseal_snapshot
from gameroom.rooms.recovery import begin_with, lay_over
from gameroom.rooms.retelling import retold

MOST_FINDINGS = 20
"""Told of one room: whoever mends it need not read the same thing a thousand times."""

RESTORE = "the room cannot be opened: restore it from a backup (docs/operations.md)"
KEEP = "the room opens all the same, from its snapshot; what was there cannot be shown or answered again"
DROP_SNAPSHOT = "delete the room's snapshot: it opens from its records (docs/operations.md)"
WRITTEN_ANEW = "the room opens all the same, and its next event writes the row anew"
ASK = "keep a copy of the database and report it: no history of this server looks so"


class Finding(Struct, frozen=True):
    """Something that is wrong with a room, where, and what to do about it. `seq` None: with the room as a whole."""

    room_id: str
    seq: int | None
    what: str
    advice: str

    def __str__(self) -> str:
        place = self.room_id if self.seq is None else f"{self.room_id} seq {self.seq}"
        return f"{place}: {self.what}; {self.advice}"


class Checked(Struct, frozen=True, kw_only=True):
    """What came of one room. `more`: findings beyond those that are told.

    `judged`: whether a missing record would have been noticed. `shortened`: retention is removing it.
    """

    findings: list[Finding]
    more: int = 0
    records: int
    snapshots: int
    game: str
    judged: bool
    shortened: bool


def check_room(archive: Archive, room_id: str, games: Games) -> Checked | None:
    """None: no such room. Where something looks wrong the room is read once more: it may just have been removed."""
    checked = _check(archive, room_id, games)
    if checked is not None and checked.findings:
        checked = _check(archive, room_id, games)
    return checked


def _check(archive: Archive, room_id: str, games: Games) -> Checked | None:
    moment = archive.look(room_id)
    if moment is None:
        return None
    check = Check(moment, journaled=_is_journaled(moment.row.game, games))
    for sealed in history(archive, room_id, moment.head):
        check.add(sealed)
    return check.end()


def _is_journaled(game: str, games: Games) -> bool | None:
    """Whether play is journaled, and so every seq must be there; None: the game is not loaded."""
    return games.get(game).durability == "journal" if game in games.names() else None


class Check:
    """Takes all records of a room in their order, and says at the end what is wrong."""

    def __init__(self, moment: Moment, *, journaled: bool | None) -> None:
        self._moment = moment
        self._journaled = journaled
        self._room_id = moment.row.room_id
        self._findings: list[Finding] = []
        self._more = 0
        self._count = 0
        self._gaps: list[tuple[int, int]] = []
        self._before: SealedRecord | None = None
        self._closed_at: int | None = None
        self._ids: set[int] = set()
        self._last: Record | None = None
        self._unread: Damaged | None = None
        self._snapshot = self._unsealed(moment.snapshot)
        self._uncompared = self._snapshot
        self._made = begin_with(self._room_id, None)
        self._whole = True
        """Whether no record was missing or unreadable so far, so that the parts are known."""
        self._shortened = False

    def add(self, sealed: SealedRecord) -> None:
        self._count += 1
        if self._before is None:
            self._check_first(sealed)
        else:
            self._check_order(self._before, sealed)
        self._before = sealed
        self._compare_snapshot(before=sealed.seq)
        try:
            record = unseal(sealed)
        except Damaged as damage:
            self._whole = False
            self._find(sealed.seq, str(damage), self._advice_at(sealed.seq))
            return
        self._check_record(sealed, record)
        self._made = lay_over(self._made, record)
        self._last = record

    def end(self) -> Checked:
        self._check_gaps()
        self._compare_snapshot(before=None)
        self._check_unread()
        self._check_row()
        return Checked(
            findings=self._findings,
            more=self._more,
            records=self._count,
            snapshots=int(self._moment.snapshot is not None),
            game=self._moment.row.game,
            judged=self._journaled is not None,
            shortened=self._shortened,
        )

    # --- records ------------------------------------------------------------------------------------------------

    def _check_first(self, sealed: SealedRecord) -> None:
        """The first records of a closed room go before the rest of it, as far as its snapshot holds them."""
        snapshot = self._moment.snapshot
        if sealed.seq == 1:
            return
        if self._moment.row.status == "closed" and snapshot is not None and snapshot.seq >= sealed.seq - 1:
            self._shortened, self._whole = True, False
        else:
            self._gap(1, sealed.seq - 1)

    def _check_order(self, before: SealedRecord, sealed: SealedRecord) -> None:
        if sealed.seq > before.seq + 1:
            self._gap(before.seq + 1, sealed.seq - 1)
        if sealed.term < before.term:
            self._find(sealed.seq, f"its term {sealed.term} is lower than {before.term} before it", ASK)
        if sealed.at < before.at:
            self._find(sealed.seq, "it is older than the record before it", ASK)
        begins = sealed.kind == EpochStarted.type
        if sealed.epoch < before.epoch or (sealed.epoch > before.epoch) != begins:
            self._find(sealed.seq, f"{sealed.kind} of epoch {sealed.epoch} after epoch {before.epoch}", ASK)
        if self._closed_at is not None:
            self._find(sealed.seq, f"it comes after the room was closed at seq {self._closed_at}", ASK)

    def _check_record(self, sealed: SealedRecord, record: Record) -> None:
        odd = _odd_columns(sealed, record)
        if odd:
            self._find(sealed.seq, f"its columns are not as its body says: {', '.join(odd)}", ASK)
        if record.input_hash is not None and hash_of(record.input).hex() != record.input_hash:
            self._find(sealed.seq, "the content of its command does not fit the hash of it", ASK)
        if record.term > self._moment.row.term:
            self._find(sealed.seq, f"its term {record.term} is higher than the room's", ASK)
        if record.command_id is not None:
            self._check_id(sealed.seq, hash((record.user_id, record.command_id)))
        if record.kind == GameUpdated.type or GAME in record.parts:
            self._journaled = True if self._journaled is None else self._journaled
        if record.kind == RoomClosedEvent.type:
            self._closed_at = record.seq

    def _check_id(self, seq: int, short: int) -> None:
        if short in self._ids:
            self._find(seq, "its command was applied before", ASK)
        self._ids.add(short)

    def _gap(self, first: int, last: int) -> None:
        if self._journaled is not False:
            self._gaps.append((first, last))
            self._whole = False

    def _check_gaps(self) -> None:
        """Only now it is known whether play was journaled, if the game is not loaded."""
        if self._moment.head == 0:
            self._find(None, "it has no record", RESTORE)
        if not self._journaled:
            return
        for first, last in self._gaps:
            missing = (
                "the record is missing" if first == last else f"the records up to seq {last} are missing"
            )
            self._find(first, missing, self._advice_at(last))

    def _advice_at(self, seq: int) -> str:
        return KEEP if self._snapshot is not None and seq <= self._snapshot.seq else RESTORE

    # --- the snapshot -------------------------------------------------------------------------------------------

    def _unsealed(self, snapshot: Snapshot | None) -> SnapshotBody | None:
        if snapshot is None:
            return None
        try:
            return unseal_snapshot(snapshot)
        except Damaged as damage:
            self._unread = damage
            return None

    def _check_unread(self) -> None:
        """Only at the end it is known whether the room can do without its snapshot."""
        if self._moment.snapshot is not None and self._unread is not None:
            advice = DROP_SNAPSHOT if self._whole else RESTORE
            self._find(self._moment.snapshot.seq, f"the snapshot: {self._unread}", advice)

    def _compare_snapshot(self, *, before: int | None) -> None:
        """Once: as soon as the next record is later than the snapshot, or there is none."""
        snapshot = self._uncompared
        if snapshot is None or (before is not None and before <= snapshot.seq):
            return
        self._uncompared = None
        if self._journaled and snapshot.seq > self._moment.head:
            self._whole = False
            self._find(snapshot.seq, f"the snapshot is newer than the last record, {self._moment.head}", KEEP)
        elif self._whole and (odd := self._odd_parts(snapshot)):
            # Where gaps are meant, it may be records that are missing.
            advice = DROP_SNAPSHOT if self._journaled else ASK
            self._find(snapshot.seq, f"the snapshot is not as the records say: {', '.join(odd)}", advice)

    def _odd_parts(self, snapshot: SnapshotBody) -> list[str]:
        """The parts that differ, but for those that no record tells, or told for another version of the game."""
        made, kept = self._made.parts, {key: bytes(data) for key, data in snapshot.parts.items()}
        odd = {key for key in made.keys() | kept.keys() if made.get(key) != kept.get(key)}
        untold = set() if self._journaled else {GAME, PLAY}
        migrated = {GAME} if snapshot.game_version != self._made.game_version else set()
        return sorted(odd - untold - migrated)

    # --- the row ------------------------------------------------------------------------------------------------

    def _check_row(self) -> None:
        if not self._whole or self._last is None:
            return
        try:
            row, member_ids = retold(self._last, self._moment.row.term, self._made.parts)
        except (msgspec.MsgspecError, KeyError) as error:
            self._find(None, f"its parts cannot be read: {error}", RESTORE)
            return
        odd = [
            name for name in row.__struct_fields__ if getattr(row, name) != getattr(self._moment.row, name)
        ]
        if not self._journaled and "next_due_at" in odd:
            odd.remove("next_due_at")  # the game's own timers stand in no record
        if member_ids != self._moment.member_ids:
            odd.append("its members")
        if odd:
            self._find(None, f"its row is not as the records say: {', '.join(odd)}", WRITTEN_ANEW)

    def _find(self, seq: int | None, what: str, advice: str) -> None:
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(Finding(self._room_id, seq, what, advice))
        else:
            self._more += 1


def _odd_columns(sealed: SealedRecord, record: Record) -> list[str]:
    odd = [name for name in _AS_THEY_ARE if getattr(sealed, name) != getattr(record, name)]
    told = None if sealed.input_hash is None else sealed.input_hash.hex()
    return odd if told == record.input_hash else [*odd, "input_hash"]


_AS_THEY_ARE = ("room_id", "seq", "epoch", "term", "at", "kind", "user_id", "command_id")
