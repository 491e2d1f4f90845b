"""`python -m tests.autobahn`: every case on every server, and what came of it in `docs/autobahn.md`."""

import asyncio
import datetime
import platform
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from tests.autobahn.build.case import Case, CaseCategories, Cases
from tests.autobahn.client import outcome_of
from tests.autobahn.report import SUBJECTS, Run, report
from tests.autobahn.verdict import Outcome, Results, shortfalls

HERE = Path(__file__).parent
BUILD = HERE / "build"
PAGE = HERE.parents[1] / "docs" / "autobahn.md"

AT_ONCE = 8
"""Cases on one server: most of their time they wait.

In the suite's order, so that the heavy ones of section 9, which keep the loop busy, meet only each other and 10.1.1:
these give a server ten seconds and more.
"""

STOP_DEADLINE = 10.0

CASES = {".".join(case.__name__.removeprefix("Case").split("_")): case for case in Cases}


@asynccontextmanager
async def serving(subject: str) -> AsyncIterator[int]:
    """The port of a server of this kind, which ends with the block. What it prints goes to a file in `BUILD`."""
    with socket.create_server(("127.0.0.1", 0)) as listening, (BUILD / f"{subject}.log").open("wb") as log:
        fd, port = listening.fileno(), listening.getsockname()[1]
        command = (sys.executable, "-m", "tests.autobahn.echo", subject, str(fd))
        process = await asyncio.create_subprocess_exec(*command, pass_fds=[fd], stderr=log)
    try:
        yield port
    finally:
        process.terminate()
        async with asyncio.timeout(STOP_DEADLINE):
            await process.wait()


async def outcomes(subject: str) -> dict[str, Outcome]:
    sys.stdout.write(f"{subject}\n")
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(case: type[Case], port: int) -> Outcome:
        async with turns:
            return await outcome_of(case, port)

    async with serving(subject) as port, asyncio.TaskGroup() as tasks:
        running = {name: tasks.create_task(in_turn(case, port)) for name, case in CASES.items()}
    return {name: task.result() for name, task in running.items()}


async def run_all() -> Results:
    return {subject: await outcomes(subject) for subject in SUBJECTS}


def described(results: Results) -> Run:
    return Run(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        versions=versions(),
        sections=CaseCategories,
        descriptions={name: description(case) for name, case in CASES.items()},
        results=results,
    )


def versions() -> dict[str, str]:
    wanted = (HERE / "suite.txt").read_text().splitlines()[-1]
    suite, _, number = wanted.split()[0].partition("==")
    installed = ("autobahn", "uvicorn", "wsproto", "websockets")
    return {suite: number, **{name: version(name) for name in installed}, "Python": platform.python_version()}


def description(case: type[Case]) -> str:
    """Its first paragraph, without tags."""
    return " ".join(re.sub("<.*?>", "", case.DESCRIPTION.partition("<br>")[0]).split())


def main() -> int:
    """1 if a case goes worse here than with the best of uvicorn's classes."""
    results = asyncio.run(run_all())
    PAGE.write_text(report(described(results)))
    worse = list(shortfalls(results))
    sys.stdout.writelines(f"{line}\n" for line in worse)
    sys.stdout.write(f"{len(CASES)} cases on {len(SUBJECTS)} servers, {len(worse)} worse: {PAGE.name}\n")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
