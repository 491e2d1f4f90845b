"""A database of the test's own in PostgreSQL, a proxy before it, and a server that has one."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.conftest import HASTY_SIGN_INS, skipped_without_postgres
from tests.kit.postgres import Postgres, fresh_database
from tests.kit.proxy import Proxy
from tests.kit.server import Server
from tests.postgres.sessions import Sessions, address_of, migrated


@pytest.fixture(scope="session")
def server(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Here, the server that tests share has PostgreSQL."""
    with (
        fresh_database(postgres_server) as url,
        Server(tmp_path_factory.mktemp("server"), database_url=url, **HASTY_SIGN_INS) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def new_postgres() -> Callable[..., Postgres]:
    """Makes a server of the test's own, to be started with `with`."""

    def make(**settings: str) -> Postgres:
        with skipped_without_postgres():
            return Postgres(**settings)

    return make


@pytest.fixture(scope="module")
def own_url(postgres_server: str) -> Iterator[str]:
    """The URL of a database with the newest schema, for the tests of one module."""
    with fresh_database(postgres_server) as url:
        migrated(url)
        yield url


@pytest.fixture
def proxy(own_url: str) -> Iterator[Proxy]:
    with Proxy(address_of(own_url)) as proxy:
        yield proxy


@pytest.fixture
async def sessions(own_url: str) -> AsyncIterator[Sessions]:
    sessions = Sessions(own_url)
    yield sessions
    await sessions.close()
