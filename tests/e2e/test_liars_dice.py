"""The example game on a real server, with a death in the middle: dice stay secret, and the clock goes on."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from tests.conftest import Servers
from tests.e2e.test_kill_and_restart import kill_and_restart
from tests.kit.api import Account
from tests.kit.people import People, gathering
from tests.kit.player import Player
from tests.kit.wire import Json

LIARS_DICE = Path(__file__).parents[2] / "examples" / "liars_dice.py"
RULES = {"dice": 6, "turn_seconds": 2}

Cup = list[int]


class Overheard:
    """Every message that came over any socket, by the access token that had opened it."""

    def __init__(self) -> None:
        self._messages: dict[str, list[str]] = {}

    def note(self, connection: ClientConnection, message: Any) -> None:
        assert connection.request is not None
        token = connection.request.headers["Authorization"].removeprefix("Bearer ")
        self._messages.setdefault(token, []).append(message)

    def by(self, account: Account) -> list[str]:
        return self._messages[account.access_token]


@pytest.fixture
def overheard(monkeypatch: pytest.MonkeyPatch) -> Overheard:
    ears, receive = Overheard(), ClientConnection.recv

    async def recv(connection: ClientConnection, decode: bool | None = None) -> Any:
        message = await receive(connection, decode)
        ears.note(connection, message)
        return message

    monkeypatch.setattr(ClientConnection, "recv", recv)
    return ears


# --- whose dice are where -------------------------------------------------------------------------------------


def places(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a message with the path where it stands in the view, that of a patch's operations included."""
    yield at, value
    if isinstance(value, dict):
        base = str(value["path"]) if {"op", "path"} <= value.keys() else at
        for key, inner in value.items():
            yield from places(inner, base if key == "value" else f"{at}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, f"{at}/{index}")


def cups_in(message: str) -> Iterator[tuple[int, Any]]:
    """Each cup, or die of one, that a message shows under its owner's seat."""
    for path, value in places(json.loads(message)):
        if re.search(r"/cup\b", path):
            found = re.search(r"/players/(\d)/cup\b", path)
            assert found is not None, f"a cup without an owner: {path}"
            yield int(found[1]), value


def seats_seen(messages: list[str]) -> set[int]:
    """Whose cups stand in these messages."""
    return {seat for message in messages for seat, _ in cups_in(message)}


def cups_of(players: list[Player]) -> dict[str, Cup]:
    """By seat, what each player sees under the own cup."""
    return {str(seat): player.room.state["players"][str(seat)]["cup"] for seat, player in enumerate(players)}


def check_secrecy(overheard: Overheard, accounts: list[Account], unshown: dict[str, Cup]) -> None:
    """Nobody has got a byte of another's cup. `accounts`: by seat, and then the spectators."""
    for place, account in enumerate(accounts):
        messages = overheard.by(account)
        is_player = str(place) in unshown
        assert seats_seen(messages) == ({place} if is_player else set())
        for seat, cup in unshown.items():
            written = json.dumps(cup, separators=(",", ":"))
            assert seat == str(place) or not any(written in message for message in messages)


# --- the game -------------------------------------------------------------------------------------------------


async def begin(people: People, accounts: list[Account], spectator: Account) -> list[Player]:
    """A round that has begun; the last of those who are returned only watches."""
    players = [await people.connect(account) for account in accounts]
    room_id = await players[0].create("liars-dice", settings=RULES)
    for player in players[1:]:
        await player.join(room_id)
    watcher = await people.connect(spectator)
    await watcher.join(room_id, role="spectator")
    for player in players:
        await player.ask("SET_READY", ready=True)
    await players[0].ask("START_GAME", seed=3)
    await watcher.until("GAME_STARTED")
    return [*players, watcher]


async def all_hear(players: list[Player], kind: str, **data: Any) -> list[Json]:
    return [await player.until(kind, **data) for player in players]


async def play_on(players: dict[int, Player]) -> None:
    """Each bid is the highest there is, and is challenged, until one player has dice."""
    while (view := next(iter(players.values())).room.view)["status"] == "playing":
        turn, bid = view["state"]["turn"], view["state"]["bid"]
        dice = sum(player["dice"] for player in view["state"]["players"].values())
        if bid is None:
            await players[turn].act("bid", count=dice, face=6)
        else:
            await players[turn].act("challenge")
        for player in players.values():
            await player.verify()


async def test_a_whole_game_in_which_the_server_dies(servers: Servers, overheard: Overheard) -> None:
    server = servers.start(LIARS_DICE)
    async with gathering(server) as people:
        *accounts, spectator = await people.guests("Ann", "Bob", "Cid", "Eve")
        present = await begin(people, accounts, spectator)
        assert present[-1].room.view["deadlines"].keys() == {"turn_over"}

        # Nobody moves, so the clock opens; then the server dies in the middle of a turn.
        [*_, told] = await all_hear(present, "GAME_UPDATED", cause="timer")
        assert told["announcements"][0] == {"type": "too_slow", "seat": present[-1].room.state["bid"]["seat"]}
        cups = cups_of(present[:3])
        await kill_and_restart(server)
        for player in present:
            await player.gone()
        present = [
            await people.return_to(account, player.room)
            for account, player in zip([*accounts, spectator], present, strict=True)
        ]

        # It fires for who did not challenge, and the dice are those that were rolled before the death.
        for event in await all_hear(present, "GAME_UPDATED", cause="timer"):
            assert event["announcements"][-1]["showdown"]["cups"] == cups

        # One bids, and another leaves: dice that nobody has shown are shaken again. The others go on to the end.
        unshown = cups_of(present[:3])
        await present[present[3].room.state["turn"]].act("bid", count=2, face=2)
        await present[1].ask("LEAVE_GAME_ROOM_GROUP")
        await all_hear([present[0], present[2], present[3]], "GAME_UPDATED", cause="member")
        assert present[3].room.state["players"]["1"] == {"dice": 0, "away": False}
        await play_on({0: present[0], 2: present[2]})
        ended = await present[3].until("GAME_ENDED", reason="finished")
        winner, second, third = ended["data"]["result"]["places"]
        assert ({winner, second}, third) == ({0, 2}, 1)
        check_secrecy(overheard, [*accounts, spectator], unshown)
