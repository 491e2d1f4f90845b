"""The tools of the journal beside a real server: what was seen is shown again, and after a restore nothing is mixed."""

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gameroom.cli import main
from tests.conftest import Servers
from tests.e2e.test_liars_dice import LIARS_DICE
from tests.kit.patch import apply_patch
from tests.kit.people import gathering
from tests.kit.player import Player
from tests.kit.room_copy import RoomCopy
from tests.kit.server import Server
from tests.kit.tables import Game, play
from tests.kit.wire import Json

Views = dict[int, Json]
"""By seq, what a viewer had before it."""


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[RoomCopy, Views]:
    """Every view that any client had of a room, by its copy."""
    views: dict[RoomCopy, Views] = {}
    hear, adopt = RoomCopy.hear, RoomCopy.adopt

    def note(copy: RoomCopy) -> None:
        views.setdefault(copy, {})[copy.position.seq] = deepcopy(copy.view)

    def heard(copy: RoomCopy, frame: Json) -> None:
        hear(copy, frame)
        note(copy)

    def adopted(copy: RoomCopy, reply: Json) -> None:
        adopt(copy, reply)
        note(copy)

    monkeypatch.setattr(RoomCopy, "hear", heard)
    monkeypatch.setattr(RoomCopy, "adopt", adopted)
    return views


class Tools:
    """The commands, as an operator gives them."""

    def __init__(self, printed: pytest.CaptureFixture[str]) -> None:
        self._printed = printed

    async def run(self, server: Server, *arguments: str) -> tuple[int, list[str]]:
        """Run one on the database of a server; its exit code and what it printed."""
        self._printed.readouterr()
        code = await asyncio.to_thread(main, [*arguments, "--data-dir", str(server.data_dir)])
        out, err = self._printed.readouterr()
        assert err == ""
        return code, out.splitlines()


@pytest.fixture
def tools(capsys: pytest.CaptureFixture[str]) -> Tools:
    return Tools(capsys)


# --- replay ---------------------------------------------------------------------------------------------------


def replayed(lines: list[str]) -> Views:
    """The view after each event of a replay."""
    views: Views = {}
    view: Any = None
    for line in lines:
        event = json.loads(line)
        view = event.get("view") or apply_patch(view, event.get("patch", []))
        views[event["seq"]] = deepcopy(view)
    return views


async def dice_game(players: list[Player]) -> None:
    """Some of liar's dice: bids, a challenge, a whisper, and one who leaves in the middle."""
    for player in players:
        await player.ask("SET_READY", ready=True)
    await players[0].ask("START_GAME", seed=3)
    for count in (1, 2, 3):
        await players[players[0].room.state["turn"]].act("bid", count=count, face=2)
    await players[0].ask("SEND_CHAT", text="psst", to=players[1].user_id)
    await players[players[0].room.state["turn"]].act("challenge")
    await players[1].ask("SEND_CHAT", text="well")
    await players[1].ask("LEAVE_GAME_ROOM_GROUP")
    await players[2].until("MEMBER_LEFT")


async def test_every_view_that_a_client_had_is_shown_again(
    servers: Servers, seen: dict[RoomCopy, Views], tools: Tools
) -> None:
    server = servers.start(LIARS_DICE)
    game = ("--game", str(LIARS_DICE))
    async with gathering(server) as people:
        players = await people.newcomers("Ann", "Bob", "Cid")
        room_id = await players[0].create("liars-dice", settings={"dice": 3, "turn_seconds": 300})
        for player in players[1:]:
            await player.join(room_id)
        watcher = await people.newcomer("Eve")
        await watcher.join(room_id, role="spectator")
        users = {player.rooms[room_id]: player.user_id for player in (*players, watcher)}
        await dice_game(players)
        await players[0].ask("CLOSE_GAME_ROOM_GROUP")
        for player in (players[0], players[2], watcher):
            await player.until("DETACHED")

        for copy, user_id in users.items():
            code, lines = await tools.run(server, "replay", room_id, "--from", "1", "--user", user_id, *game)
            views = replayed(lines)
            assert (code, len(seen[copy]) > 10) == (0, True)
            assert {seq: views[seq] for seq in seen[copy]} == seen[copy]

        # Each seat by its number, and a spectator by being nobody.
        viewers = {"--seat=0": players[0], "--seat=2": players[2], "--spectator": watcher}
        for seq in sorted(seen[watcher.rooms[room_id]])[2:8:2]:
            for viewer, player in viewers.items():
                _, lines = await tools.run(server, "replay", room_id, "--seq", str(seq), viewer, *game)
                assert json.loads("\n".join(lines))["view"] == seen[player.rooms[room_id]][seq]
        _, lines = await tools.run(server, "replay", room_id, "--from", "1", *game)
        assert '"showdown": {' in "".join(lines)
        assert not re.search('"cup"|psst', "".join(lines))


# --- verify and export ----------------------------------------------------------------------------------------


def database_of(server: Server) -> Path:
    return server.data_dir / "gameroom.db"


