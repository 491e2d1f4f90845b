"""Bugs met in how the server's process is set up, each as the test that shows it."""

from pathlib import Path

from tests.conftest import HASTY_SIGN_INS
from tests.kit.people import gathering
from tests.kit.server import Server

HEAP = Path(__file__).parent.parent / "games" / "heap.py"


async def test_what_was_loaded_at_the_start_is_not_walked_over_by_the_garbage_collector(
    tmp_path: Path,
) -> None:
    """Every full collection walked over all modules, and stopped the rooms meanwhile: a tenth of a second, or more."""
    with Server(tmp_path, HEAP, **HASTY_SIGN_INS) as server:
        async with gathering(server) as people:
            alice = await people.newcomer("Alice")
            await alice.create("heap")
            await alice.ask("SET_READY", ready=True)
            await alice.ask("START_GAME")
            objects = (await alice.act("look")).data
    assert objects["frozen"] > 5 * objects["collected"]
