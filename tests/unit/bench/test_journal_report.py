"""What the page says of figures that are known, and of those that miss what was demanded."""

from msgspec.structs import replace

from bench.journal_bare import BareFigures
from bench.journal_load import LoadFigures
from bench.journal_report import demands, report
from bench.journal_results import CommandFigures, Results
from bench.memory import Checkpoint, GrowthFigures, IdleFigures
from bench.restart import RestartFigures

LOAD = LoadFigures(
    command="chat",
    busy_rooms=256,
    records_per_s=30_000.0,
    p50_ms=8.0,
    p99_ms=20.0,
    batch=256.0,
    cpu_us=33.0,
    bare=BareFigures(records_per_s=50_000.0, commit_ms=5.0),
)
RESTART = RestartFigures(
    rooms=1000, due=100, ready_s=1.2, first_timer_s=-0.02, last_timer_s=4.2, open_ms=5.0, open_most_ms=30.0
)
GROWTH = GrowthFigures([Checkpoint(1000, 90_000.0, 400_000), Checkpoint(2000, 90_001.0, 400_000)])


def measured() -> Results:
    return Results(
        machine={"processor": "a fast one"},
        dates={"load": "today"},
        loads={"SQLite": [replace(LOAD, busy_rooms=1, records_per_s=100.0), LOAD]},
        restarts={"PostgreSQL": RESTART},
        idle=IdleFigures(rooms=2000, rss_kb=7.5, traced_kb=7.0, awake_traced_kb=17.0),
        growth=GROWTH,
        commands=[
            CommandFigures("chat", 2, 15.0, 30.0),
            CommandFigures("chat, 50 KB of state", 2, 15.0, 31.5),
        ],
    )


def missed(results: Results) -> list[str]:
    return [each.title for each in demands(results) if not each.met]


def test_the_share_and_the_commits_are_those_of_the_bare_loop() -> None:
    assert (LOAD.share, LOAD.p99_in_commits) == (0.6, 4.0)


def test_only_the_busiest_have_a_demand() -> None:
    assert missed(measured()) == []
    assert sum("busy rooms" in each.title for each in demands(measured())) == 2


def test_what_was_not_measured_is_not_demanded() -> None:
    assert list(demands(Results())) == []


def test_every_demand_can_be_missed() -> None:
    worse = measured()
    worse.loads["SQLite"][1] = replace(LOAD, records_per_s=24_000.0, p99_ms=26.0)
    worse.restarts["PostgreSQL"] = replace(RESTART, ready_s=5.1, first_timer_s=1.1)
    worse.idle = IdleFigures(rooms=2000, rss_kb=10.1, traced_kb=7.0, awake_traced_kb=17.0)
    worse.growth = GrowthFigures([Checkpoint(1000, 90_000.0, 1), Checkpoint(2000, 90_200.0, 1)])
    worse.commands[1] = CommandFigures("chat, 50 KB of state", 2, 15.0, 37.0)
    assert len(missed(worse)) == len(list(demands(worse))) == 7


def test_growth_is_that_of_the_second_half() -> None:
    early = [Checkpoint(500, 10.0, 10), Checkpoint(1000, 500.0, 1000), Checkpoint(1500, 501.0, 1500)]
    growth = GrowthFigures([*early, Checkpoint(2000, 502.0, 2000)])
    assert (growth.rooms, growth.bytes_a_room, growth.blocks_a_room) == (2000, 2.0, 1.0)


def test_the_page_names_what_is_missed_and_says_what_its_author_found() -> None:
    worse = measured()
    worse.loads["SQLite"][1] = replace(LOAD, records_per_s=20_000.0)
    page = report(worse, "The rooms take turns.")
    assert (
        "- SQLite, chat, 256 busy rooms: records/s as a share of the bare loop's: 40%, ≥ 50% was wanted."
        in page
    )
    assert "**40%**" in page
    assert "The rooms take turns." in page
    assert "None that was measured is missed." in report(measured(), "")


def test_the_page_has_every_figure() -> None:
    page = report(measured(), "")
    for row in (
        "| chat | 256 | 30,000 | 50,000 | 60% | 8.00 | 20.0 | 5.00 | 256 | 33.0 |",
        "| PostgreSQL | 1.20 | 100 | -0.02 | 4.20 | 5.00 | 30.0 |",
        "| 2,000 | 90,001 | 400,000 |",
        "| chat, 50 KB of state | 15.0 / 31.5 |",
        "| processor | a fast one |",
        "| load | today |",
    ):
        assert row in page
    assert "at rest it takes 7.50 KB of the process, of which Python counts 7.00" in page
