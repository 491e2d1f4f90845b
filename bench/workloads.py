"""What is done: rooms of which size, who speaks how often, and whether it is relayed or answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bench.plan import Crowd, Pace

Work = Literal["relay", "talk", "command", "journaled", "connect", "enter"]
"""Said to everybody in the room; the same where it may wait 5 ms, if there is such a thing; a typed command that is
answered; the same, durable where there is such a thing; only to connect, and stay; to come into a room, and stay."""

RELAYING: Sequence[Work] = ("relay", "talk")

DEFAULT_PACE = Pace()

MESSAGE_LENGTH = 100
"""Characters of a message, its mark among them."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One column of the report."""

    name: str
    title: str
    work: Work
    crowd: Crowd
    pace: Pace = DEFAULT_PACE

    @property
    def relays(self) -> bool:
        """What is said goes to everybody in the room."""
        return self.work in RELAYING

    @property
    def silent(self) -> bool:
        """Nothing is said: people only come."""
        return self.work in ("connect", "enter")

    @property
    def messages_per_second(self) -> float:
        """What is offered; 0 in a closed loop."""
        return self.crowd.rooms * self.crowd.senders * self.pace.per_second

    @property
    def deliveries_per_second(self) -> float:
        return self.messages_per_second * self.crowd.arrivals


def _relay(members: int, in_flight: int) -> Workload:
    return Workload(
        name=f"relay-{members}-{in_flight}",
        title=f"{members:,} members, {in_flight} in flight",
        work="relay",
        crowd=Crowd(rooms=1, members=members, arrivals=members),
        pace=Pace(in_flight=in_flight),
    )


def _paced(name: str, title: str, crowd: Crowd, per_second: float) -> Workload:
    return Workload(name=name, title=title, work="relay", crowd=crowd, pace=Pace(per_second=per_second))


RELAY = tuple(_relay(members, in_flight) for members in (2, 10, 100, 1_000) for in_flight in (1, 8))
OPEN = _paced("open", "50 rooms × 10 members × 20/s", Crowd(rooms=50, members=10, arrivals=10), 20)
TALK = replace(
    _paced(
        "talk",
        "everybody talks: 20 rooms × 10 members × 10/s (here with `flush_ms` 5)",
        Crowd(rooms=20, members=10, senders=10, arrivals=10),
        10,
    ),
    work="talk",
)
COMMAND = Workload(
    name="command", title="typed command and its answer", work="command", crowd=Crowd(rooms=1, members=1)
)
JOURNALED = Workload(
    name="journaled",
    title="the same, journaled on SQLite, 64 rooms at once",
    work="journaled",
    crowd=Crowd(rooms=64, members=1),
)
CONNECTS = Workload(
    name="connects",
    title="authenticated handshakes, 8 at once",
    work="connect",
    crowd=Crowd(rooms=120, members=10),
    pace=Pace(settle_ms=0, warmup_connections=200),
)
IDLE = Workload(
    name="idle",
    title="3,000 idle connections, in no room where one may be in none",
    work="connect",
    crowd=Crowd(rooms=310, members=10),
    pace=Pace(settle_ms=1_000, warmup_connections=100),
)
SEATED = replace(IDLE, name="seated", title="3,000 idle members of rooms of 10", work="enter")

COMMANDS = (COMMAND, JOURNALED)
IDLERS = (IDLE, SEATED)
WORKLOADS: Sequence[Workload] = (*RELAY, OPEN, TALK, *COMMANDS, CONNECTS, *IDLERS)

MOST_CONNECTIONS = max(workload.crowd.connections for workload in WORKLOADS)


def _grown(axis: str, step: int) -> Workload:
    factor = 2**step
    rooms, members, rate = 2, 10, 50.0
    match axis:
        case "rooms":
            rooms *= factor
        case "members":
            members *= factor
        case "rate":
            rate *= factor
        case _:
            raise ValueError(axis)
    name = f"growth-{axis}-{step}"
    title = f"{rooms} rooms × {members} members × {rate:g}/s"
    return _paced(name, title, Crowd(rooms=rooms, members=members, arrivals=members), rate)


GROWTH: Mapping[str, Sequence[Workload]] = {
    "rooms": tuple(_grown("rooms", step) for step in range(8)),
    "members": tuple(_grown("members", step) for step in range(7)),
    "rate": tuple(_grown("rate", step) for step in range(8)),
}
"""By what doubles: from 2 rooms × 10 members × 50 messages/s, 1,000 deliveries/s, to 64 or 128 times that."""


def lasting(workload: Workload, measure_ms: int) -> Workload:
    """The same for another time."""
    return replace(workload, pace=replace(workload.pace, measure_ms=measure_ms))


def momentary(workload: Workload) -> Workload:
    """As little of it as there can be, to see that it works."""
    crowd = workload.crowd
    members = min(crowd.members, 20)
    arrivals = members if crowd.arrivals == crowd.members else crowd.arrivals
    crowd = replace(
        crowd,
        rooms=min(crowd.rooms, 5),
        members=members,
        senders=min(crowd.senders, members),
        arrivals=arrivals,
    )
    pace = replace(
        workload.pace,
        warmup_ms=20,
        measure_ms=60,
        settle_ms=0,
        warmup_connections=min(10, workload.pace.warmup_connections),
    )
    return replace(workload, crowd=crowd, pace=pace)
