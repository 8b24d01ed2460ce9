"""What the runs say, in plain words: the sentences at the top of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from byheart.analysis.scaling import Exponent
from byheart.analysis.timescales import Crossing
from byheart.report.axes import known_number
from byheart.report.words import number
from byheart.studies.onset.content import GEN, MEM, SPLIT, OnsetContent

__all__ = ["Pooled", "Summary", "pooled", "summary"]

FEW = "tau_mem@0.05"
SHARES = {FEW: "5 %", "tau_mem@0.3": "30 %", "tau_mem@0.5": "50 %"}
"""Times of other shares of copies than the page is about, from the smallest share on."""

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
    """Write the headline and the sentences under it: when copies appear, which sign comes first, and how the time depends on n.

    They speak of the middle size that memorized.
    """
    sizes = [n for n in content.sizes() if content.times(MEM, n)]
    if not sizes:
        return Summary("No onset times yet.", ("These runs hold no time of memorization.",), None)
    crossed = [n for n in sizes if pooled(content.times(MEM, n)).step is not None]
    n = crossed[len(crossed) // 2] if crossed else sizes[-1]
    mem = pooled(content.times(MEM, n))
    good = [_good(content, n, mem), *(content.says or ())]
    reasons = [_copies(content, n, mem), _sign(content, n, mem), *good, _law(content)]
    return Summary(_advice(n, mem), tuple(filter(None, reasons)), n)


def _advice(n: int, mem: Pooled) -> str:
    if mem.step is None:
        return f"With n = {n:,} training images, copies stay below 10 % of the samples for {mem.limit:,.0f} steps."
    if not mem.low:  # too few samples to say from when on, or copies at the first look
        return f"With n = {n:,} training images, 10 % of the samples are copies by step {mem.step:,.0f}."
    return (
        f"With n = {n:,} training images, 10 % of the samples are copies at step {mem.step:,.0f}; "
        "the first copies come earlier."
    )


def _copies(content: OnsetContent, n: int, mem: Pooled) -> str:
    runs = "1 run" if mem.count == 1 else f"{mem.count} runs"
    if mem.step is None:
        return f"In {runs}, fewer than 10 % of the samples are copies of training images up to the last step."
    high = "beyond the last step" if mem.high is None else f"{mem.high:,.0f}"
    low = mem.low or 0
    reached = "" if mem.reached == mem.count else f", {mem.reached} of which came that far"
    few = pooled(times).step if (times := content.times(FEW, n)) else None
    earlier = "" if few is None else f" 5 % are copies already at step {few:,.0f}."
    return f"The 95 % interval of that step is {low:,.0f} to {high} ({runs}{reached}).{earlier}"


def _sign(content: OnsetContent, n: int, mem: Pooled) -> str:
    times = content.times(SPLIT, n)
    split = pooled(times).step if times else None
    if split is None:
        return ""
    gap = "the held-out loss exceeds the training loss by 0.1 (at noise level 0.5)"
    if mem.step is not None and split >= mem.step:
        return f"Only at step {split:,.0f} {gap}: here this difference does not warn of copies in time."
    return f"An earlier sign needs no samples: at step {split:,.0f} {gap}. Watch this difference in your own training."


def _good(content: OnsetContent, n: int, mem: Pooled) -> str:
    fit, times = content.exponent(GEN), content.times(GEN, n)
    good = pooled(times).step if times else None
    if good is None:
        return "The Fréchet distance hardly fell, or had not settled where these runs end." if times else ""
    if mem.step is not None and good >= mem.step:
        return (
            f"The Fréchet distance has covered 90 % of its fall only at step {good:,.0f}, when 10 % of the samples are copies "
            "already: at no step of this training are samples both good and new."
        )
    everywhere = pooled(content.times(GEN)).step
    flat = fit is not None and fit.low >= -FLAT and fit.high <= FLAT
    if content.says is None and fit is not None and flat and everywhere is not None:
        return _fallen(content, n, f"around step {everywhere:,.0f}, whatever n ({_with_interval(fit)})")
    return _fallen(content, n, f"at step {good:,.0f}")


def _fallen(content: OnsetContent, n: int, when: str) -> str:
    """Say when the Fréchet distance has come down, and what distance is left then beside that of real images."""
    levels = [time.level for time in content.times(GEN, n) if time.step is not None]
    real = [
        value for run in content.runs if (value := known_number(run.references.get("fd/floor"))) is not None
    ]
    left = f"it is then {number(_mean(levels))}"
    beside = f" (real images: {number(_mean(real))})" if real else ""
    return (
        f"The Fréchet distance of the samples has covered 90 % of its fall {when}: {left}{beside}. "
        "Look at the samples before you call them good."
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _law(content: OnsetContent) -> str:
    fit = content.exponent(MEM)
    if fit is None:
        return ""
    if fit.low <= 0:
        return f"How the time of copying depends on n stays open ({_with_interval(fit)})."
    sizes = f"n = {fit.sizes[0]:,} to {fit.sizes[-1]:,}"
    return (
        f"Twice as many images take {2**fit.value:.1f} times as many steps to 10 % copies ({_with_interval(fit)}; {sizes})."
        f"{_other_thresholds(content)}"
    )


def _other_thresholds(content: OnsetContent) -> str:
    """Say how the exponent moves with the share of copies that the time is read at; "" where that is not known."""
    fits = {share: fit for rule, share in SHARES.items() if (fit := content.exponent(rule)) is not None}
    if len(fits) < 2:
        return ""
    (low, first), *_, (high, last) = fits.items()
    return f" The exponent depends on the threshold: {first.value:.2f} at {low} copies, {last.value:.2f} at {high} copies."


def _with_interval(fit: Exponent) -> str:
    return f"exponent {fit.value:.2f}, 95 % interval {fit.low:.2f} to {fit.high:.2f}".replace("-", "−")
