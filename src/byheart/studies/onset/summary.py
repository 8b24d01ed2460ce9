"""What the runs say, in plain words: the sentences at the top of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from byheart.analysis.scaling import Exponent
from byheart.analysis.timescales import Crossing
from byheart.studies.onset.content import GEN, MEM, SPLIT, OnsetContent

__all__ = ["Pooled", "Summary", "pooled", "summary"]

FLAT = 0.35
"""An exponent whose whole interval lies within ± this is "whatever n" where no claim decides it, as on data of one's own."""


@dataclass(frozen=True)
class Pooled:
    """One time over the seeds of one n.

    step: geometric mean of the runs that reached it, None if none did.  low, high: from the lowest to the highest end of
    their intervals; None where open.  reached, count: runs.  limit: the last step looked at.
    """

    step: float | None
    low: float | None
    high: float | None
    reached: int
    count: int
    limit: float


@dataclass(frozen=True)
class Summary:
    """advice: the one sentence to take home.  reasons: the sentences after it.  n: the size that they speak of."""

    advice: str
    reasons: tuple[str, ...]
    n: int | None


def pooled(times: Sequence[Crossing]) -> Pooled:
    """Pool one time over several seeds.  times: at least one."""
    steps = [time.step for time in times if time.step is not None]
    lows = [time.low for time in times if time.low is not None]
    highs = [time.high for time in times if time.high is not None]
    return Pooled(
        step=math.exp(math.fsum(map(math.log, steps)) / len(steps)) if steps else None,
        low=min(lows, default=None),
        high=max(highs) if len(highs) == len(times) else None,
        reached=len(steps),
        count=len(times),
        limit=max(time.limit for time in times),
    )


def summary(content: OnsetContent) -> Summary:
    """Write the headline: when to stop, why, and how the time depends on n, for the middle size that memorized."""
    sizes = [n for n in content.sizes() if content.times(MEM, n)]
    if not sizes:
        return Summary("No onset times yet.", ("These runs hold no time of memorization.",), None)
    crossed = [n for n in sizes if pooled(content.times(MEM, n)).step is not None]
    n = crossed[len(crossed) // 2] if crossed else sizes[-1]
    mem = pooled(content.times(MEM, n))
    good = [_good(content, n, mem), *(content.says or ())]
    reasons = [_copies(mem), _sign(content, n), *good, _law(content.exponent(MEM))]
    return Summary(_advice(n, mem), tuple(filter(None, reasons)), n)


def _advice(n: int, mem: Pooled) -> str:
    if mem.step is None:
        return f"With n = {n:,} images, copies stay rare for {mem.limit:,.0f} steps."
    if not mem.low:  # too few samples to say from when on, or copies at the first look
        return f"With n = {n:,} images, copies appear by step {mem.step:,.0f}."
    return f"With n = {n:,} images, stop before step {mem.low:,.0f}."


def _copies(mem: Pooled) -> str:
    runs = "1 run" if mem.count == 1 else f"{mem.count} runs"
    if mem.step is None:
        return f"Fewer than one sample in ten is a copy of a training image, in {runs}, to the last step."
    high = "beyond the last step" if mem.high is None else f"{mem.high:,.0f}"
    low = mem.low or 0
    reached = "" if mem.reached == mem.count else f", {mem.reached} of which came that far"
    return (
        f"From step {mem.step:,.0f} on (95 % interval {low:,.0f} to {high}; {runs}{reached}), more than one sample in "
        "ten is a copy of a training image."
    )


def _sign(content: OnsetContent, n: int) -> str:
    times = content.times(SPLIT, n)
    split = pooled(times).step if times else None
    return (
        ""
        if split is None
        else f"The first sign is at step {split:,.0f}: the held-out loss leaves the training loss."
    )


def _good(content: OnsetContent, n: int, mem: Pooled) -> str:
    fit, times = content.exponent(GEN), content.times(GEN, n)
    good = pooled(times).step if times else None
    if good is None:
        return "Quality is not yet settled where these runs end." if times else ""
    if mem.step is not None and good >= mem.step:
        return f"Samples get good at step {good:,.0f} only: no step of this training is both good and new."
    everywhere = pooled(content.times(GEN)).step
    if (
        content.says is None
        and fit is not None
        and everywhere is not None
        and fit.low >= -FLAT
        and fit.high <= FLAT
    ):
        return f"Samples get good around step {everywhere:,.0f}, whatever n ({_with_interval(fit)})."
    return f"Samples get good around step {good:,.0f}."


def _law(fit: Exponent | None) -> str:
    if fit is None:
        return ""
    if fit.low <= 0:
        return f"How copying depends on n stays open ({_with_interval(fit)})."
    return f"Twice the images buy {2**fit.value:.1f} times the steps before copying ({_with_interval(fit)})."


def _with_interval(fit: Exponent) -> str:
    return f"exponent {fit.value:.2f}, 95 % interval {fit.low:.2f} to {fit.high:.2f}".replace("-", "−")
