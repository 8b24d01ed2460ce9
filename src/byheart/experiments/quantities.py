"""The vocabulary of quantities that claims are decided by, read from the curves of an arm.

exponent/tau_mem@L       a in tau_mem ∝ n^a, onset = f_mem crosses L              (with a seed effect, Student-t 95 %)
exponent/tau_mem_normalized@C   the same, onset = f_mem crosses C times its last value (S3's figures)
exponent/tau_split@G     the same for the loss split: held-out minus train loss at sigma = 0.5 exceeds G
exponent/tau_gen@S       the same for tau_gen: FD within the share S of its minimum
collapse/f_mem           rms spread of the curves f_mem(tau) over that of f_mem(tau/n): > 1 where n explains time
collapse/gap@0.5         the same for the loss gap at sigma = 0.5
reached/f_mem@L          share of runs whose f_mem crosses L                      (Clopper–Pearson or Wilson)
last/NAME                mean over runs of the last value of the record NAME       (Student-t 95 % over runs)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from byheart._checks import InputError
from byheart.analysis.collapse_quality import Series, collapse
from byheart.analysis.scaling import Exponent, exponent
from byheart.analysis.timescales import Crossing, tau_gen, tau_mem, tau_mem_normalized, tau_split
from byheart.experiments.curves import Curve
from byheart.numerics.intervals import mean_interval, proportion

__all__ = [
    "Quantity",
    "check_quantity",
    "crossing_rule",
    "crossings",
    "measured_exponent",
    "quantity",
    "series",
]

VOCABULARY = (
    "exponent/tau_mem@L",
    "exponent/tau_mem_normalized@C",
    "exponent/tau_split@G",
    "exponent/tau_gen@S",
    "collapse/f_mem",
    "collapse/gap@0.5",
    "reached/f_mem@L",
    "last/NAME",
)


@dataclass(frozen=True)
class Quantity:
    """A measured quantity.  low, high: its 95 % interval, None where there is none.  missing: runs without a value."""

    value: float
    low: float | None
    high: float | None
    count: int
    missing: int = 0


def quantity(name: str, curves: Sequence[Curve], *, n_min: int = 1) -> Quantity:
    """The quantity of that name; its value is NaN where the curves do not give one.

    curves: of one arm.  n_min: curves of fewer training images are left out.
    Raises InputError for a name outside the vocabulary.
    """
    check_quantity(name)
    used = [curve for curve in curves if curve.n >= n_min]
    family, _, rest = name.partition("/")
    match family:
        case "exponent":
            found = measured_exponent(rest, used)
            return Quantity(found.value, _known(found.low), _known(found.high), found.count, found.missing)
        case "collapse":
            fall = collapse(series(used, rest))
            return Quantity(fall.ratio, fall.low, fall.high, fall.count)
        case "reached":
            steps = [crossing.step for crossing in crossings(rest.replace("f_mem", "tau_mem"), used)]
            if not steps:
                return Quantity(float("nan"), None, None, 0)
            share = proportion(sum(step is not None for step in steps), len(steps))
            return Quantity(share.value, share.low, share.high, share.count)
    return _last(rest, used)


def _last(name: str, curves: Sequence[Curve]) -> Quantity:
    last = [curve.rows[-1].get(name) for curve in curves]
    values = [float(value) for value in last if value is not None]
    missing = len(last) - len(values)
    if len(values) < 2:
        return Quantity(values[0] if values else float("nan"), None, None, len(values), missing)
    mean = mean_interval(values)
    return Quantity(mean.value, mean.low, mean.high, mean.count, missing)


def check_quantity(name: str) -> None:
    """Raise InputError for a name outside the vocabulary."""
    family, _, rest = name.partition("/")
    match family:
        case "exponent":
            crossing_rule(rest)
        case "collapse" if rest == "f_mem" or rest.startswith("gap@"):
            pass
        case "reached" if rest.startswith("f_mem@"):
            crossing_rule(rest.replace("f_mem", "tau_mem"))
        case "last" if rest:
            pass
        case _:
            raise _unknown(name)


def measured_exponent(rule: str, curves: Sequence[Curve]) -> Exponent:
    """The exponent of a time, e.g. `tau_mem@0.1`, in n."""
    steps = [crossing.step for crossing in crossings(rule, curves)]
    return exponent([curve.n for curve in curves], steps, [curve.seed for curve in curves], rule)


def crossings(rule: str, curves: Sequence[Curve]) -> list[Crossing]:
    """The time `rule` of each curve."""
    read = crossing_rule(rule)
    return [read(curve) for curve in curves]


def crossing_rule(rule: str) -> Callable[[Curve], Crossing]:
    """`tau_mem@0.1`, `tau_mem_normalized@0.5`, `tau_split@0.1` or `tau_gen@0.1` as a function of a curve.  Raises InputError for another name."""
    name, _, text = rule.partition("@")
    try:
        height = float(text)
    except ValueError:
        raise _unknown(rule) from None
    match name:
        case "tau_mem":
            return lambda curve: tau_mem(curve.rows, level=height)
        case "tau_mem_normalized":
            return lambda curve: tau_mem_normalized(curve.rows, c=height)
        case "tau_split":
            return lambda curve: tau_split(curve.rows, gap=height)
        case "tau_gen":
            return lambda curve: tau_gen(curve.rows, share=height)
    raise _unknown(rule)


def series(curves: Sequence[Curve], name: str) -> list[Series]:
    """One record of every curve over training, e.g. `f_mem`, as analysis takes it."""
    return [Series(curve.n, curve.seed, curve.at("step"), curve.at(name)) for curve in curves]


def _known(value: float) -> float | None:
    return None if value != value else value


def _unknown(name: str) -> InputError:
    return InputError(
        got=f"the quantity {name!r}",
        need="one of " + ", ".join(VOCABULARY),
        remedy="mend the claim in the study's TOML file",
    )
