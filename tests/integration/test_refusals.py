"""Goes through the table of `tests/refusals`: who may not do what, how that is said, and that nothing changed."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conftest import HASTY_SIGN_INS
from tests.kit.documents import document
from tests.kit.people import People, gathering
from tests.kit.server import Server
from tests.kit.ways import Way, both_encodings, plainly
from tests.kit.wire import CLOSE_WORDS, CODES, RETRYABLE
from tests.refusals.commands import general_rows
from tests.refusals.doors import CALLS, HANDSHAKES, Call, Handshake, try_call, try_handshake
from tests.refusals.frames import MALFORMED, malformed, try_message
from tests.refusals.rooms import SPECIAL_ROWS
from tests.refusals.row import Row, try_row
from tests.refusals.scenes import ROOMS_PER_USER, Theatre, waiting
from tests.refusals.stories import ATTEMPTS_PER_ACCOUNT, DEADLINE_MS, MAILBOX, STORIES, Story

TRAPS = Path(__file__).parent.parent / "games" / "traps.py"

pytestmark = both_encodings

in_one_loop = pytest.mark.asyncio(loop_scope="module")
"""For the tests that share the theatre, whose sockets live in one event loop."""


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the whole table, with a game that fails when it is asked to."""
    unhurried = {"frames_per_second": 100_000, "frame_burst": 100_000, "ping_interval_ms": 600_000}
    settings = {"rooms_per_user": ROOMS_PER_USER, **unhurried, **HASTY_SIGN_INS}
    with Server(tmp_path_factory.mktemp("strict"), TRAPS, **settings) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theatre(strict: Server, way: Way) -> AsyncIterator[Theatre]:
    async with gathering(strict, way) as people:
        yield Theatre(people)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in production, with little patience and little room."""
    settings = {
        "environment": "production",
        "sign_ins_per_address": 100_000,
        "sign_ins_per_account": ATTEMPTS_PER_ACCOUNT,
        "room_mailbox": MAILBOX,
        "command_deadline_ms": DEADLINE_MS,
    }
    with Server(tmp_path_factory.mktemp("narrow"), **settings) as server:
        yield server


@pytest.fixture
async def visitors(narrow: Server, way: Way) -> AsyncIterator[People]:
    async with gathering(narrow, way) as people:
        yield people


ROWS = [*general_rows(), *SPECIAL_ROWS]


@in_one_loop
@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_refused_command_changes_nothing(theatre: Theatre, row: Row) -> None:
    async with theatre.playing(row.scene) as stage:
        await try_row(stage, row)


@in_one_loop
async def test_what_is_no_command_changes_nothing(theatre: Theatre, way: Way) -> None:
    async with theatre.playing(waiting) as stage:
        for message in malformed(way.encoding):
            await try_message(stage, message)


@in_one_loop
@pytest.mark.parametrize("row", HANDSHAKES, ids=str)
async def test_a_refused_handshake_changes_nothing(theatre: Theatre, row: Handshake) -> None:
    async with theatre.playing(row.scene) as stage:
        await try_handshake(stage, row)


@in_one_loop
@plainly
@pytest.mark.parametrize("row", CALLS, ids=str)
async def test_a_refused_call_changes_nothing(theatre: Theatre, row: Call) -> None:
    async with theatre.playing(row.scene) as stage:
        await try_call(stage, row)


@pytest.mark.parametrize("story", STORIES, ids=str)
async def test_a_story_that_ends_with_a_refusal(visitors: People, story: Story) -> None:
    refused = await story.tell(visitors)
    assert refused.code == story.code
    if refused.status is not None:
        assert refused.status == CODES[story.code]
    if story.params is not None:
        assert refused.params == story.params


# --- that nothing is missing ----------------------------------------------------------------------------------


def test_every_command_is_in_the_table() -> None:
    answers = document("asyncapi")["components"]["messages"].keys()
    commands = {answer.removeprefix("REPLY.") for answer in answers if answer.startswith("REPLY.")}
    assert commands - {row.command for row in ROWS} == set()


def test_every_code_is_in_the_table() -> None:
    told = {row.expected.code for table in (ROWS, HANDSHAKES, CALLS) for row in table}
    told |= {story.code for story in STORIES} | {MALFORMED}
    assert told == CODES.keys()


def test_the_outside_client_knows_the_codes_of_the_document() -> None:
    described = document("asyncapi")["components"]["schemas"]["ErrorCode"]
    codes = described["x-codes"]
    assert codes.keys() == CODES.keys()
    assert {code for code in codes if CODES[code] not in (None, codes[code]["status"])} == set()
    assert {code for code in codes if codes[code]["retryable"]} == RETRYABLE
    assert set(described["enum"]) - codes.keys() == CLOSE_WORDS
