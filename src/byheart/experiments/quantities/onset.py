"""Quantities of the onset of memorization, read from curves over training.

exponent/tau_mem@L       a in tau_mem ∝ n^a, onset = f_mem crosses L              (with a seed effect, Student-t 95 %, given these seeds)
exponent/tau_mem_normalized@C   the same, onset = f_mem crosses C times its last value (S3's figures)
exponent/tau_split@G     the same for the loss split: held-out minus train loss at sigma = 0.5 exceeds G
exponent/tau_gen@S       the same for tau_gen: FD within the share S of its minimum
collapse/f_mem           rms spread of the curves f_mem(tau) over that of f_mem(tau/n): > 1 if n explains time
collapse/gap@0.5         the same for the loss gap at sigma = 0.5
collapse/f_mem_normalized   the same for f_mem divided by its last value, as S3 draws it
collapse/NAME^A          the same for one of these over tau/n^A, as an alternative to tau/n
collapse_best/NAME       the exponent A in 0 … 2 that brings the curves of NAME closest together over tau/n^A   (mean over
                         seeds, Student-t 95 %; a seed whose curves lie closest at an end of that range has no value).
                         If curves end at different heights, it differs from the exponent of their times: normalize
reached/f_mem@L@H        share of runs whose f_mem crosses L within H n steps     (Clopper–Pearson or Wilson)
                         a run that ended before without crossing has no value: the claim then stays unresolved
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from byheart._checks import InputError
from byheart.analysis.collapse_quality import Series, best_exponents, collapse
from byheart.analysis.scaling import Exponent, exponent
from byheart.analysis.timescales import Crossing, tau_gen, tau_mem, tau_mem_normalized, tau_split
from byheart.experiments.quantities.result import Quantity, mean_over_runs, nothing
from byheart.experiments.runs.curves import Curve
from byheart.numerics.intervals import proportion

__all__ = ["check", "crossing_rule", "crossings", "measured", "measured_exponent", "series"]

VOCABULARY = (
    "exponent/tau_mem@L",
    "exponent/tau_mem_normalized@C",
    "exponent/tau_split@G",
    "exponent/tau_gen@S",
    "collapse/f_mem",
    "collapse/gap@0.5",
    "collapse/f_mem_normalized",
    "collapse/NAME^A",
    "collapse_best/NAME",
    "reached/f_mem@L@H",
)


NORMALIZED = "f_mem_normalized"


def check(name: str) -> bool:
    """Say whether this is one of the quantities of this file."""
    family, _, rest = name.partition("/")
    match family:
        case "exponent":
            return _is_rule(rest)
        case "collapse":
            column, caret, exponent = rest.partition("^")
            return _collapses(column) and (not caret or _is_number(exponent))
        case "collapse_best":
            return _collapses(rest)
        case "reached":
            level, _, horizon = rest.removeprefix("f_mem@").partition("@")
            return rest.startswith("f_mem@") and _is_rule(f"tau_mem@{level}") and _is_number(horizon)
    return False


def measured(name: str, curves: Sequence[Curve]) -> Quantity:
    """Measure the quantity of that name; its value is NaN if the curves do not give one.  curves: of one arm."""
    family, _, rest = name.partition("/")
    match family:
        case "exponent":
            found = measured_exponent(rest, curves)
            return Quantity(found.value, _known(found.low), _known(found.high), found.count, found.missing)
        case "collapse":
            column, _, exponent = rest.partition("^")
            fall = collapse(series(curves, column), float(exponent or 1))
            return Quantity(fall.ratio, fall.low, fall.high, fall.count)
        case "collapse_best":
            return mean_over_runs(best_exponents(series(curves, rest)))
    level, _, horizon = rest.removeprefix("f_mem@").partition("@")
    return _reached(curves, float(level), float(horizon))


def _reached(curves: Sequence[Curve], level: float, horizon: float) -> Quantity:
    """Compute the share of runs that copy within a horizon, among the runs for which this is known."""
    times = [(tau_mem(curve.rows, level), horizon * curve.n) for curve in curves]
    known = [
        time.step is not None and time.step <= end for time, end in times if time.step or time.limit >= end
    ]
    if not known:
        return nothing(len(curves))
    share = proportion(sum(known), len(known))
    return Quantity(share.value, share.low, share.high, share.count, len(curves) - len(known))


def _collapses(column: str) -> bool:
    return column in ("f_mem", NORMALIZED) or column.startswith("gap@")


def _is_rule(rule: str) -> bool:
    try:
        crossing_rule(rule)
    except InputError:
        return False
    return True


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def measured_exponent(rule: str, curves: Sequence[Curve]) -> Exponent:
    """Fit the exponent of a time, e.g. `tau_mem@0.1`, in n."""
    steps = [crossing.step for crossing in crossings(rule, curves)]
    return exponent([curve.n for curve in curves], steps, [curve.seed for curve in curves], rule)


def crossings(rule: str, curves: Sequence[Curve]) -> list[Crossing]:
    """Compute the time `rule` of each curve."""
    read = crossing_rule(rule)
    return [read(curve) for curve in curves]


def crossing_rule(rule: str) -> Callable[[Curve], Crossing]:
    """Read `tau_mem@0.1`, `tau_mem_normalized@0.5`, `tau_split@0.1` or `tau_gen@0.1` as a function of a curve.

    Raises InputError for another name, or a height that no curve can cross.
    """
    name, _, text = rule.partition("@")
    try:
        height = float(text)
    except ValueError:
        raise _unknown(rule) from None
    match name:
        case "tau_mem" if 0 < height <= 1:
            return lambda curve: tau_mem(curve.rows, level=height)
        case "tau_mem_normalized" if 0 < height <= 1:
            return lambda curve: tau_mem_normalized(curve.rows, c=height)
        case "tau_split" if 0 < height < math.inf:
            return lambda curve: tau_split(curve.rows, gap=height)
        case "tau_gen" if 0 <= height < 1:
            return lambda curve: tau_gen(curve.rows, share=height)
    raise _unknown(rule)


def series(curves: Sequence[Curve], name: str) -> list[Series]:
    """Return one record of every curve over training, e.g. `f_mem`, in the form for `analysis`; `f_mem_normalized` is divided by its last value."""
    values = _normalized if name == NORMALIZED else lambda curve: curve.at(name)
    return [Series(curve.n, curve.seed, curve.at("step"), values(curve)) for curve in curves]


def _normalized(curve: Curve) -> list[float | None]:
    """Divide f_mem by its last value; None for every step if that value is 0."""
    shares = curve.at("f_mem")
    last = next((share for share in reversed(shares) if share is not None), 0.0)
    return [share / last if last and share is not None else None for share in shares]


def _known(value: float) -> float | None:
    return None if value != value else value


def _unknown(rule: str) -> InputError:
    return InputError(
        got=f"the time {rule!r}",
        need="tau_mem@L or tau_mem_normalized@C with a number in (0, 1], tau_split@G with one above 0, or tau_gen@S in [0, 1)",
        remedy="correct the name",
    )
