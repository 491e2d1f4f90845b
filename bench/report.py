"""`docs/benchmarks.md`: what the results say, each number from them, goals that are missed first. Pure."""

from collections.abc import Callable, Iterator, Sequence

from bench.contenders import CONTENDERS, FLOOR
from bench.goals import (
    COLYSEUS,
    GOALS,
    NAIVE,
    SUBJECT,
    WS,
    Verdict,
    latency_verdict,
    memory_verdict,
    missed,
    verdict,
)
from bench.growth_report import growth_section
from bench.results import Figure, Results, cost, kb_per_connection, load_busy, throughput
from bench.tables import shown, strong, table
from bench.workloads import COMMANDS, CONNECTS, IDLE, IDLERS, OPEN, RELAY, TALK, WORKLOADS, Workload

PACED = (OPEN, TALK)

FigureOf = Callable[[Workload], Figure]

HEAD = """\
# Benchmarks

Written by `make bench` from `bench/results/latest.json` and, what its author found, `bench/results/notes.md`; not
edited by hand. What each workload and contender is, stands in `bench/workloads.py` and `bench/contenders.py`.

The server has one core to itself, the load (`bench/generator`, a C program with epoll) another one. Every contender
does the same work, its server started anew for each measurement, all contenders one after the other within a round,
each round in another order. A number is the median of {rounds} rounds. CPU is the server's own, user and system, of all
its threads, as the kernel accounts for it. A delivery is one message at one member, the sender included; messages have
{length} bytes. Latency is from sending (in an open loop: from when sending was due) to the arrival at one member.

The figures of gameroom are those of the whole product: tokens, membership, positions, limits and metrics are on. Two
limits are raised, since they would stop the load and not slow it: messages a second of one connection, and the mailbox
of a room. Its relayed messages ask for no answer (`"ack": false`), since no peer gives one; its commands bear an id,
are remembered by it, and are told to the room as an event beside the answer, which the peers' are not.
"""


def report(results: Results, length: int, notes: str = "") -> str:
    """The whole page; `notes` are what somebody found in these results, and in profiles."""
    return "\n".join(_sections(results, length, notes))


def _sections(results: Results, length: int, notes: str) -> Iterator[str]:
    yield HEAD.format(rounds=results.rounds, length=length)
    yield table(("machine", ""), results.machine.items())
    yield "## Goals\n"
    yield "Server CPU as a share of each peer's, and the most that it may be.\n"
    yield goals_table(results)
    yield _missed(results)
    yield notes
    yield "## Relay: microseconds of server CPU for a delivery\n"
    yield "![Relay](benchmarks/relay.svg)\n"
    yield contenders_table(results, RELAY, cost)
    yield "Deliveries a second:\n"
    yield contenders_table(results, RELAY, throughput)
    yield "p99 of latency, ms:\n"
    yield contenders_table(results, RELAY, lambda _: lambda figures: figures.p99)
    yield "## At a given pace\n"
    yield "![Latency](benchmarks/latency.svg)\n"
    for workload in PACED:
        yield _paced(results, workload)
    yield "## Commands and handshakes: microseconds of server CPU\n"
    yield "![Commands and handshakes](benchmarks/commands.svg)\n"
    yield contenders_table(results, (*COMMANDS, CONNECTS), cost)
    yield "A second:\n"
    yield contenders_table(results, (*COMMANDS, CONNECTS), throughput)
    yield "## Memory\n"
    yield _memory(results)
    yield growth_section(results)
    yield "## What the peers leave undone\n"
    yield table(("contender", "lacks"), ((each.label, each.lacks) for each in CONTENDERS))
    yield "## Was the load the bottleneck?\n"
    yield _ceiling(results)
    yield _failures(results)


