"""`gameroom journal verify | export | new-epoch`: looking after what is stored of rooms."""

import asyncio
import json
from argparse import Namespace
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

from msgspec import Struct

from gameroom.app import load_games
from gameroom.cli.commands import (
    Commands,
    NotThere,
    add_command,
    no_such_room,
    takes_game_options,
    takes_places,
)
from gameroom.clock import SystemClock
from gameroom.errors import Unavailable
from gameroom.rooms.archive import Archive, all_rooms, history
from gameroom.rooms.export import Exporter
from gameroom.rooms.records import Damaged, unseal
from gameroom.rooms.verification import Checked, check_room
from gameroom.settings import Settings
from gameroom.storage.archive import open_archive
from gameroom.storage.engine import Database
from gameroom.storage.epochs import SqlEpochs
from gameroom.storage.failures import DatabaseUnusable

DAMAGE = 1
"""The exit code where something is wrong with what is stored."""

ROOMS_AT_ONCE = 100


def add_to(commands: Commands) -> None:
    journal = commands.add_parser(
        "journal",
        help="look after what is stored of rooms",
        description="Look after what is stored of rooms.",
    )
    families = journal.add_subparsers(required=True, metavar="COMMAND")
    _add_verify(families)
    _add_export(families)
    _add_new_epoch(families)


def _add_verify(commands: Commands) -> None:
    verify = add_command(
        commands,
        "verify",
        _verify,
        "check that what is stored is what was written",
        "Changes nothing, and may run beside a server. One line for each thing that is wrong: the room, the seq, what "
        "it is, what to do. Ends with 1 if there is any.",
    )
    verify.add_argument("rooms", nargs="*", metavar="ROOM_ID", help="check these rooms; by default all")
    takes_game_options(verify)
    takes_places(verify)


def _add_export(commands: Commands) -> None:
    export = add_command(
        commands,
        "export",
        _export,
        "print the history of a room as JSON lines",
        "Passwords, invite codes and the key of chance are never in it. Changes nothing, and may run beside a server.",
    )
    export.add_argument("room", metavar="ROOM_ID")
    export.add_argument(
        "--reveal",
        action="store_true",
        help="also print what players hide from each other: hidden state, actions, answers, whispers",
    )
    takes_game_options(export)
    takes_places(export)


def _add_new_epoch(commands: Commands) -> None:
    new_epoch = add_command(
        commands,
        "new-epoch",
        _new_epoch,
        "tell clients that the database went back",
        "Needed after a backup was restored, or a fail-over lost something, and before servers are started: clients "
        "that saw what is lost then take the whole view of what is there.",
    )
    which = new_epoch.add_mutually_exclusive_group(required=True)
    which.add_argument("rooms", nargs="*", default=[], metavar="ROOM_ID", help="only these rooms")
    which.add_argument("--all", action="store_true", help="all open rooms")
    takes_places(new_epoch)


# --- verify ---------------------------------------------------------------------------------------------------


class Tally(Struct):
    """What came of all rooms."""

    rooms: int = 0
    records: int = 0
    snapshots: int = 0
    findings: int = 0
    rooms_with_findings: int = 0
    shortened: int = 0
    unknown: set[str] = set()

    def add(self, checked: Checked) -> None:
        found = len(checked.findings) + checked.more
        self.rooms += 1
        self.records += checked.records
        self.snapshots += checked.snapshots
        self.findings += found
        self.rooms_with_findings += found > 0
        self.shortened += checked.shortened
        if not checked.judged:
            self.unknown.add(checked.game)

    def lines(self) -> Iterator[str]:
        checked = (
            _count(self.rooms, "room"),
            _count(self.records, "record"),
            _count(self.snapshots, "snapshot"),
        )
        found = f"{_count(self.findings, 'finding')} in {_count(self.rooms_with_findings, 'room')}"
        yield f"checked {', '.join(checked)}: {found if self.findings else 'nothing is wrong'}"
        if self.shortened:
            yield f"{_count(self.shortened, 'closed room')} being removed just now, as retention says"
        if self.unknown:
            names = ", ".join(sorted(self.unknown))
            yield f"missing records were not looked for in rooms of {names}: load the game with --game"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _verify(settings: Settings, given: Namespace) -> int:
    games = load_games(settings.games)
    tally = Tally()
    with open_archive(settings.database_url) as archive:
        for room_id in given.rooms or all_rooms(archive):
            checked = check_room(archive, room_id, games)
            if checked is not None:
                tally.add(checked)
                _print_findings(checked, room_id)
            elif given.rooms:
                raise no_such_room(room_id)
    for line in tally.lines():
        print(line)
    return DAMAGE if tally.findings else 0


def _print_findings(checked: Checked, room_id: str) -> None:
    for finding in checked.findings:
        print(finding)
    if checked.more:
        print(f"{room_id}: and {checked.more} more")


# --- export ---------------------------------------------------------------------------------------------------


def _export(settings: Settings, given: Namespace) -> int:
    exporter = Exporter(load_games(settings.games), reveal=given.reveal)
    with open_archive(settings.database_url) as archive:
        return _print_records(archive, given.room, exporter)


def _print_records(archive: Archive, room_id: str, exporter: Exporter) -> int:
    moment = archive.look(room_id)
    if moment is None:
        raise no_such_room(room_id)
    code = 0
    for sealed in history(archive, room_id, moment.head):
        try:
            line = exporter.readable(unseal(sealed))
        except Damaged as damage:
            line, code = {"seq": sealed.seq, "damaged": str(damage)}, DAMAGE
        print(json.dumps(line, ensure_ascii=False))
    return code


# --- new-epoch ------------------------------------------------------------------------------------------------


def _new_epoch(settings: Settings, given: Namespace) -> int:
    with open_archive(settings.database_url) as archive:
        for room_id in given.rooms:
            _require_open(archive, room_id)
    try:
        return asyncio.run(_begin_epochs(settings.database_url, given.rooms))
    except Unavailable as error:
        raise DatabaseUnusable(error.message) from error


def _require_open(archive: Archive, room_id: str) -> None:
    moment = archive.look(room_id)
    if moment is None:
        raise no_such_room(room_id)
    if moment.row.status == "closed":
        raise NotThere(f"the room {room_id} is closed: nobody plays there any more")


async def _begin_epochs(url: str, chosen: list[str]) -> int:
    begun = damaged = 0
    async with _epochs(url) as epochs:
        async for room_id in _each(chosen) if chosen else _open_rooms(epochs):
            try:
                position = await epochs.begin(room_id, SystemClock().now())
            except Damaged as damage:
                print(f"{room_id}: {damage}; no epoch begins: gameroom journal verify {room_id}")
                damaged += 1
                continue
            if position is not None:
                print(f"{room_id}: epoch {position.epoch} begins at seq {position.seq}")
                begun += 1
    print(f"new epochs began in {_count(begun, 'room')}")
    return DAMAGE if damaged else 0


@asynccontextmanager
async def _epochs(url: str) -> AsyncIterator[SqlEpochs]:
    database = Database.open(url)
    try:
        yield SqlEpochs(database)
    finally:
        await database.close()


async def _open_rooms(epochs: SqlEpochs) -> AsyncIterator[str]:
    after = ""
    while page := await epochs.open_rooms(after, ROOMS_AT_ONCE):
        for room_id in page:
            yield room_id
        after = page[-1]


async def _each(room_ids: Iterable[str]) -> AsyncIterator[str]:
    for room_id in room_ids:
        yield room_id
