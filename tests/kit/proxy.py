"""A proxy before PostgreSQL that loses, stalls and cuts what passes: in general, or one request of the test's choice.

A *request* is what a client sends before it waits: a query, or all messages up to a Sync. An *answer* ends with
ReadyForQuery. So the proxy can let a request be done and lose the answer, which no other fault does so precisely.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto

DEADLINE_S = 20.0
CHUNK = 65536
READY, QUERY, SYNC = b"Z", b"Q", b"S"


class Fate(Enum):
    """What becomes of a request that falls into a trap."""

    CUT = auto()
    """It never reaches the server: the connection is cut before."""
    LOSE_ANSWER = auto()
    """The server has done it when the connection is cut; the client gets no word of the answer."""
    LOSE_END = auto()
    """As before, but all of the answer has come, except for its end, which says that it is committed."""
    HOLD = auto()
    """It waits before the server until the trap is released, whatever becomes of the client."""
    HALF = auto()
    """The server gets the first half; the rest waits until the trap is released."""
    HOLD_ANSWER = auto()
    """The server has done it; the answer waits until the trap is released."""


@dataclass
class Trap:
    """Waits for the `nth` request that holds `needle`. `sprung`: its fate has come true.

    `answered`: the server is done with it.
    """

    needle: bytes
    fate: Fate
    nth: int = 1
    sprung: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def catches(self, request: bytes) -> bool:
        if self.nth > 0 and self.needle in request:
            self.nth -= 1
            return self.nth == 0
        return False


class Cut(Exception):
    """The connection is cut here."""


class Ended(Exception):
    """The other side has ended it."""


class Proxy:
    """Listens on `port` of 127.0.0.1 for clients of the server at `target`. Plain text only: `sslmode=disable`."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._traps: list[Trap] = []
        self._passing = threading.Event()
        self._passing.set()
        self._refusing = False
        self._closed = False
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "Proxy":
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._passing.set()
        for trap in self._traps:
            trap.released.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()
        for thread in self._threads:
            thread.join(DEADLINE_S)

    # --- what a test does -------------------------------------------------------------------------------------

    def trap(self, needle: bytes, fate: Fate, nth: int = 1) -> Trap:
        """The `nth` request from now on that holds `needle` meets this fate."""
        trap = Trap(needle, fate, nth)
        self._traps.append(trap)
        return trap

    def cut(self) -> None:
        """Ends every connection, on both sides."""
        with self._lock:
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Meanwhile nobody gets in, and whoever was in is out."""
        self._refusing = True
        self.cut()
        try:
            yield
        finally:
            self._refusing = False

    @contextmanager
    def stalling(self) -> Iterator[None]:
        """Meanwhile connections stay open, and nothing passes."""
        self._passing.clear()
        try:
            yield
        finally:
            self._passing.set()

    # --- what passes ------------------------------------------------------------------------------------------

    def _begin(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self._refusing:
                client.close()
            else:
                self._begin(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target, DEADLINE_S)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {client, server}
        line = _Line(self, client, server)
        answers = threading.Thread(target=line.bring_answers)
        answers.start()
        line.bring_requests()
        answers.join()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()

    def wait_until_passing(self) -> None:
        self._passing.wait()

    def trap_for(self, request: bytes) -> Trap | None:
        """The trap that this request falls into."""
        with self._lock:
            return next((trap for trap in self._traps if trap.catches(request)), None)


class _Line:
    """One connection through the proxy. One thread brings requests, one answers."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._trap: Trap | None = None

    def bring_requests(self) -> None:
        try:
            self._server.sendall(_startup(self._client))
            for request in _requests(self._client):
                self._proxy.wait_until_passing()
                self._trap = self._proxy.trap_for(request)
                self._bring(request, self._trap)
        except Ended:
            # What the server was given it does to the end.
            with suppress(OSError):
                self._server.shutdown(socket.SHUT_WR)
        except (OSError, Cut):
            self._cut()

    def _bring(self, request: bytes, trap: Trap | None) -> None:
        match trap.fate if trap else None:
            case Fate.CUT:
                _spring(trap)
                raise Cut
            case Fate.HOLD:
                _spring(trap)
                _await_release(trap)
                self._server.sendall(request)
            case Fate.HALF:
                middle = len(request) // 2
                self._server.sendall(request[:middle])
                _spring(trap)
                _await_release(trap)
                self._server.sendall(request[middle:])
            case _:
                self._server.sendall(request)

    def bring_answers(self) -> None:
        try:
            for kind, message in _messages(self._server):
                self._proxy.wait_until_passing()
                self._answer(kind, message, self._trap)
        except (OSError, Cut, Ended):
            self._cut()

    def _answer(self, kind: bytes, message: bytes, trap: Trap | None) -> None:
        fate = trap.fate if trap else None
        ends = kind == READY
        if trap and ends:
            trap.answered.set()
        if fate is Fate.LOSE_ANSWER or (fate is Fate.LOSE_END and ends):
            if ends:
                _spring(trap)
                raise Cut
            return
        if fate is Fate.HOLD_ANSWER and ends:
            _spring(trap)
            _await_release(trap)
        with suppress(OSError):  # the client may be gone
            self._client.sendall(message)

    def _cut(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _spring(trap: Trap | None) -> None:
    assert trap is not None
    trap.sprung.set()


def _await_release(trap: Trap | None) -> None:
    assert trap is not None
    trap.released.wait(DEADLINE_S)


# --- the wire of PostgreSQL -----------------------------------------------------------------------------------


def _exactly(end: socket.socket, count: int) -> bytes:
    """Raises `Ended`."""
    parts = []
    while count:
        part = end.recv(min(count, CHUNK))
        if not part:
            raise Ended
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _startup(client: socket.socket) -> bytes:
    """The first message, which has no kind."""
    length = _exactly(client, 4)
    return length + _exactly(client, struct.unpack("!I", length)[0] - 4)


def _messages(end: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    """Each with its kind."""
    while True:
        head = _exactly(end, 5)
        yield head[:1], head + _exactly(end, struct.unpack("!I", head[1:])[0] - 4)


def _requests(client: socket.socket) -> Iterator[bytes]:
    request = b""
    for kind, message in _messages(client):
        request += message
        if kind in (QUERY, SYNC) or kind == b"p":  # a password, during the start
            yield request
            request = b""
