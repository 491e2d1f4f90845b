"""`gameroom replay`: any past moment of a room, as anybody in it saw it."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

import msgspec

from gameroom.app import load_games
from gameroom.cli.commands import (
    Commands,
    NotThere,
    add_command,
    no_such_room,
    takes_game_options,
    takes_places,
)
from gameroom.clock import rfc3339
from gameroom.errors import GameFailed
from gameroom.games.registry import Games, GameType
from gameroom.rooms.archive import Archive, Moment, history
from gameroom.rooms.journal import Snapshot
from gameroom.rooms.records import Damaged, Record, unseal
from gameroom.rooms.replay import Replay, Sight, Viewer
from gameroom.settings import Settings
from gameroom.storage.archive import open_archive


def add_to(commands: Commands) -> None:
    replay = add_command(
        commands,
        "replay",
        _replay,
        "show a past moment of a room",
        "As a spectator saw it, or with --seat or --user as that player did; what was hidden from them stays hidden. "
        "With --from it is played forward, event by event. Changes nothing, and may run beside a server.",
    )
    replay.add_argument("room", metavar="ROOM_ID")
    replay.add_argument("--seq", type=int, metavar="N", help="after event N; by default after the last one")
    replay.add_argument(
        "--from",
        type=int,
        dest="start",
        metavar="N",
        help="play forward from event N; Enter shows the next one, if this is a terminal",
    )
    viewer = replay.add_mutually_exclusive_group()
    viewer.add_argument("--seat", type=int, metavar="S", help="as whoever has this seat at that moment")
    viewer.add_argument("--user", metavar="USER_ID", help="as this member")
    viewer.add_argument("--spectator", action="store_true", help="as a spectator (the default)")
    takes_game_options(replay)
    takes_places(replay)


def _replay(settings: Settings, given: Namespace) -> int:
    games = load_games(settings.games)
    with open_archive(settings.database_url) as archive:
        moment = archive.look(given.room)
        if moment is None:
            raise no_such_room(given.room)
        game_type = _game_of(moment, games)
        try:
            _tell(archive, moment, game_type, given)
        except Damaged as damage:
            raise NotThere(f"{damage}; see gameroom journal verify {given.room}") from damage
        except (GameFailed, msgspec.MsgspecError, KeyError) as error:
            raise NotThere(
                f"{game_type.name} {game_type.version} cannot show this moment: {error}"
            ) from error
    return 0


def _tell(archive: Archive, moment: Moment, game_type: GameType, given: Namespace) -> None:
    """Begins with the snapshot, if that is older than all that is to be shown."""
    room_id, end = moment.row.room_id, _end(moment, given.seq)
    snapshot = _older_than(moment.snapshot, end if given.start is None else given.start)
    replay = Replay(room_id, game_type, Viewer(given.seat, given.user), archive.cards, snapshot)
    after = 0 if snapshot is None else snapshot.seq
    records = (unseal(sealed) for sealed in history(archive, room_id, end, after))
    if given.start is None:
        _show(_sight(replay, records), room_id)
    else:
        _play(replay.walk(records, given.start))


def _older_than(snapshot: Snapshot | None, seq: int) -> Snapshot | None:
    return snapshot if snapshot is not None and snapshot.seq < seq else None


def _game_of(moment: Moment, games: Games) -> GameType:
    game = moment.row.game
    if game not in games.names():
        raise NotThere(
            f"the room plays {game}, which is not loaded: name its file, such as --game my_game.py"
        )
    return games.get(game)


def _end(moment: Moment, seq: int | None) -> int:
    if seq is not None and not 1 <= seq <= moment.head:
        raise NotThere(f"the room has no event {seq}: they go from 1 to {moment.head}")
    return moment.head if seq is None else seq


def _sight(replay: Replay, records: Iterator[Record]) -> Sight:
    last = None
    for last in records:
        replay.take(last)
    if last is None:
        raise Damaged("no record is there")
    return replay.look(last)


def _show(sight: Sight, room_id: str) -> None:
    if sight.view is None:
        raise NotThere(
            f"nobody looked from there at seq {sight.record.seq}: the seat was empty, or the user not in"
        )
    record = sight.record
    shown = {
        "room_id": room_id,
        "epoch": record.epoch,
        "seq": record.seq,
        "at": rfc3339(record.at),
        "user_id": sight.user_id,
        "seat": sight.seat,
        "view": sight.view,
    }
    print(json.dumps(shown, indent=2, ensure_ascii=False))


def _play(events: Iterator[dict[str, Any]]) -> None:
    """One line an event; in a terminal one at a time."""
    waits = is_at_terminal()
    for event in events:
        print(json.dumps(event, ensure_ascii=False))
        if waits:
            try:
                input()
            except EOFError:  # Ctrl+D: seen enough
                return


def is_at_terminal() -> bool:
    """Whether somebody sits there who reads and can press Enter."""
    return sys.stdin.isatty() and sys.stdout.isatty()
