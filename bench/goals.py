"""What was aimed at: the server's CPU as a share of each peer's, within one run. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.results import Figure, Results, cost, kb_per_connection
from bench.workloads import COMMAND, CONNECTS, IDLE, JOURNALED, OPEN, RELAY, TALK, Workload

SUBJECT = "gameroom"
COLYSEUS, NAIVE, WS = "colyseus", "naive-sansio", "ws"
"""The peers that the goals name; naive FastAPI with uvicorn's default class."""

MOST_KB = 15.0
"""Of memory for one idle connection."""


@dataclass(frozen=True)
class Goal:
    """At most so many times what the peer takes; a peer without a number has no goal."""

    title: str
    workload: Workload
    most: Mapping[str, float]


@dataclass(frozen=True)
class Verdict:
    """One number of a goal. `ratio` is None where it was not measured."""

    ratio: float | None
    most: float

    @property
    def missed(self) -> bool:
        return self.ratio is not None and self.ratio > self.most


def _goal(title: str, workload: Workload, colyseus: float, naive: float, ws: float | None) -> Goal:
    most = {COLYSEUS: colyseus, NAIVE: naive}
    return Goal(title, workload, most if ws is None else {**most, WS: ws})


_relay = {workload.name: workload for workload in RELAY}

GOALS: Sequence[Goal] = (
    _goal("relay, 10 members, 1 in flight", _relay["relay-10-1"], 0.50, 0.30, 0.70),
    _goal("relay, 10 members, 8 in flight", _relay["relay-10-8"], 0.20, 0.15, 0.25),
    _goal("relay, 100 members", _relay["relay-100-1"], 0.55, 0.45, 0.75),
    _goal("relay, 1,000 members", _relay["relay-1000-1"], 0.55, 0.45, 0.75),
    _goal("relay, 2 members", _relay["relay-2-1"], 0.60, 0.30, 0.80),
    _goal("everybody talks", TALK, 0.30, 0.20, 0.30),
    _goal("typed command round trip through a volatile room", COMMAND, 0.45, 0.35, 0.80),
    _goal("the same, journaled on SQLite, 64 rooms at once", JOURNALED, 0.90, 0.65, None),
    _goal("authenticated handshake, ES256", CONNECTS, 0.25, 0.50, 0.45),
)


def ratio(results: Results, workload: Workload, peer: str, figure: Figure) -> float | None:
    """Ours by theirs, of medians."""
    ours, theirs = (results.median(workload.name, who, figure) for who in (SUBJECT, peer))
    return ours / theirs if ours is not None and theirs else None


def verdict(results: Results, goal: Goal, peer: str) -> Verdict | None:
    """None: there is no such goal."""
    most = goal.most.get(peer)
    return None if most is None else Verdict(ratio(results, goal.workload, peer, cost(goal.workload)), most)


def latency_verdict(results: Results, peers: Sequence[str]) -> Verdict:
    """p99 at 10,000 deliveries/s, by that of the best peer."""
    ratios = [ratio(results, OPEN, peer, lambda figures: figures.p99) for peer in peers]
    return Verdict(max((each for each in ratios if each is not None), default=None), 1.0)


def memory_verdict(results: Results) -> Verdict:
    """KB for an idle connection."""
    return Verdict(results.median(IDLE.name, SUBJECT, kb_per_connection), MOST_KB)


def missed(results: Results, peers: Sequence[str]) -> Iterator[tuple[str, Verdict]]:
    """Every goal that is missed, and by what."""
    for goal in GOALS:
        for peer in goal.most:
            found = verdict(results, goal, peer)
            if found is not None and found.missed:
                yield f"{goal.title}, against {peer}", found
    for title, found in (
        ("p99 at 10,000 deliveries/s, against the best", latency_verdict(results, peers)),
        ("KB for an idle connection", memory_verdict(results)),
    ):
        if found.missed:
            yield title, found
