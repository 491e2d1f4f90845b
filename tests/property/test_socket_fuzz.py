"""Random frames at a real socket: each text frame gets exactly one answer, or the connection closes as promised."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.frames import Opcode

from tests.conftest import HASTY_SIGN_INS
from tests.kit.api import Account, bearer
from tests.kit.people import People
from tests.kit.player import DEADLINE, Disconnected, Player
from tests.kit.raw_socket import raw_socket
from tests.kit.server import Server
from tests.kit.tables import Game, sit_down
from tests.kit.wire import Json

CLOSE_CODES = {1000, 1002, 1007, 1009, 4003, 4005, 4500, 4503, 4504, 4505, 4506, 4507, 4509}
"""What a connection that misbehaves may be closed with; 1006 and 1011 would be ours to answer for."""

COMMANDS = [
    "AUTHENTICATE",
    "PING",
    "CREATE_GAME_ROOM_GROUP",
    "JOIN_GAME_ROOM_GROUP",
    "LEAVE_GAME_ROOM_GROUP",
    "GET_GAME_ROOM_GROUP",
    "SET_READY",
    "START_GAME",
    "GAME_ACTION",
    "SEND_CHAT",
    "CLOSE_GAME_ROOM_GROUP",
]
HERE = "<the room>"
"""Stands for the id of the room that the client is in."""

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["", "\0", "relay", "tic-tac-toe", "send", "place", "player", HERE, "x" * 600])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)

sensible: dict[str, st.SearchStrategy[Any]] = {
    "room_id": st.just(HERE),
    "game": st.sampled_from(["relay", "tic-tac-toe"]),
    "name": st.text(max_size=10),
    "ready": st.booleans(),
    "text": st.text(min_size=1, max_size=20),
    "to": st.sampled_from([None, "nobody"]) | st.lists(st.integers(0, 3), max_size=2),
    "role": st.sampled_from(["player", "spectator"]),
    "resume": st.fixed_dictionaries({"epoch": st.integers(0, 3), "seq": st.integers(0, 50)}),
    "updates": st.sampled_from(["patch", "view"]),
    "action": st.fixed_dictionaries({"type": st.sampled_from(["send", "place"])}, optional={"data": values}),
    "access_token": st.just("not.a.token"),
    "id": st.sampled_from(["a", "b", "c"]) | st.uuids().map(str),
    "metadata": st.dictionaries(st.text(max_size=3), values, max_size=2),
}
fields = st.dictionaries(st.sampled_from(list(sensible)), st.none(), max_size=5).flatmap(
    lambda chosen: st.fixed_dictionaries({name: sensible[name] | values for name in chosen})
)


def frame_of(kind: Any, body: Json, fresh_id: str) -> str:
    """Who resumes must have an id here, so that the kit knows from where."""
    named = {"id": fresh_id} if "resume" in body else {}
    return json.dumps({"type": kind, **named, **body})


ids = st.uuids().map(str)
commands = st.builds(frame_of, st.sampled_from(COMMANDS), fields, ids)
near_commands = st.builds(frame_of, st.text(max_size=12) | values, fields, ids)
texts = st.text(max_size=40).filter(lambda text: text != "ping")
frames = st.one_of(commands, commands, near_commands, values.map(json.dumps), texts)

calm = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = {"frames_per_second": 10_000, "frame_burst": 10_000}
    with Server(tmp_path_factory.mktemp("target"), **limits, **HASTY_SIGN_INS) as server:
        yield server


class Range:
    """A loop that outlives the examples, with bystanders at a game and a target account."""

    def __init__(self, server: Server) -> None:
        self.runner = asyncio.Runner()
        self.people = self.runner.run(self._gather(server))
        self.bystanders: Game = self.runner.run(sit_down(self.people))
        self.account: Account = self.runner.run(self.people.guest("Fuzz"))

    async def _gather(self, server: Server) -> People:
        return People(server)

    async def bystanders_go_on(self) -> None:
        """Others on the node are answered and hear each other."""
        await self.bystanders.seats[0].ask("SEND_CHAT", text="still here")
        for player in self.bystanders.seats:
            await player.until("CHAT_MESSAGE", text="still here")

    def close(self) -> None:
        self.runner.run(self.people.verify())
        self.runner.run(self.people.close())
        self.runner.close()


@pytest.fixture
def field(target: Server) -> Iterator[Range]:
    field = Range(target)
    yield field
    field.close()


def is_answer(frame: Json) -> bool:
    """Not the ERROR with id null that announces a close: that one is followed by the end."""
    return frame["type"] in ("REPLY", "ERROR")


async def answers_to(player: Player, sent: list[str]) -> None:
    """As many answers as frames; the closing PING shows that there was none too many before it."""
    answers: list[Json] = []
    try:
        for text in sent:
            await player.send_text(text)
        async with asyncio.timeout(DEADLINE):
            while len(answers) < len(sent):
                frame = await player.next()
                answers += [frame] if is_answer(frame) else []
        await player.ask("PING")
    except Disconnected as gone:
        assert gone.code in CLOSE_CODES, f"{gone} after {sent}"
        return
    answers += [frame for frame in player.heard() if is_answer(frame)]
    assert len(answers) == len(sent), f"{sent} got {answers}"
    codes = {answer.get("code") for answer in answers}
    assert not codes & {"internal", "game_error"}, f"{sent} got {answers}"


@calm
@given(sent=st.lists(frames, min_size=1, max_size=15))
def test_each_text_frame_has_one_answer(field: Range, sent: list[str]) -> None:
    async def example() -> None:
        player = await field.people.newcomer("Fuzz")
        room_id = await player.create("relay")
        await answers_to(player, [text.replace(HERE, room_id) for text in sent])
        await player.close()
        await field.bystanders_go_on()

    field.runner.run(example())


@calm
@given(first=frames, sent=st.lists(frames, max_size=4))
def test_a_random_first_frame_ends_the_anonymous(field: Range, first: str, sent: list[str]) -> None:
    async def example() -> None:
        player = await field.people.knock()
        try:
            for frame in [first, *sent]:
                await player.send_text(frame)
        except Disconnected:
            pass  # the server may be faster than we are
        assert (await player.closed()).code == 4500
        await field.bystanders_go_on()

    field.runner.run(example())


@calm
@given(sent=st.lists(st.binary(max_size=60), min_size=1, max_size=10))
def test_each_binary_frame_is_malformed(field: Range, sent: list[bytes]) -> None:
    async def example() -> None:
        player = await field.people.newcomer("Fuzz")
        for frame in sent:
            await player.send_binary(frame)
        codes = [(await player.expect("ERROR"))["code"] for _ in sent]
        assert codes == ["malformed_frame"] * len(sent)
        await player.ask("PING")
        await player.close()

    field.runner.run(example())


raw_frames = st.tuples(st.sampled_from(list(Opcode)), st.binary(max_size=130), st.booleans())


@calm
@given(sent=st.lists(raw_frames, max_size=8), tail=st.binary(max_size=40))
def test_random_framing_closes_or_is_answered(
    field: Range, sent: list[tuple[Opcode, bytes, bool]], tail: bytes
) -> None:
    async def example() -> None:
        url = f"{field.people.server.ws_url}/ws"
        async with raw_socket(url, bearer(field.account.access_token)) as raw:
            for opcode, payload, fin in sent:
                await raw.send_frame(opcode, payload, fin=fin)
            await raw.send_bytes(tail)
            await raw.send_frame(Opcode.CLOSE, b"\x03\xe8")
            await raw.finish()
            close, _ = await raw.until_close()
        assert close is None or close.code != 1011
        await field.bystanders_go_on()

    field.runner.run(example())


def test_the_server_has_seen_no_error_of_its_own(field: Range, target: Server) -> None:
    """Runs last in this file: whatever was sent, nothing in the server raised."""
    field.runner.run(field.bystanders_go_on())
    assert "Traceback" not in target.log
