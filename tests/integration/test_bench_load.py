"""The load generator against the floor: that what it counts is what happened. Both are C, compiled for these tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.dialects import NodeWs
from bench.load import LoadFailed, run_load
from bench.plan import Crowd, Message, Pace, Plan, Step, upgrade
from bench.servers import free_port, running
from tests.papers import ROOT

SHORT = Pace(warmup_ms=50, measure_ms=500, settle_ms=0)
SAY = NodeWs().message("relay")
COMPILER = shutil.which("cc")

pytestmark = pytest.mark.skipif(
    COMPILER is None and not os.environ.get("CI"), reason="the load generator is C: it needs a compiler, cc"
)


def compiled(target: Path, sources: str) -> Path:
    files = sorted(map(str, (ROOT / "bench").glob(sources)))
    subprocess.run(
        [str(COMPILER), "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(target), *files], check=True
    )
    return target


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    compiled(folder / "load", "generator/*.c")
    compiled(folder / "floor", "peers/c/*.c")
    return folder


@pytest.fixture
def plan(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plan]:
    """Two rooms of five, one speaker in each, at a floor that listens."""
    monkeypatch.setattr("bench.load.GENERATOR", built / "load")
    port, core = free_port(), min(os.sched_getaffinity(0))
    scripts = [[upgrade(f"/room-{number // 5}")] for number in range(10)]
    with running([str(built / "floor"), str(port)], {}, port, core, tmp_path / "log") as floor:
        crowd = Crowd(rooms=2, members=5, arrivals=5)
        yield Plan(port=port, server_pid=floor.pid, crowd=crowd, pace=SHORT, scripts=scripts, message=SAY)


def test_a_message_has_arrived_when_it_is_at_everybody(plan: Plan) -> None:
    figures = run_load(plan)
    assert figures.messages > 0
    assert abs(figures.deliveries - 5 * figures.messages) <= 2 * 5  # those under way at either end
    assert (figures.connections, figures.unfinished, figures.withheld) == (10, 0, 0)
    assert 0 < figures.p50 <= figures.p99 <= figures.p999
    assert figures.server_cpu > 0
    assert figures.rss_kb > 0


def test_an_open_loop_keeps_its_pace(plan: Plan) -> None:
    """Two speakers, 50 messages a second each, for half a second."""
    figures = run_load(replace(plan, pace=replace(SHORT, per_second=50)))
    assert figures.sent == pytest.approx(50, abs=2)
    assert figures.unfinished == 0


def test_everybody_may_speak(plan: Plan) -> None:
    everybody = replace(plan.crowd, senders=5)
    figures = run_load(replace(plan, crowd=everybody, pace=replace(SHORT, per_second=50)))
    assert figures.sent == pytest.approx(250, abs=10)
    assert figures.unfinished == 0


def test_who_only_comes_says_nothing(plan: Plan) -> None:
    figures = run_load(replace(plan, message=None, pace=replace(SHORT, warmup_connections=4)))
    assert (figures.connections, figures.sent, figures.deliveries) == (6, 0, 0)
    assert figures.p50 > 0


def test_what_does_not_arrive_everywhere_is_unfinished(plan: Plan) -> None:
    one_too_many = replace(plan.crowd, arrivals=6)
    figures = run_load(replace(plan, crowd=one_too_many))
    assert (figures.messages, figures.unfinished) == (0, 2)


def test_long_messages_arrive_too(plan: Plan) -> None:
    figures = run_load(replace(plan, message=Message(SAY.payload + b"x" * 5_000)))
    assert figures.messages > 0
    assert figures.unfinished == 0


def test_a_script_waits_for_what_it_expects(plan: Plan) -> None:
    """The floor says everything back: a step is done when it has."""
    scripts = [[*script, Step("t", b"hello", b"hello"), Step("t", b"again")] for script in plan.scripts]
    assert run_load(replace(plan, scripts=scripts)).unfinished == 0


def test_a_refused_handshake_ends_the_run(plan: Plan) -> None:
    scripts = [[upgrade("/nowhere")], *plan.scripts[1:]]
    with pytest.raises(LoadFailed, match=r"connection 0 was refused: HTTP/1\.1 404"):
        run_load(replace(plan, scripts=scripts))
