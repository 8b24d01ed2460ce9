"""Of how many training images are there copies?  A species count, with the false matches subtracted.

Chao's lower bound for the number of species, from S seen at all, f₁ seen once and f₂ seen twice (bias-corrected, Chao 1984):

    M̂ = S + f₁(f₁ − 1) / (2 (f₂ + 1))

False flags and wrongly named sources are nearly all "seen once", where the formula squares them.  Their expected number

    ε = F·(N − K̂) + (1 − a)·K̂          F = k/(n_h + 1), K̂ = N × share of copies, a = how often a source is named right

is subtracted first:  S* = S − ε,  f₁* = max(f₁ − ε, 0),  M̂ = S* + f₁*·max(f₁* − 1, 0) / (2 (f₂ + 1)).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from byheart._checks import InputError

__all__ = ["Sources", "chao1", "distinct_sources", "false_singletons"]


@dataclass(frozen=True)
class Sources:
    """Distinct training images.  observed: S.  corrected: S*.  estimate: M̂ from the corrected counts, raw_estimate: without.

    singletons, doubletons: f₁ and f₂.  false: ε.
    """

    observed: int
    corrected: float
    estimate: float
    raw_estimate: float
    singletons: int
    doubletons: int
    false: float


def distinct_sources(sources: Iterable[Hashable], false: float = 0.0) -> Sources:
    """Count and estimate from the source named for every flagged sample; a cluster of duplicates is one source.

    false: ε, from `false_singletons`.  Raises InputError unless it is ≥ 0.
    """
    if not false >= 0:
        raise InputError(got=f"{false} false sources", need="a number ≥ 0", remedy="use false_singletons")
    times = Counter(Counter(sources).values())
    observed, once, twice = times.total(), times[1], times[2]
    seen = max(observed - false, 0.0)
    return Sources(
        observed=observed,
        corrected=seen,
        estimate=chao1(seen, max(once - false, 0.0), twice),
        raw_estimate=chao1(observed, once, twice),
        singletons=once,
        doubletons=twice,
        false=float(false),
    )


def chao1(observed: float, singletons: float, doubletons: float) -> float:
    """Compute S + f₁(f₁ − 1)/(2 (f₂ + 1)), with nothing added for f₁ < 1."""
    return observed + singletons * max(singletons - 1, 0.0) / (2 * (doubletons + 1))


def false_singletons(samples: int, share: float, false_rate: float, accuracy: float) -> float:
    """Compute ε = F·(N − K̂) + (1 − a)·K̂.

    share: of copies among the samples, corrected.  false_rate: F at the rank of the flags.  accuracy: share of test
    copies whose source is named right.  Raises InputError unless all three are in [0, 1] and samples ≥ 0.
    """
    if samples < 0 or not all(0 <= each <= 1 for each in (share, false_rate, accuracy)):
        raise InputError(
            got=f"{samples} samples, share {share}, false positive rate {false_rate}, accuracy {accuracy}",
            need="a count, and shares in [0, 1]",
            remedy="write 0.01 for 1 %",
        )
    copies = samples * share
    return false_rate * (samples - copies) + (1 - accuracy) * copies
