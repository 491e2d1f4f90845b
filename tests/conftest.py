"""What tests against a real server process share: the server, its people, and its log when a test fails."""

import os
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from gameroom.storage import migrate
from gameroom.storage.tables import metadata
from tests.kit.people import People
from tests.kit.postgres import NoPostgres, any_server, execute, fresh_database
from tests.kit.server import Server
from tests.kit.ways import PLAIN, Way

LOG_LINES = 80
"""Of a server's log, shown with a test that failed."""

HASTY_SIGN_INS = {"sign_ins_per_address": 100_000, "sign_ins_per_account": 1_000}
"""All people of all tests sign in from one address within minutes."""

settings.register_profile("thorough", max_examples=2_000)
"""For `make fuzz-rest`."""

EMPTYING = (
    *(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)),  # noqa: S608  (our own tables)
    "ALTER SEQUENCE revocations_number_seq RESTART",
)
"""Quicker than TRUNCATE, which makes new files."""

failed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[failed] = True
        report.sections += [("log of gameroom serve", _tail(server)) for server in _servers_of(item)]
    return report


def _servers_of(item: pytest.Item) -> list[Server]:
    arguments = item.funcargs.values() if isinstance(item, pytest.Function) else ()
    alone = [argument for argument in arguments if isinstance(argument, Server)]
    started = [
        server for argument in arguments if isinstance(argument, Servers) for server in argument.started
    ]
    return [*alone, *started]


def _tail(server: Server) -> str:
    return "\n".join(server.log.splitlines()[-LOG_LINES:])


class Servers:
    """Starts servers of a test's own, each on a fresh data directory, and ends them with it."""

    def __init__(self, folder: Path) -> None:
        self.started: list[Server] = []
        self._folder = folder

    def start(self, *games: Path, **settings: object) -> Server:
        """A server that is ready, with settings such as `grace_ms=500`."""
        folder = self._folder / f"server-{len(self.started)}"
        server = Server(folder, *games, **{**HASTY_SIGN_INS, **settings})
        self.started.append(server)
        server.start()
        return server

    def close(self) -> None:
        for server in self.started:
            if server.running:
                server.kill9()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server in which tests make their databases."""
    with skipped_without_postgres(), any_server() as url:
        yield url


@contextmanager
def skipped_without_postgres() -> Iterator[None]:
    """What needs a PostgreSQL that is not there is skipped; with CI=1 it fails."""
    try:
        yield
    except NoPostgres as absent:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(absent))


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with the newest schema, for all tests that leave it as they found it."""
    with fresh_database(postgres_server) as url:
        migrate.upgrade(url)
        yield url


@pytest.fixture
def postgres_url(migrated_postgres: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with the newest schema and nothing in it."""
    yield migrated_postgres
    execute(migrated_postgres, *EMPTYING)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that neither stop it nor change its settings."""
    with Server(tmp_path_factory.mktemp("server"), **HASTY_SIGN_INS) as server:
        yield server


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    servers = Servers(tmp_path)
    yield servers
    servers.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test whose people come by several ways is run once by each: the nearest marker of `tests.kit.ways` says."""
    chosen = metafunc.definition.get_closest_marker("ways")
    if chosen is not None and "way" in metafunc.fixturenames:
        metafunc.parametrize("way", chosen.args, ids=str, scope="module")


@pytest.fixture(scope="module")
def way() -> Way:
    """How the people of a test come that says nothing of ways."""
    return PLAIN


@pytest.fixture
async def people(server: Server, way: Way, request: pytest.FixtureRequest) -> AsyncIterator[People]:
    """People at the shared server. After a test that went well they verify their copies of every room."""
    people = People(server, way)
    yield people
    try:
        if failed not in request.node.stash:
            await people.verify()
    finally:
        await people.close()
