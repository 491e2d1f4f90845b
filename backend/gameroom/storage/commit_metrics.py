"""How the group commit does: what waits for it, how much it takes at once, and how long that takes."""

from collections.abc import Callable

from gameroom.telemetry.metrics import Collector, Level, histogram

RECORDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class CommitMetrics:
    """`waiting`: the number of units that no batch has taken yet."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._records = histogram(
            "gameroom_journal_batch_records", "Records that one commit of the journal stored.", RECORDS
        )
        self._seconds = histogram(
            "gameroom_journal_commit_seconds",
            "From the moment a batch was taken until it was stored, waits for the database included.",
            SECONDS,
        )
        self.collectors: tuple[Collector, ...] = (
            Level("gameroom_journal_waiting_units", "Units that wait for the next commit.", waiting),
            self._records,
            self._seconds,
        )

    def stored(self, records: int, seconds: float) -> None:
        """One batch is committed; those that were settled unit by unit are not counted."""
        self._records.observe(records)
        self._seconds.observe(seconds)
