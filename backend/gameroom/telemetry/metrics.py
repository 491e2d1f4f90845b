"""What the server counts, in Prometheus' text format.

Each part keeps the collectors of what it does; the composition root gathers them. What happens for every message is
counted in plain integers where it happens, and read only when somebody asks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST


def histogram(name: str, about: str, buckets: tuple[float, ...]) -> Histogram:
    """Observed by its part; about 0.5 µs each time, so for what happens per batch and not per message."""
    return Histogram(name, about, buckets=buckets, registry=None)


class Count(Collector):
    """A number that only rises. `read` is called on the event loop."""

    def __init__(self, name: str, about: str, read: Callable[[], int]) -> None:
        self._name, self._about, self._read = name, about, read

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(self._name, self._about, value=self._read())


class CountBy(Collector):
    """Numbers that only rise, one for each value of a label."""

    def __init__(self, name: str, about: str, label: str, counts: Mapping[int, int]) -> None:
        self._name, self._about, self._label, self._counts = name, about, label, counts

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(self._name, self._about, labels=[self._label])
        for value, count in self._counts.items():
            family.add_metric([str(value)], count)
        yield family


class Level(Collector):
    """How much there is of something now. `read` is called on the event loop."""

    def __init__(self, name: str, about: str, read: Callable[[], float]) -> None:
        self._name, self._about, self._read = name, about, read

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(self._name, self._about, value=self._read())


class Metrics:
    """All collectors of one server, and those of its process."""

    def __init__(self, collectors: Iterable[Collector]) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        for collector in collectors:
            self._registry.register(collector)

    def exposition(self) -> bytes:
        """All of it as text of the type `CONTENT_TYPE`."""
        return generate_latest(self._registry)
