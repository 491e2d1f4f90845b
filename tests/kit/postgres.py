"""PostgreSQL for tests: a server that is there, or one of the test's own that can be broken; and databases in it.

A server that is there is the one of GAMEROOM_TEST_POSTGRES_URL, else one on 127.0.0.1:5432 that lets `postgres` in.
Own ones are made with the binaries on PATH or of Debian's packages. They run in a folder of their own, as another user
where we are root, which PostgreSQL refuses to run as.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from tests.kit.server import free_port

VARIABLE = "GAMEROOM_TEST_POSTGRES_URL"
USUAL = "postgresql://postgres@127.0.0.1:5432/postgres"
DRIVER = "postgresql+psycopg://"
"""How our server wants its URLs to begin; psycopg itself wants `postgresql://`."""

START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 30.0


class NoPostgres(Exception):
    """There is neither a server nor the binaries of one; the message says what was looked for."""


# --- databases ------------------------------------------------------------------------------------------------


def server_there() -> str | None:
    """The URL of a server that is there and lets us in, if there is one."""
    url = os.environ.get(VARIABLE, USUAL)
    try:
        psycopg.connect(plain(url), connect_timeout=3, autocommit=True).close()
    except psycopg.OperationalError:
        if VARIABLE in os.environ:
            raise
        return None
    return url


@contextmanager
def any_server() -> Iterator[str]:
    """The URL of the server that is there, else of one of our own. Raises `NoPostgres`."""
    there = server_there()
    if there is not None:
        yield there
        return
    with Postgres() as own:
        yield own.url


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """The URL of an empty database, which is dropped afterwards, whoever still uses it."""
    name = f"gameroom_test_{uuid4().hex}"
    execute(server_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield of_database(server_url, name)
    finally:
        execute(server_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def of_database(server_url: str, name: str) -> str:
    """The URL of another database of the same server, as our server wants it."""
    before, _, after = plain(server_url).removeprefix("postgresql://").partition("/")
    _, question, options = after.partition("?")
    return f"{DRIVER}{before}/{name}{question}{options}"


def plain(url: str) -> str:
    """The URL as psycopg wants it."""
    return url.replace(DRIVER, "postgresql://", 1)


def execute(url: str, *statements: str | sql.Composed) -> None:
    """Each in a transaction of its own."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


# --- a server of one's own ------------------------------------------------------------------------------------


def _binary(name: str) -> Path:
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    packaged = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    if not packaged:
        raise NoPostgres(
            f"no PostgreSQL: {VARIABLE} is not set, nobody lets us in at {USUAL}, no {name} is installed"
        )
    return packaged[-1]


class Postgres:
    """A PostgreSQL server on 127.0.0.1 and a free port, in a folder that goes with it.

    Can be stopped, killed, frozen and started again where it was. `settings` are those of `postgresql.conf`.
    """

    def __init__(self, **settings: str) -> None:
        self.port = free_port()
        self._settings = settings
        self._initdb, self._postgres = _binary("initdb"), _binary("postgres")
        self._folder = Path(tempfile.mkdtemp(prefix="gameroom-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._user = _other_user()
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)

    def __enter__(self) -> "Postgres":
        self._run_as_user(
            self._initdb, "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"
        )
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._running():
            self.thaw()
            self.kill()
        shutil.rmtree(self._folder)

    @property
    def url(self) -> str:
        return f"{DRIVER}postgres@127.0.0.1:{self.port}/postgres"

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        """Returns when it takes connections."""
        assert not self._running()
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", **self._settings}
        arguments = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._postgres, "-D", self._data, "-p", str(self.port), *arguments],
                cwd=self._folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._as_user(),
            )
        self._await_ready(time.monotonic() + START_DEADLINE_S)

    def stop(self) -> None:
        """As a restart for an update does: sessions are ended, what is committed is written out."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """As a loss of power does: every process of it is gone at once."""
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        """None of its processes does anything, but the kernel still takes what is sent to them."""
        self._to_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._to_all(signal.SIGCONT)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        if number is signal.SIGKILL:
            self._to_all(number)
        else:
            self._process.send_signal(number)
        self._process.wait(STOP_DEADLINE_S)

    def _to_all(self, number: signal.Signals) -> None:
        """Every child of the server has a process group of its own, so they are told one by one."""
        assert self._process is not None
        for process in (self._process.pid, *_children_of(self._process.pid)):
            os.kill(process, number)

    def _await_ready(self, deadline: float) -> None:
        assert self._process is not None
        while True:
            try:
                psycopg.connect(plain(self.url), connect_timeout=2).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, self.log
                assert time.monotonic() < deadline, self.log
                time.sleep(0.02)
            else:
                return

    def _run_as_user(self, *command: str | Path) -> None:
        subprocess.run(command, cwd=self._folder, check=True, stdout=subprocess.DEVNULL, **self._as_user())

    def _as_user(self) -> dict[str, object]:
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}


def _other_user() -> pwd.struct_passwd | None:
    """Whom the server runs as where we are root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _children_of(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(child) for child in children.read_text().split()]
