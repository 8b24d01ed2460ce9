"""Are there copies at all?  One exact test of all samples together against the held-out images.

Let X_k be the number of samples strictly above the k-th largest held-out score.  If samples and held-out images are
exchangeable and no two scores are equal, X_k is beta-binomial whatever the score is:

    X_k ~ BetaBinomial(N; k, n_h + 1 − k),       p = min(1, R · min_k P(X ≥ x_k))      over R ranks (Bonferroni)

Few ranks see few strong copies, many ranks a crowd of weak ones.  Ties only lower X_k.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from byheart._checks import InputError
from byheart.analysis.calibration.ranks import rank_counts
from byheart.numerics.normal import SMALLEST

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["RANKS", "GlobalTest", "beta_binomial_tail", "global_test", "smallest_share", "used_ranks"]

RANKS = (1, 2, 3, 5, 10, 20, 50)
DEEPEST = 0.1  # share of the held-out images above which a rank says little about copies
NODES = 400  # quantiles of a false positive rate over which a power is averaged


@dataclass(frozen=True)
class GlobalTest:
    """p: of all samples together.  rank: the k with the smallest tail, count: X_k at this k, expected: N k/(n_h + 1) under the null."""

    p: float
    rank: int
    count: int
    expected: float
    ranks: tuple[int, ...]


def global_test(p: ArrayLike, heldout: int) -> GlobalTest:
    """Test all samples together from their p-values (b,) among `heldout` images.  Raises InputError for no samples."""
    found = rank_counts(p, heldout)
    if not len(found):
        raise InputError(got="no samples", need="at least one p-value", remedy="audit at least one sample")
    ranks = used_ranks(heldout)
    counts = [int((found <= rank).sum()) for rank in ranks]
    tails = [
        beta_binomial_tail(count, len(found), rank, heldout)
        for count, rank in zip(counts, ranks, strict=True)
    ]
    best = int(np.argmin(tails))
    return GlobalTest(
        p=min(1.0, len(ranks) * tails[best]),
        rank=ranks[best],
        count=counts[best],
        expected=len(found) * ranks[best] / (heldout + 1),
        ranks=ranks,
    )


def used_ranks(heldout: int) -> tuple[int, ...]:
    """List the ranks among 1, 2, 3, 5, 10, 20, 50 within a tenth of the held-out images, and at least the first."""
    return tuple(rank for rank in RANKS if rank <= DEEPEST * (heldout + 1)) or RANKS[:1]


def beta_binomial_tail(count: int, samples: int, rank: int, heldout: int) -> float:
    """Compute P(X ≥ count) for X ~ BetaBinomial(samples; rank, heldout + 1 − rank): 0 only where count > samples.

    A smaller probability than 2.2e-308 is given as that number.  Raises InputError unless 1 ≤ rank ≤ heldout.
    """
    if not 1 <= rank <= heldout:
        raise InputError(
            got=f"rank {rank} among {heldout} held-out images",
            need=f"a rank from 1 to {heldout}",
            remedy="choose a rank that there is, such as 1",
        )
    return max(float(_tails(samples, rank, heldout)[count]), SMALLEST) if count <= samples else 0.0


def _tails(samples: int, rank: int, heldout: int) -> NDArray[np.float64]:
    """Compute P(X ≥ x) for x = 0 … samples: (samples + 1,)."""
    from scipy.special import betaln

    x, other = np.arange(samples + 1), heldout + 1 - rank
    choose = -np.log(samples + 1) - betaln(x + 1, samples - x + 1)
    masses = np.exp(choose + betaln(x + rank, samples - x + other) - betaln(rank, other))
    # Summed from the far end: small tails keep their digits, which 1 − (sum from 0) would lose.
    return np.asarray(np.minimum(np.cumsum(masses[::-1])[::-1], 1))


def smallest_share(
    samples: int, heldout: int, *, tpr: float, power: float = 0.8, level: float = 0.01
) -> float | None:
    """Compute the smallest share of copies that the test finds at `level` with that power; None if it would not find any share.

    tpr: share of copies that score above every rank.  The power is that of the best single rank, without what the other ranks
    add (at most 4 % of the share in simulations).
    Raises InputError unless the counts are positive and the rest is in (0, 1].
    """
    if min(samples, heldout) < 1 or not all(0 < each <= 1 for each in (tpr, power, level)):
        raise InputError(
            got=f"{samples} samples, {heldout} held-out images, tpr {tpr}, power {power}, level {level}",
            need="at least one of each, and shares in (0, 1]",
            remedy="write tpr=0.97 for 97 %",
        )
    cases = [_critical(samples, rank, heldout, level) for rank in used_ranks(heldout)]
    low, high = 0.0, 1.0
    if max(_power(high * tpr, samples, *case) for case in cases) < power:
        return None
    for _ in range(30):
        middle = (low + high) / 2
        found = max(_power(middle * tpr, samples, *case) for case in cases) >= power
        low, high = (low, middle) if found else (middle, high)
    return high


def _critical(samples: int, rank: int, heldout: int, level: float) -> tuple[int, NDArray[np.float64]]:
    """Find the count from which a rank rejects, and quantiles of the false positive rate of the rank."""
    from scipy.special import betaincinv

    enough = _tails(samples, rank, heldout) <= level / len(used_ranks(heldout))
    count = int(np.argmax(enough)) if enough.any() else samples + 1
    middles = (np.arange(NODES) + 0.5) / NODES
    return count, betaincinv(rank, heldout + 1 - rank, middles)


def _power(seen: float, samples: int, count: int, rates: NDArray[np.float64]) -> float:
    """Compute P(X ≥ count) if a share `seen` of the samples is above every held-out score."""
    from scipy.special import bdtrc

    return float(bdtrc(count - 1, samples, seen + (1 - seen) * rates).mean()) if count <= samples else 0.0
