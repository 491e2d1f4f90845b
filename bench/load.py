"""Running the generator, and what it says. Reading its figures is pure."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.figures import percentile
from bench.plan import Plan, encode_plan

GENERATOR = Path(__file__).parent / "build" / "load"


class LoadFailed(Exception):
    """The generator gave up; the message is its own."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one run showed. CPU in seconds, latencies in milliseconds, memory in KB."""

    seconds: float
    server_cpu: float
    own_cpu: float
    connections: int
    sent: int
    withheld: int
    messages: int
    deliveries: int
    unfinished: int
    rss_kb_before: int
    rss_kb: int
    p50: float
    p99: float
    p999: float

    def as_json(self) -> dict[str, float]:
        """Rounded to what is measured: microseconds."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


def run_load(plan: Plan) -> Figures:
    """One run of the generator. Raises `LoadFailed`."""
    done = subprocess.run([GENERATOR], input=encode_plan(plan), capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise LoadFailed(done.stderr.decode(errors="replace").strip()[-400:])
    return read_figures(done.stdout)


def read_figures(printed: bytes) -> Figures:
    """Of what the generator prints, its histogram reduced to percentiles."""
    given = json.loads(printed)
    buckets: Sequence[tuple[float, int]] = given.pop("latencies")
    p50, p99, p999 = (percentile(buckets, share) / 1000 for share in (0.5, 0.99, 0.999))
    return Figures(**given, p50=p50, p99=p99, p999=p999)