def goals_table(results: Results) -> str:
    rows = [
        (goal.title, *(_goal_cell(verdict(results, goal, peer)) for peer in (COLYSEUS, NAIVE, WS)))
        for goal in GOALS
    ]
    body = table(("work", "by Colyseus", "by naive FastAPI (default ws)", "by Node `ws`"), rows)
    latency = latency_verdict(results, _rivals())
    memory = memory_verdict(results)
    return (
        f"{body}\np99 at 10,000 deliveries/s, by the best contender's: {_goal_cell(latency)}. "
        f"KB for an idle connection: {_goal_cell(memory)}.\n"
    )


def _goal_cell(found: Verdict | None) -> str:
    if found is None:
        return "–"
    return strong(f"{shown(found.ratio)} (≤ {found.most:g})", found.missed)


def _missed(results: Results) -> str:
    lines = [
        f"- {title}: {shown(found.ratio)} where {found.most:g} was wanted, {found.ratio / found.most - 1:.0%} over."
        for title, found in missed(results, _rivals())
        if found.ratio is not None
    ]
    return "Missed:\n\n" + "\n".join(lines) + "\n" if lines else "No goal that was measured is missed.\n"


def contenders_table(results: Results, workloads: Sequence[Workload], figure_of: FigureOf) -> str:
    """A row for each contender, a column for each workload."""
    head = ("", *(workload.title for workload in workloads))
    rows = (
        (
            each.label,
            *(shown(results.median(workload.name, each.name, figure_of(workload))) for workload in workloads),
        )
        for each in CONTENDERS
    )
    return table(head, rows)


def _memory(results: Results) -> str:
    head = ("", *(f"{workload.title}: KB each" for workload in IDLERS), "the server without them: MB")
    rows = (
        (
            each.label,
            *(shown(results.median(workload.name, each.name, kb_per_connection)) for workload in IDLERS),
            shown(results.median(IDLE.name, each.name, lambda figures: figures.rss_kb_before / 1024)),
        )
        for each in CONTENDERS
    )
    return table(head, rows)


def _paced(results: Results, workload: Workload) -> str:
    columns: Sequence[tuple[str, Figure]] = (
        ("µs a delivery", cost(workload)),
        ("deliveries/s", throughput(workload)),
        ("p50 ms", lambda figures: figures.p50),
        ("p99 ms", lambda figures: figures.p99),
        ("p99.9 ms", lambda figures: figures.p999),
    )
    rows = (
        (each.label, *(shown(results.median(workload.name, each.name, figure)) for _, figure in columns))
        for each in CONTENDERS
    )
    offered = f"{workload.title}: {workload.deliveries_per_second:,.0f} deliveries/s are offered.\n\n"
    return offered[0].upper() + offered[1:] + table(("", *(name for name, _ in columns)), rows)


def _ceiling(results: Results) -> str:
    rows = (
        (workload.title, _percent(_busiest(results, workload)), _percent(_spread(results, workload)))
        for workload in WORKLOADS
    )
    return (
        "The busiest that the generator's own core was, with whichever contender, and how far the rounds of gameroom "
        "lie apart (largest less smallest, by the median):\n\n" + table(("workload", "load", "spread"), rows)
    )


def _busiest(results: Results, workload: Workload) -> float | None:
    shares = [results.median(workload.name, name, load_busy) for name in _names()]
    known = [share for share in shares if share is not None]
    return max(known, default=None)


def _spread(results: Results, workload: Workload) -> float | None:
    return results.spread(workload.name, SUBJECT, cost(workload))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _failures(results: Results) -> str:
    lines = [
        f"- round {run.round + 1}, {run.workload}, {run.contender}: `{run.failure}`"
        for run in results.failures
    ]
    return "## Measurements that failed\n\n" + "\n".join(lines) + "\n" if lines else ""


def _names() -> list[str]:
    return [each.name for each in CONTENDERS]


def _rivals() -> list[str]:
    """Those that one could take instead."""
    return [name for name in _names() if name not in (SUBJECT, FLOOR)]
