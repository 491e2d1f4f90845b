"""Play the page's stories, and write into it what the server said otherwise: `python -m tests.transcripts`."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kit.server import Server
from tests.papers import PROTOCOL, transcripts_in
from tests.transcripts.stage import Wrong
from tests.transcripts.stories import STORIES, play


async def record() -> list[Wrong]:
    """Every line of the page that is wrong."""
    transcripts = transcripts_in(PROTOCOL)
    with TemporaryDirectory() as folder, Server(Path(folder)) as server:
        return [wrong for story in STORIES for wrong in await play(story, server, transcripts)]


def corrected(page: str, wrong: list[Wrong]) -> str:
    """The page with what was recorded in the place of what is wrong."""
    for each in sorted(wrong, key=lambda each: each.line.start, reverse=True):
        page = page[: each.line.start] + each.recorded + page[each.line.end :]
    return page


if __name__ == "__main__":
    PROTOCOL.write_text(corrected(PROTOCOL.read_text(), asyncio.run(record())))
