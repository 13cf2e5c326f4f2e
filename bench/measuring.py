"""How a figure is taken: time as a median, queries and memory each in a run of their own, since both slow it."""

from __future__ import annotations

import gc
import statistics
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, process_time

from django.db import connection
from django.test.utils import CaptureQueriesContext

# What a transaction costs in any case is not counted as a query.
_FRAME = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@dataclass(frozen=True)
class Figure:
    """What was measured, in milliseconds and bytes; `yardstick_ms` is the plainest way to the same rows.

    `cpu_ms` is the median of Python's own work: where a machine is shared, it says more than the clock. The
    rest of the time is PostgreSQL's, or waiting for a core.
    """

    name: str
    who: str
    median_ms: float
    lowest_ms: float
    cpu_ms: float
    runs: int
    queries: int
    peak_bytes: int
    goal_ms: float | None = None
    goal_queries: int | None = None
    yardstick: str = ""
    yardstick_ms: float | None = None
    size: int = 0  # bytes of the answer
    # The goal is this many times the yardstick.
    goal_times: float | None = None

    @property
    def meets(self) -> bool | None:
        """Whether the goals are met; None where there is none."""
        told = []
        if self.goal_ms is not None:
            told.append(self.median_ms <= self.goal_ms)
        if self.goal_queries is not None:
            told.append(self.queries <= self.goal_queries)
        if self.goal_times is not None and self.yardstick_ms is not None:
            told.append(self.median_ms <= self.goal_times * self.yardstick_ms)
        return all(told) if told else None


def times(do: Callable[[], object], runs: int) -> list[tuple[float, float]]:
    """Milliseconds of each run by the clock and of Python's work, after one that is not counted."""
    do()
    found = []
    for _run in range(runs):
        gc.collect()
        begun, worked = perf_counter(), process_time()
        do()
        found.append(((perf_counter() - begun) * 1000, (process_time() - worked) * 1000))
    return found


def median(do: Callable[[], object], runs: int) -> float:
    return statistics.median(clock for clock, _work in times(do, runs))


def queries(do: Callable[[], object]) -> list[str]:
    """The statements, without those that only frame a transaction."""
    with CaptureQueriesContext(connection) as seen:
        do()
    return [one["sql"] for one in seen.captured_queries if not one["sql"].startswith(_FRAME)]


def peak(do: Callable[[], object]) -> int:
    """The most that Python held at one moment beyond what it held before, in bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        do()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
