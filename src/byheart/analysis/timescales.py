"""When does it happen?  Read times of training, in optimizer steps, off the records of one run.

    tau_gen(share)    samples are good        FD ≤ FD_min + share · (FD_first − FD_min)
    tau_split(gap)    the losses part         held-out loss − train loss ≥ gap, at one noise level
    tau_mem(level)    samples are copies      f_mem ≥ level

FD_first is the FD at the first evaluation at or after step 40.  FD_min is the smallest FD while f_mem < 0.1: a model
that memorizes tends to the FD of its training set, which is no mark of quality.  FD must have come to rest: tau_gen is
"not within N steps" if FD gets below the level only at the last evaluation, or if FD_min is not a fifth below FD_first
(500 samples of noise scatter that much, too).  The paper reads its times off by eye; the rules of this module are
byheart's own.  The minimum of the held-out loss is not among the rules, because the minimum hardly moves with n.

Steps are interpolated linearly in log step between evaluations, from step 1 on, because step 0 has no logarithm.  A
curve that is above the level at the first such evaluation has reached the level by then at the latest: the step is that
evaluation, and the interval begins at 0.  If a curve never reaches the level, the result says "not within N steps", where
N is the last evaluation that has the number.
Rows are flat records in the vocabulary of `evaluation`, in any order; an evaluation without the number is left out.

Reference: Bonnaire, Urfin, Biroli, Mézard, arXiv 2505.17638, figure 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byheart._checks import InputError
from byheart._records import Scalar

__all__ = ["Crossing", "crossing", "tau_gen", "tau_mem", "tau_mem_normalized", "tau_split"]

Row = Mapping[str, Scalar]
Numbers = Sequence[float | None]
Array = NDArray[np.float64]

FIRST_STEP = (
    40  # earlier, FD still falls from the height of the start noise, which says nothing about the data
)
STILL_NEW = 0.1  # up to this f_mem, FD is taken to measure quality
FELL = 0.2  # of FD_first: the FD of 500 samples scatters by a twentieth, the minimum of 16 evaluations by a tenth


@dataclass(frozen=True)
class Crossing:
    """The step at which a curve first reaches a level, with an interval.

    step: a measured step, or a step interpolated between two measured ones.  None if the curve did not reach the level within
    `limit`, the last step with a number (0: there was no such step).
    low, high: ends of the interval.  low = 0: the curve may have reached the level before the first evaluation.  None: that
    end was not reached within the limit.
    """

    step: float | None
    low: float | None
    high: float | None
    level: float
    limit: float
    definition: str = ""

    def __str__(self) -> str:
        if self.step is None:
            return f"not within {self.limit:,.0f} steps"
        low = 0 if self.low is None else self.low
        high = "later" if self.high is None else f"{self.high:,.0f}"
        return f"{self.step:,.0f} [{low:,.0f}, {high}]"


def crossing(
    steps: Sequence[float],
    values: Numbers,
    level: float,
    lows: Numbers | None = None,
    highs: Numbers | None = None,
    definition: str = "",
) -> Crossing:
    """Find the first upward crossing of a level, with an interval from the crossings of the curve's band.

    steps: increasing; steps below 1 are left out.  values: None or NaN where an evaluation has no value.
    lows, highs: the band around the values; without a band the interval is the step itself.  An evaluation that lacks
    one of the three is left out.  The upper edge of the band crosses first and gives `low`.
    Raises InputError for lengths that differ, steps that do not increase, values outside their band, or a level that is NaN.
    """
    _check_number("level", level, level == level, "a height of the curve")
    x, y = _steps(steps), _numbers(steps, values)
    lower, upper = (y if edge is None else _numbers(steps, edge) for edge in (lows, highs))
    complete = np.isfinite(y) & np.isfinite(lower) & np.isfinite(upper) & (x >= 1)
    x, y, lower, upper = (column[complete] for column in (x, y, lower, upper))
    _check_band(x, y, lower, upper)
    if not len(x):
        return Crossing(None, None, None, level, 0.0, definition)
    first = float(x[0])
    step, high = _reach(x, y, level, at_once=first), _reach(x, lower, level, at_once=first)
    low = _reach(x, upper, level, at_once=0.0)
    return Crossing(step, low, high, level, float(x[-1]), definition)


def _reach(steps: Array, values: Array, level: float, at_once: float) -> float | None:
    """Return the step at which the curve first reaches the level.

    Returns `at_once` if the curve is there from its first value on, and None if it never gets there.
    steps: (k,), increasing, 1 or more.  values: (k,), finite.
    """
    x, y = np.log(steps), values
    above = np.flatnonzero(y >= level)
    if not len(above):
        return None
    if (i := above[0]) == 0:
        return at_once
    return float(np.exp(x[i - 1] + (x[i] - x[i - 1]) * (level - y[i - 1]) / (y[i] - y[i - 1])))


def _steps(steps: Sequence[float]) -> Array:
    numbers = np.asarray(steps, dtype=np.float64)
    if not len(numbers) or not np.isfinite(numbers).all() or not (np.diff(numbers) > 0).all():
        raise InputError(
            got="steps that do not increase" if len(numbers) else "no steps",
            need="evaluations in the order of training, each once",
            remedy="sort the records by step",
        )
    return numbers


def _numbers(steps: Sequence[float], values: Numbers) -> Array:
    """Return the values as numbers, NaN where a value is None.  Raises InputError unless there is one for each step."""
    if len(values) != len(steps):
        raise InputError(
            got=f"{len(steps)} steps and {len(values)} values",
            need="one value for each step",
            remedy="pass None for an evaluation without a value",
        )
    return np.asarray(values, dtype=np.float64)


def _check_band(steps: Array, values: Array, lows: Array, highs: Array) -> None:
    outside = np.flatnonzero((lows > values) | (values > highs))
    if len(outside):
        at = outside[0]
        raise InputError(
            got=f"{values[at]:g} outside its band from {lows[at]:g} to {highs[at]:g}, at step {steps[at]:g}",
            need="low ≤ value ≤ high at every evaluation",
            remedy="check the order of the arguments: values, level, lows, highs",
        )


def _check_number(name: str, value: float, fits: bool, need: str) -> None:
    if not fits:
        raise InputError(got=f"{name} {value:g}", need=need, remedy=f"choose another {name}")


def tau_mem(rows: Sequence[Row], level: float = 0.1) -> Crossing:
    """Find when the share of copies f_mem reaches `level`, with an interval from the band of f_mem (Wilson's, 95 %).

    With 500 samples, f_mem near 0.1 has a standard error of 0.013.
    Raises InputError for rows without f_mem, and unless 0 < level ≤ 1.
    """
    _check_number("level", level, 0 < level <= 1, "a share of the samples in (0, 1]")
    return _band_crossing(rows, "f_mem", level, f"f_mem ≥ {level:g}")


def tau_mem_normalized(rows: Sequence[Row], c: float = 0.5) -> Crossing:
    """Find when f_mem reaches the share `c` of its last value, as in the figures of the paper, which normalize f_mem.

    This time hides how far f_mem is from 1 at the end of the run, and moves with the length of the run.
    Raises InputError for rows without f_mem, and unless 0 < c ≤ 1.
    """
    _check_number("c", c, 0 < c <= 1, "a share of the last value in (0, 1]")
    shares = _columns(rows, "f_mem")[1]
    measured = shares[np.isfinite(shares)]
    last = float(measured[-1]) if len(measured) else 0.0
    return _band_crossing(rows, "f_mem", c * last if last else np.inf, f"f_mem ≥ {c:g} of its last value")


def tau_split(rows: Sequence[Row], gap: float = 0.1, sigma: float = 0.5) -> Crossing:
    """Find when the held-out loss exceeds the training loss by `gap`, with an interval from the paired standard error.

    The losses are means over pixels of the squared error of the denoised image at noise level sigma, for data of RMS 1;
    the standard error is over images.  This time is the earliest and least noisy sign of memorization, and needs no samples.
    Raises InputError for rows without that sigma, and unless gap > 0: at 0 the losses have not parted.
    """
    _check_number("gap", gap, 0 < gap < np.inf, "a difference of the losses above 0")
    definition = f"held-out − train loss ≥ {gap:g} at sigma {sigma:g}"
    return _band_crossing(rows, "gap", gap, definition, at=f"@{sigma:g}")


def tau_gen(rows: Sequence[Row], share: float = 0.1) -> Crossing:
    """Find when the Fréchet distance has come down to its minimum, up to `share` of the way, for one run.

    The interval is the two evaluations around that step (a bootstrap of FD is biased by twice FD's own bias).
    The result is `not within` if FD falls by less than a fifth, if FD still falls at the last evaluation, or if nothing was
    measured from step 40 on while f_mem < 0.1.
    Raises InputError for rows without fd or f_mem, and unless 0 ≤ share < 1: at 1 the first evaluation is good already.
    """
    _check_number("share", share, 0 <= share < 1, "a share of the way down in [0, 1)")
    steps, fd, f_mem = _columns(rows, "fd", "f_mem")
    usable = (steps >= FIRST_STEP) & np.isfinite(fd)
    x, y, new = steps[usable], fd[usable], f_mem[usable] < STILL_NEW
    definition = f"FD within {share:.0%} of its minimum, at rest there"
    limit = float(steps[np.isfinite(fd)].max(initial=0.0))
    never = Crossing(None, None, None, np.nan, limit, definition)
    if not new.any() or y[new].min() > (1 - FELL) * y[0]:
        return never
    level = float(y[new].min() + share * (y[0] - y[new].min()))
    after = int(np.argmax(y <= level))
    if after in (0, len(y) - 1):  # there from the start, or still falling at the end
        return never
    step = _reach(x, -y, -level, at_once=x[0])
    return Crossing(step, float(x[after - 1]), float(x[after]), level, limit, definition)


def _band_crossing(rows: Sequence[Row], name: str, level: float, definition: str, at: str = "") -> Crossing:
    steps, values, lows, highs = _columns(rows, name + at, f"{name}_low{at}", f"{name}_high{at}")
    return crossing(list(steps), list(values), level, list(lows), list(highs), definition)


def _columns(rows: Sequence[Row], *names: str) -> list[Array]:
    """Return the steps and the named numbers of the rows, in the order of training; NaN where a row has None."""
    if missing := [name for name in names if not any(name in row for row in rows)]:
        raise InputError(
            got=f"{len(rows)} records without {', '.join(missing)}",
            need="records with those numbers",
            remedy="measure them: see `measures` of the evaluation plan",
        )
    table = np.array([[row.get(name) for name in ("step", *names)] for row in rows], dtype=np.float64)
    return list(table[np.argsort(table[:, 0], kind="stable")].T)
