"""Split-conformal ranks: where a score stands among the scores of held-out images.

    p_g = (1 + #{h : s_h ≥ s_g}) / (n_h + 1)

A sample that copies nothing is exchangeable with the held-out images, hence P(p ≤ k/(n_h + 1)) ≤ k/(n_h + 1) whatever the score is,
and with equality where no two scores are equal.  That is an average over audits.  In one audit, with its held-out images
given, the false positive rate of "strictly above the k-th largest held-out score" (the same as p ≤ k/(n_h + 1)) is

    F ~ Beta(k, n_h + 1 − k)           continuous scores; ties only make it smaller

    rule        rank k                                        promise at level α
    ------------------------------------------------------------------------------------------------
    pac         largest k with P(F ≤ α) ≥ 0.95                at most α, in 95 % of audits
    marginal    ⌊α (n_h + 1)⌋                                 α on average over audits
    none        (n_h < 1/α − 1)                               none: no sample is flagged

Sources: Vovk et al. 2005 (conformal p-values); Vovk 2012 (the Beta law, PAC ranks); Benjamini & Hochberg 1995.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from byheart._checks import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Rank",
    "Rule",
    "chosen_rank",
    "false_positive_limit",
    "flags",
    "marginal_rank",
    "p_values",
    "pac_rank",
    "q_values",
    "rank_counts",
    "threshold",
]

Rule = Literal["pac", "marginal", "none"]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Rank:
    """The rank above which a sample is flagged, and the false positive rate of this rule.

    rank: k, or None if no sample can be flagged.  heldout: n_h.  mean: k/(n_h + 1), the false positive rate averaged over
    audits.  limit: the rate that the false positive rate exceeds in a share 1 − confidence of audits.
    """

    rule: Rule
    rank: int | None
    alpha: float
    heldout: int
    mean: float | None
    limit: float | None


def p_values(scores: ArrayLike, *nulls: ArrayLike) -> NDArray[np.float64]:
    """Compute conformal p-values of scores (b,) among the scores of held-out images (n_h,); with several nulls the largest.

    nulls: scores of the held-out images, then perhaps of the same images degraded (the guard: a sample is flagged only
    if its score stands out from all of them).  Raises InputError for no null, an empty one, or values that are NaN.
    """
    found = _row("scores", scores)
    if not nulls:
        raise InputError(
            got="no held-out scores", need="at least one set of them", remedy="hold some images out"
        )
    each = [_against(found, _row("held-out scores", null, least=1)) for null in nulls]
    return np.asarray(np.max(each, axis=0))


def _against(scores: NDArray[np.float64], null: NDArray[np.float64]) -> NDArray[np.float64]:
    # The first place where the score could be inserted has every smaller score before it, and no equal score.
    at_least = len(null) - np.searchsorted(np.sort(null), scores, side="left")
    return np.asarray((1 + at_least) / (len(null) + 1))


def rank_counts(p: ArrayLike, heldout: int) -> NDArray[np.int64]:
    """Compute the ranks 1 … n_h + 1 of p-values that are multiples of 1/(n_h + 1).

    Raises InputError for p-values of another number of held-out images.
    """
    values = _row("p-values", p)
    scaled = values * (heldout + 1)
    ranks = np.rint(scaled)
    good = (ranks >= 1) & (ranks <= heldout + 1) & (np.abs(scaled - ranks) < 1e-6 * (heldout + 1))
    if heldout < 1 or not good.all():
        first = f" (first {values[~good][0]})" if not good.all() else ""
        raise InputError(
            got=f"p-values that are no ranks among {heldout} held-out images{first}",
            need=f"multiples of 1/{heldout + 1} in (0, 1]",
            remedy="pass the number of held-out images that the p-values were made with",
        )
    return np.asarray(ranks, dtype=np.int64)


def flags(p: ArrayLike, rank: int | None, heldout: int) -> NDArray[np.bool_]:
    """Say which samples are flagged: p ≤ rank/(n_h + 1), that is, a score strictly above the rank-th largest of every null.

    rank: None flags no sample.
    """
    ranks = rank_counts(p, heldout)
    return np.zeros(len(ranks), bool) if rank is None else ranks <= rank


def threshold(heldout: ArrayLike, rank: int) -> float:
    """Return the rank-th largest held-out score: a sample with a score strictly above this threshold is flagged."""
    null = _row("held-out scores", heldout, least=1)
    _check_rank(rank, len(null))
    return float(np.partition(null, len(null) - rank)[len(null) - rank])


def pac_rank(alpha: float, heldout: int, confidence: float = CONFIDENCE) -> int | None:
    """Find the largest rank whose false positive rate is at most alpha with that confidence in this audit; None if there is none.

    Raises InputError unless alpha and confidence are in (0, 1) and heldout ≥ 1; so do the next two.
    """
    _check_level(alpha, heldout, confidence)
    from scipy.special import betainc

    ranks = np.arange(1, heldout + 1)
    # Falling in the rank, so that the number of ranks that fulfill it is the largest one.
    return int((betainc(ranks, heldout + 1 - ranks, alpha) >= confidence).sum()) or None


def marginal_rank(alpha: float, heldout: int) -> int | None:
    """Compute ⌊α (n_h + 1)⌋, whose false positive rate is at most alpha on average over audits; None if this rank is 0."""
    _check_level(alpha, heldout, CONFIDENCE)
    return (
        math.floor(alpha * (heldout + 1) + 1e-9) or None
    )  # 0.29 · 100 is 28.999…: a float must not cost a rank


def chosen_rank(
    alpha: float, heldout: int, *, rule: Literal["pac", "marginal"] = "pac", confidence: float = CONFIDENCE
) -> Rank:
    """Choose the rank for this rule.  If `pac` has none, take the marginal rank; if that does not exist either, no rank.

    rule: pac, or marginal to take the weaker promise even if the stronger can be kept.
    """
    pac = pac_rank(alpha, heldout, confidence) if rule == "pac" else None
    rank = pac or marginal_rank(alpha, heldout)
    if rank is None:
        return Rank("none", None, alpha, heldout, None, None)
    limit = false_positive_limit(rank, heldout, confidence)
    return Rank("pac" if pac else "marginal", rank, alpha, heldout, rank / (heldout + 1), limit)


def false_positive_limit(rank: int, heldout: int, confidence: float = CONFIDENCE) -> float:
    """Compute the limit below which the false positive rate of a rank stays with that confidence: a quantile of
    Beta(k, n_h + 1 − k).  Raises InputError unless 1 ≤ rank ≤ heldout.
    """
    _check_rank(rank, heldout)
    from scipy.special import betaincinv

    return float(betaincinv(rank, heldout + 1 - rank, confidence))


def q_values(p: ArrayLike) -> NDArray[np.float64]:
    """Compute Benjamini–Hochberg adjusted p-values: if all samples with q ≤ level are named, at most a share `level` of the named
    samples is expected to be wrong.

    Among N samples with n_h held-out images no sample has q ≤ level unless a share 1/(level (n_h + 1)) of the samples has the
    smallest possible p-value.
    """
    values = _row("p-values", p)
    order = np.argsort(values, kind="stable")
    stepped = values[order] * len(values) / np.arange(1, len(values) + 1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1)
    return adjusted


def _row(name: str, values: ArrayLike, least: int = 0) -> NDArray[np.float64]:
    row = np.asarray(values, dtype=np.float64)
    if row.ndim != 1 or len(row) < least or np.isnan(row).any():
        raise InputError(
            got=f"{name} of shape {row.shape}" + (" with NaN" if np.isnan(row).any() else ""),
            need=f"a row of at least {least} numbers",
            remedy=f"pass one number an image as {name}",
        )
    return row


def _check_rank(rank: int, heldout: int) -> None:
    if not 1 <= rank <= heldout:
        raise InputError(
            got=f"rank {rank} among {heldout} held-out images",
            need=f"a rank from 1 to {heldout}",
            remedy="hold more images out, or raise alpha",
        )


def _check_level(alpha: float, heldout: int, confidence: float) -> None:
    if not (0 < alpha < 1 and 0 < confidence < 1 and heldout >= 1):
        raise InputError(
            got=f"alpha {alpha} at confidence {confidence} with {heldout} held-out images",
            need="alpha and confidence between 0 and 1, and at least one held-out image",
            remedy="write alpha=0.01 for 1 %",
        )
