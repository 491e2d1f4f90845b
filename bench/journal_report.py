"""`docs/figures-journal.md`: what was demanded of the journal, of restarts, memory and commands, beside what was found.

Pure.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from bench.journal_load import LoadFigures
from bench.journal_results import CommandFigures, Results
from bench.memory import PLAYERS, GrowthFigures, IdleFigures
from bench.restart import RECORDS, RestartFigures
from bench.tables import shown, strong, table

BUSIEST = 256
LEAST_SHARE = 0.5
MOST_COMMITS = 5.0
MOST_READY_S = 5.0
SWEEP_S = 1.0
MOST_IDLE_KB = 10.0
MOST_GROWTH_BYTES = 100.0
"""A room whose id alone is kept somewhere leaves more."""

MOST_OF_A_LARGER_STATE = 1.2
"""Within that a chat line is said to cost the same; measurements of it lie as far apart."""

CHAT, CHAT_IN_LARGE_STATE = "chat", "chat, 50 KB of state"

HEAD = """\
# Figures of the journal

Written by `make bench-journal` from `bench/results/journal.json` and, what its author found,
`bench/results/journal-notes.md`; not edited by hand. How each is measured stands in `bench/journal_load.py`,
`bench/journal_bare.py`, `bench/restart.py`, `bench/memory.py` and `bench/commands.py`.
"""

LOAD = """\
Rooms of two players, in the process that measures, each with one command under way: the next follows upon the answer of
the last. Everything is as in the server but for sockets: ids, events for both players, snapshots. The bare loop commits
batches of the size that was observed, with the same statements in the same driver, of rows that are there already, and
nothing else runs: no room decides, and no thread waits for another. A bare commit is the median of its commits.
"""


class Demand(Struct, frozen=True):
    """One sentence of the issue, and what was found."""

    title: str
    wanted: str
    found: str
    met: bool


def report(results: Results, notes: str) -> str:
    return "\n".join(_sections(results, notes))


def demands(results: Results) -> Iterator[Demand]:
    """Those whose figures are there."""
    for kind, lines in results.loads.items():
        for line in lines:
            if line.busy_rooms == BUSIEST:
                yield from _of_load(kind, line)
    for kind, restart in results.restarts.items():
        yield from _of_restart(kind, restart)
    if results.idle is not None:
        yield _of_idle(results.idle)
    if results.growth is not None:
        yield _of_growth(results.growth)
    if results.commands:
        yield from _of_chat(results.commands)


def _of_load(kind: str, line: LoadFigures) -> Iterator[Demand]:
    who = f"{kind}, {line.command}, {line.busy_rooms} busy rooms"
    yield Demand(
        f"{who}: records/s as a share of the bare loop's",
        f"≥ {LEAST_SHARE:.0%}",
        f"{line.share:.0%}",
        line.share >= LEAST_SHARE,
    )
    yield Demand(
        f"{who}: p99 of an ack in bare commits",
        f"≤ {MOST_COMMITS:g}",
        shown(line.p99_in_commits),
        line.p99_in_commits <= MOST_COMMITS,
    )


def _of_restart(kind: str, found: RestartFigures) -> Iterator[Demand]:
    who = f"{kind}, {found.rooms:,} open rooms of {RECORDS} records"
    yield Demand(
        f"{who}: ready after s", f"≤ {MOST_READY_S:g}", shown(found.ready_s), found.ready_s <= MOST_READY_S
    )
    first_s = max(found.first_timer_s, 0.0)
    yield Demand(
        f"{who}: the first due timer s later", f"≤ {SWEEP_S:g}", f"{first_s:.2f}", first_s <= SWEEP_S
    )


def _of_idle(found: IdleFigures) -> Demand:
    return Demand(
        f"an idle open room of {PLAYERS} players: KB of the process",
        f"≤ {MOST_IDLE_KB:g}",
        shown(found.rss_kb),
        found.rss_kb <= MOST_IDLE_KB,
    )


def _of_growth(found: GrowthFigures) -> Demand:
    return Demand(
        f"{found.rooms:,} rooms put away and opened again: bytes that stay of one",
        f"< {MOST_GROWTH_BYTES:g}",
        f"{found.bytes_a_room:.1f}",
        found.bytes_a_room < MOST_GROWTH_BYTES,
    )


def _of_chat(found: Sequence[CommandFigures]) -> Iterator[Demand]:
    costs = {(each.name, each.members): each.turn_us for each in found}
    for (name, members), cost in costs.items():
        if name == CHAT_IN_LARGE_STATE:
            ratio = cost / costs[CHAT, members]
            yield Demand(
                f"a chat line among {members:,} members: its cost beside 50 KB of state by that beside a small one",
                f"≤ {MOST_OF_A_LARGER_STATE:g}",
                f"{ratio:.2f}",
                ratio <= MOST_OF_A_LARGER_STATE,
            )


# --- the page -------------------------------------------------------------------------------------------------


def _sections(results: Results, notes: str) -> Iterator[str]:
    yield HEAD
    yield table(("machine", ""), results.machine.items())
    found = list(demands(results))
    yield "## Demands\n"
    yield table(
        ("demand", "wanted", "found"),
        ((each.title, each.wanted, strong(each.found, not each.met)) for each in found),
    )
    yield _missed(found)
    yield notes
    if results.loads:
        yield "## Durable acks\n"
        yield LOAD
        for kind, lines in results.loads.items():
            yield f"{kind}:\n\n{load_table(lines)}"
    if results.restarts:
        yield "## A restart after a death\n"
        yield restart_table(results.restarts)
    yield from _memory(results)
    if results.commands:
        yield "## Microseconds of CPU for one command\n"
        yield "Deciding alone / through the actor, with the journal in memory (`make bench-commands`).\n"
        yield commands_table(results.commands)
    yield "## When it was measured\n"
    yield table(("part", "date"), results.dates.items())


def _missed(found: Sequence[Demand]) -> str:
    lines = [f"- {each.title}: {each.found}, {each.wanted} was wanted." for each in found if not each.met]
    return "Missed:\n\n" + "\n".join(lines) + "\n" if lines else "None that was measured is missed.\n"


def load_table(lines: Sequence[LoadFigures]) -> str:
    head = ("command", "busy rooms", "records/s", "bare", "share", "p50 ms", "p99 ms", "bare commit ms")
    rows = (
        (
            each.command,
            f"{each.busy_rooms}",
            shown(each.records_per_s),
            shown(each.bare.records_per_s),
            f"{each.share:.0%}",
            shown(each.p50_ms),
            shown(each.p99_ms),
            shown(each.bare.commit_ms),
            shown(each.batch),
            shown(each.cpu_us),
        )
        for each in lines
    )
    return table((*head, "records a commit", "CPU µs a record"), rows)


def restart_table(found: dict[str, RestartFigures]) -> str:
    head = (
        "database",
        "ready s",
        "due timers",
        "first s",
        "last s",
        "a room opened for a stranger ms",
        "most ms",
    )
    rows = (
        (
            kind,
            shown(each.ready_s),
            f"{each.due}",
            f"{each.first_timer_s:.2f}",
            f"{each.last_timer_s:.2f}",
            shown(each.open_ms),
            shown(each.open_most_ms),
        )
        for kind, each in found.items()
    )
    return table(head, rows)


def _memory(results: Results) -> Iterator[str]:
    if results.idle is not None:
        yield "## Memory\n"
        yield _idle(results.idle)
    if results.growth is not None:
        yield growth_table(results.growth)


def _idle(found: IdleFigures) -> str:
    return (
        f"A room of {PLAYERS} players in play, one of {found.rooms:,}: at rest it takes {shown(found.rss_kb)} KB of "
        f"the process, of which Python counts {shown(found.traced_kb)}; before it rests Python counts "
        f"{shown(found.awake_traced_kb)}.\n"
    )


def growth_table(found: GrowthFigures) -> str:
    """What the process has after each tenth of the rooms."""
    rows = ((f"{each.rooms:,}", f"{each.rss_kb:,.0f}", f"{each.blocks:,}") for each in found.checkpoints)
    return table(
        ("rooms put away and opened again", "KB of the process", "blocks that Python has given out"), rows
    )


def commands_table(found: Sequence[CommandFigures]) -> str:
    costs = {(each.name, each.members): f"{each.decide_us:.1f} / {each.turn_us:.1f}" for each in found}
    members = list(dict.fromkeys(each.members for each in found))
    names = dict.fromkeys(each.name for each in found)
    rows = ((name, *(costs[name, number] for number in members)) for name in names)
    return table(("", *(f"{number:,} members" for number in members)), rows)