async def test_a_flipped_bit_is_found_beside_the_server(servers: Servers, tools: Tools) -> None:
    server = servers.start()
    async with gathering(server) as people:
        game = await play(people)
        await game.place(0, 4)
        code, lines = await tools.run(server, "journal", "verify")
        assert (code, lines[-1]) == (
            0,
            f"checked 1 room, {seq_of(game)} records, 0 snapshots: nothing is wrong",
        )
        flip_a_bit(database_of(server), game.room_id, seq=3)
        code, lines = await tools.run(server, "journal", "verify", game.room_id)
        assert (code, len(lines)) == (1, 2)
        assert lines[0].startswith(f"{game.room_id} seq 3: the bytes at seq 3 do not fit their hash; ")
        assert lines[1].endswith("1 finding in 1 room")
        code, lines = await tools.run(server, "journal", "export", game.room_id)
        assert code == 1
        assert json.loads(lines[2]) == {"seq": 3, "damaged": "the bytes at seq 3 do not fit their hash"}
        assert [json.loads(line)["seq"] for line in lines] == list(range(1, seq_of(game) + 1))


def seq_of(game: Game) -> int:
    return game.seats[0].room.position.seq


def flip_a_bit(file: Path, room_id: str, seq: int) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        read = "SELECT body FROM records WHERE room_id = ? AND seq = ?"
        [body] = database.execute(read, (room_id, seq)).fetchone()
        flipped = body[:20] + bytes([body[20] ^ 1]) + body[21:]
        write = "UPDATE records SET body = ? WHERE room_id = ? AND seq = ?"
        database.execute(write, (flipped, room_id, seq))


# --- a restore ------------------------------------------------------------------------------------------------


def copy_aside(file: Path, copy: Path) -> None:
    """A backup of a database in use, as docs/operations.md says."""
    with closing(sqlite3.connect(file)) as database, closing(sqlite3.connect(copy)) as target:
        database.backup(target)


def put_back(copy: Path, file: Path) -> None:
    for rest in ("-wal", "-shm"):
        file.with_name(file.name + rest).unlink(missing_ok=True)
    file.write_bytes(copy.read_bytes())


async def test_after_a_restore_the_two_histories_are_never_mixed(
    servers: Servers, tools: Tools, tmp_path: Path
) -> None:
    server = servers.start()
    copy = tmp_path / "copy.db"
    async with gathering(server) as people:
        accounts = await people.guests("Ann", "Bob")
        ann, bob = [await people.connect(account) for account in accounts]
        room_id = await ann.create("tic-tac-toe")
        await bob.join(room_id)
        game = Game(room_id, (ann, bob))
        await game.start()
        kept_id, lost_id = str(uuid4()), str(uuid4())
        await ann.ask("GAME_ACTION", id=kept_id, action={"type": "place", "cell": 0})
        copy_aside(database_of(server), copy)
        at_copy = ann.room.position

        # What is played from here on is lost: but Ann has seen all of it, and Bob nothing.
        await bob.until("GAME_UPDATED")
        behind = bob.room.clone()
        await bob.ask("GAME_ACTION", id=lost_id, action={"type": "place", "cell": 4})
        await ann.until("GAME_UPDATED", seat=1)
        await ann.ask("SEND_CHAT", text="a word that is lost")
        ahead = ann.room.clone()
        assert (behind.position, ahead.position.seq) == (at_copy, at_copy.seq + 2)

        server.kill9()
        for player in (ann, bob):
            await player.gone()
        put_back(copy, database_of(server))
        code, lines = await tools.run(server, "journal", "new-epoch", "--all")
        begins = f"{room_id}: epoch {at_copy.epoch + 1} begins at seq {at_copy.seq + 1}"
        assert (code, lines) == (0, [begins, "new epochs began in 1 room"])
        server.start()

        ann, bob = [await people.connect(account) for account in accounts]
        for player, former in ((ann, ahead), (bob, behind)):
            reply = await player.resume(former)
            assert reply.data["resumed"] is False
            assert reply.position.epoch == at_copy.epoch + 1
            assert player.room.state["cells"] == [0, None, None, None, None, None, None, None, None]
        kept = await ann.ask("GAME_ACTION", id=kept_id, action={"type": "place", "cell": 0})
        assert (kept.repeated, kept.position.seq) == (True, at_copy.seq)
        anew = await bob.ask("GAME_ACTION", id=lost_id, action={"type": "place", "cell": 4})
        assert (anew.repeated, anew.position > ahead.position) == (False, True)
        for player in (ann, bob):
            await player.until("GAME_UPDATED", seat=1)
            assert player.room.state["cells"][4] == 1
        assert (await tools.run(server, "journal", "verify"))[0] == 0


async def test_who_was_ahead_of_play_that_is_not_journaled_is_not_mixed_either(
    servers: Servers, tools: Tools, tmp_path: Path
) -> None:
    """The backup is of a server that was stopped: it handed its rooms over, and would go on in the same epoch."""
    server = servers.start()
    copy = tmp_path / "copy.db"
    async with gathering(server) as people:
        account = await people.guest("Ann")
        ann = await people.connect(account)
        await ann.create("relay")
        await ann.act("send", data=1)
        server.terminate()
        await ann.gone()
        copy_aside(database_of(server), copy)
        server.start()
        ann = await people.return_to(account, ann.room)
        epoch = ann.room.position.epoch
        await ann.act("send", data=2)
        ahead = ann.room.clone()
        server.kill9()
        await ann.gone()
        put_back(copy, database_of(server))
        assert (await tools.run(server, "journal", "new-epoch", ahead.room_id))[0] == 0
        server.start()
        ann = await people.connect(account)
        reply = await ann.resume(ahead)
        assert (reply.data["resumed"], reply.position.epoch > epoch) == (False, True)
        assert (await tools.run(server, "journal", "verify"))[0] == 0
