"""Fair comparisons: one thread, contestants in turn, medians of ratios within a round.

Import this before numpy, torch or anything that brings a thread pool.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

for _pool in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_pool] = "1"  # read once, when such a library is loaded

__all__ = ["Row", "compare", "faster", "ratio", "report"]


def compare(
    contestants: dict[str, Callable[[], object]],
    repeats: int = 9,
    warmup: int = 2,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of every contestant, one number per round; in every round each runs once, in turn.

    clock: `time.process_time` does not count what others do on a shared machine; right for work in this process.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(warmup + repeats):
        for name, run in contestants.items():
            start = clock()
            run()
            if turn >= warmup:
                seconds[name].append(clock() - start)
    return seconds


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median over the rounds of above / below: what slows a whole round down cancels."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def faster(*contestants: Sequence[float]) -> Sequence[float]:
    """The contestant of the smallest median."""
    return min(contestants, key=statistics.median)


@dataclass(frozen=True)
class Row:
    """A measured ratio and the bar it must stay under (`at_most`) or reach (`at_least`); neither: for information."""

    job: str
    value: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def bar(self) -> str:
        low = "" if self.at_least is None else f">= {self.at_least:.3g}"
        high = "" if self.at_most is None else f"<= {self.at_most:.3g}"
        return " and ".join(filter(None, (low, high)))

    @property
    def met(self) -> bool:
        low = -float("inf") if self.at_least is None else self.at_least
        high = float("inf") if self.at_most is None else self.at_most
        return low <= self.value <= high


def report(rows: Sequence[Row]) -> None:
    """Print the rows against their bars; exit with 1 if a bar is missed."""
    width = max(len(row.job) for row in rows)
    for row in rows:
        verdict = "" if not row.bar else "met" if row.met else "MISSED"
        print(f"{row.job:<{width}}  {row.value:7.3f}  {row.bar:<9} {verdict}".rstrip())
    if not all(row.met for row in rows):
        sys.exit(1)
