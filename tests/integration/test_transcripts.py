"""The protocol's page was recorded: a real server says what every transcript and every call of it shows."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.kit.api import Api, bearer
from tests.kit.people import People
from tests.kit.server import Server
from tests.papers import PROTOCOL, ShownCall, calls_in, transcripts_in
from tests.transcripts.likeness import Names
from tests.transcripts.stories import STORIES, Story, play

TRANSCRIPTS = transcripts_in(PROTOCOL)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all stories, as it comes."""
    with Server(tmp_path_factory.mktemp("theirs")) as server:
        yield server


@pytest.mark.parametrize("story", STORIES, ids=lambda story: next(iter(story)))
async def test_a_story_goes_as_the_page_shows(theirs: Server, story: Story) -> None:
    wrong = await play(story, theirs, TRANSCRIPTS)
    assert not wrong, "\n\n".join(map(str, wrong))


async def test_a_false_line_is_noticed_and_what_was_said_is_recorded(server: Server) -> None:
    flow = "Opening a socket"
    lines = [replace(line, text=line.text.replace("65536", "1")) for line in TRANSCRIPTS[flow]]
    [story] = [story for story in STORIES if flow in story]
    [wrong] = await play(story, server, {flow: lines})
    assert wrong.differences == ["#/max_message_bytes: 1, really 65536"]
    assert '"user_id": "ada"' in wrong.recorded
    assert '"max_message_bytes": 65536' in wrong.recorded


def test_every_transcript_of_the_page_is_played() -> None:
    assert {heading for story in STORIES for heading in story} == TRANSCRIPTS.keys()


async def test_every_call_is_answered_as_the_page_shows(people: People) -> None:
    """Ada is made by the first of them; her room is there already."""
    names, tokens = Names(), {}
    ben, host = await people.guests("Ben", "Host")
    room = await people.api.create_room(host, "tic-tac-toe", name="Friday night")
    names.bind("r-1", room["room"]["room_id"])
    tokens["BENS_TOKEN"] = ben.access_token
    for call in calls_in(PROTOCOL):
        answer = await make(people.api, call, names, tokens)
        assert call.answer is not None
        assert [*names.differences(call.answer.value, answer)] == [], call
        if "tokens" in answer:
            tokens["TOKEN"] = answer["tokens"]["access_token"]


async def make(api: Api, call: ShownCall, names: Names, tokens: dict[str, str]) -> Any:
    """The call as the page shows it; the answer's body."""
    headers = bearer(tokens[call.token]) if call.token else None
    answer = await api.request(call.method, str(names.real(call.path)), headers=headers, **body_of(call))
    return answer.json()


def body_of(call: ShownCall) -> dict[str, Any]:
    if not call.data:
        return {}
    if call.data[0].startswith("{"):
        return {"json": json.loads(call.data[0])}
    return {"data": dict(pair.split("=", 1) for pair in call.data)}
