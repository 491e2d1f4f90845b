"""What the load generator is told, and in what form. Pure.

The generator knows no contender's dialect. A `Script` says how one connection comes in: what to send, and what is in
the answer when the next step may follow. A message bears `MARK`, which the generator rewrites each time; whatever
comes back with it is an arrival of that message.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

MARK = "~~00000000"
"""Stands in a message where the generator writes the message's number: two tildes, eight hexadecimal digits."""

StepKind = Literal["h", "u", "t", "b"]
"""A call over HTTP, the upgrade to a WebSocket, a text frame, a binary frame."""


@dataclass(frozen=True)
class Step:
    """What to send, if anything, and what must have come before the next step.

    In an HTTP answer (`h`) the values behind each line of `expect`, up to a quotation mark, are captured; the bytes 1,
    2 and 3 stand for them in later calls and upgrades.
    """

    kind: StepKind
    say: bytes = b""
    expect: bytes = b""


Script = Sequence[Step]


@dataclass(frozen=True)
class Message:
    """What a sender sends again and again."""

    payload: bytes
    binary: bool = False


@dataclass(frozen=True)
class Ping:
    """A frame of the dialect's own heartbeat, and its answer."""

    question: bytes = b""
    answer: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast, and how long.

    With `per_second` each sender keeps to its clock, whatever comes back (an open loop); else each has `in_flight`
    messages under way, and sends the next when one has arrived at everybody (a closed loop).
    """

    in_flight: int = 1
    per_second: float = 0
    warmup_ms: int = 500
    measure_ms: int = 2500
    settle_ms: int = 200
    warmup_connections: int = 0

    @property
    def period_ns(self) -> int:
        return round(1e9 / self.per_second) if self.per_second else 0


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """How many rooms, how many in each, and how many of those speak; `arrivals` make one message complete."""

    rooms: int
    members: int
    senders: int = 1
    arrivals: int = 1

    @property
    def connections(self) -> int:
        return self.rooms * self.members


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that one run of the generator needs. Without a message everybody only connects, and stays."""

    port: int
    server_pid: int
    crowd: Crowd
    pace: Pace
    scripts: Sequence[Script]
    message: Message | None
    ping: Ping = Ping()
    connecting_at_once: int = 8


def encode_plan(plan: Plan) -> bytes:
    """The plan as `bench/generator/plan.c` reads it: netstrings without commas."""
    return b"".join(b"%d:%s" % (len(text), text) for text in _texts(plan))


def _texts(plan: Plan) -> Iterator[bytes]:
    crowd, pace, message = plan.crowd, plan.pace, plan.message or Message(b"")
    numbers = (
        plan.port,
        plan.server_pid,
        int(plan.message is not None),
        plan.connecting_at_once,
        pace.warmup_connections,
        pace.settle_ms,
        pace.warmup_ms,
        pace.measure_ms,
        pace.in_flight,
        pace.period_ns,
        crowd.members,
        crowd.senders,
        crowd.arrivals,
        int(message.binary),
    )
    yield from (_number(number) for number in numbers)
    yield from (message.payload, plan.ping.question, plan.ping.answer)
    yield _number(len(plan.scripts))
    for script in plan.scripts:
        yield _number(len(script))
        for step in script:
            yield from (_number(ord(step.kind)), step.say, step.expect)


def _number(number: int) -> bytes:
    return b"%d" % number


def upgrade(path: str, *headers: str) -> Step:
    """The handshake of a WebSocket at `path`, which has come when it is answered 101."""
    lines = (
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *headers,
    )
    return Step("u", _head(lines))


def post(path: str, body: bytes, headers: Sequence[str], capture: Sequence[str]) -> Step:
    """A call with a JSON body whose answer holds the values behind each of `capture`."""
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    )
    return Step("h", _head(lines) + body, "\n".join(capture).encode())


def _head(lines: Sequence[str]) -> bytes:
    return "\r\n".join((*lines, "", "")).encode()
