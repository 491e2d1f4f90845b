"""Goes through the table of `tests/refusals`: who may not do what, how that is said, and that nothing changed."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conftest import HASTY_SIGN_INS
from tests.kit.people import gathering
from tests.kit.server import Server
from tests.kit.ways import Way, both_encodings
from tests.refusals.commands import general_rows
from tests.refusals.rooms import SPECIAL_ROWS
from tests.refusals.row import Row, try_row
from tests.refusals.scenes import ROOMS_PER_USER, Theatre

TRAPS = Path(__file__).parent.parent / "games" / "traps.py"

pytestmark = [both_encodings, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the whole table, with a game that fails when it is asked to."""
    unhurried = {"frames_per_second": 100_000, "frame_burst": 100_000}
    settings = {"rooms_per_user": ROOMS_PER_USER, **unhurried, **HASTY_SIGN_INS}
    with Server(tmp_path_factory.mktemp("strict"), TRAPS, **settings) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theatre(strict: Server, way: Way) -> AsyncIterator[Theatre]:
    async with gathering(strict, way) as people:
        yield Theatre(people)


@pytest.mark.parametrize("row", [*general_rows(), *SPECIAL_ROWS], ids=str)
async def test_a_refused_command_changes_nothing(theatre: Theatre, row: Row) -> None:
    async with theatre.playing(row.scene) as stage:
        await try_row(stage, row)
