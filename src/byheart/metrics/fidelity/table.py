"""All measures of fidelity and novelty of one set of samples, each beside the value for real images.

A value alone says nothing: for real images, too, FD and sliced Wasserstein are positive, precision is below 1, and the
Vendi score may be anything.  So every row has a reference, and says what kind of reference it is.

No measure of this table detects copying by itself (copies are faithful).  The gaps and FLD compare training with held-out
images.
"""

from __future__ import annotations

import torch
from torch import Tensor

from byheart._checks import check_alike
from byheart.metrics.fidelity.eigenvalues import quick_frechet
from byheart.metrics.fidelity.gaps import frechet_gap, kid_gap
from byheart.metrics.fidelity.gaussian import frechet_corrected, frechet_floor
from byheart.metrics.fidelity.kernel_sums import fast_kid
from byheart.metrics.fidelity.manifold import prdc
from byheart.metrics.fidelity.sliced import sliced_wasserstein
from byheart.metrics.novelty.likelihood import feature_likelihood
from byheart.metrics.novelty.vendi import vendi_score
from byheart.metrics.score import Score
from byheart.numerics.indexed import Indexed
from byheart.numerics.intervals import Interval
from byheart.numerics.moments import moments
from byheart.random import derive, generator

__all__ = ["fidelity_table"]

_ROWS = 8_000  # most rows of each set, for measures whose time grows with the square of that number
_LEAST = 6
_DRAWS = 16  # random halves behind the interval of FD and the null of its gap
_PROJECTIONS = 128


@torch.no_grad()
def fidelity_table(samples: Tensor, heldout: Tensor, train: Indexed, *, seed: int) -> tuple[Score, ...]:
    """Compute every measure on features samples (q, *shape), heldout (m, *shape) and train (n, *shape).

    Sums are in float64 where that matters.  seed: Random seed of the order of the rows, the random halves and the projections;
    the same seed gives the same result.  FD itself uses all rows; the other measures use at most 8,000 rows of each set, in
    random order.  Memory stays below one float64 copy of the features plus 1 GB.
    Raises InputError for fewer than six rows of any set, different shapes, or NaN.
    """
    sets: dict[str, Indexed] = {"samples": samples, "heldout": heldout, "train": train}
    check_alike(sets, _LEAST, remedy="compute all three sets with the same features, and give more rows")
    x, unseen, points = (_shuffled(rows, derive(seed, name)) for name, rows in sets.items())
    return (
        _frechet(samples, heldout),
        *_distances(x, unseen, points, seed),
        *_manifold(x, unseen, points),
        *_novelty(x, unseen, points, seed),
    )


def _shuffled(x: Indexed, seed: int) -> Tensor:
    """Return at most 8,000 rows in random order, because files come sorted by class."""
    return x[torch.randperm(len(x), generator=generator(seed))[:_ROWS].to(x.device)]


def _frechet(samples: Tensor, heldout: Tensor) -> Score:
    of_samples, of_heldout = moments(samples), moments(heldout)
    return Score(
        "FD",
        quick_frechet(of_samples, of_heldout),
        None,
        None,
        frechet_floor(of_heldout.covariance, len(samples), len(heldout)),
        "null floor",
        len(samples),
        "Fréchet distance between the Gaussians fitted to samples and held-out images; the floor is its expectation "
        "for two Gaussian samples of these sizes.",
        "fidelity",
    )


def _interval(name: str, interval: Interval, reference: float, against: str, definition: str) -> Score:
    return Score(
        name,
        interval.value,
        interval.low,
        interval.high,
        reference,
        against,
        interval.count,
        definition,
        "fidelity",
    )


def _distances(x: Tensor, unseen: Tensor, points: Tensor, seed: int) -> tuple[Score, ...]:
    corrected = frechet_corrected(x, unseen, halves=_DRAWS, seed=derive(seed, "corrected"))
    of_frechet = frechet_gap(x, points, unseen, splits=_DRAWS, seed=derive(seed, "gap"))
    exchanged = "train and held-out images exchanged at random"
    size = min(len(x), len(unseen), len(points))
    return (
        _interval(
            "FD, bias removed",
            corrected,
            0.0,
            "equal distributions",
            "2 FD − mean FD of random halves of both sets; interval from the spread of the halves.",
        ),
        _interval(
            "FD gap",
            of_frechet,
            0.0,
            exchanged,
            "FD from held-out images − FD from equally many training images; above 0: closer to the training images.",
        ),
        _interval(
            "KID",
            fast_kid(x, unseen),
            0.0,
            "equal distributions",
            "Unbiased kernel distance with (x·y/d + 1)³ over all pairs; delete-one jackknife interval.",
        ),
        _interval(
            "KID gap",
            kid_gap(x, points, unseen),
            0.0,
            exchanged,
            "KID from held-out images − KID from equally many training images; above 0: closer to the training images.",
        ),
        Score(
            f"sliced Wasserstein (p = 2, {_PROJECTIONS} projections, seed {seed})",
            sliced_wasserstein(x[:size], unseen[:size], projections=_PROJECTIONS, seed=seed),
            None,
            None,
            sliced_wasserstein(points[:size], unseen[:size], projections=_PROJECTIONS, seed=seed),
            "training images in place of samples",
            size,
            "Root mean square over directions of the one-dimensional W₂ between samples and as many held-out images.",
            "fidelity",
        ),
    )


def _manifold(x: Tensor, unseen: Tensor, points: Tensor) -> tuple[Score, ...]:
    size = min(len(x), len(points))
    ours, real = prdc(x[:size], unseen), prdc(points[:size], unseen)
    instead, exact = "training images in place of samples", "exact null"
    of_density = "Mean number of balls of held-out images (5th neighbor) around a sample, over 5; expected 1 for real images."
    of_coverage = "Share of held-out images with a sample within the distance of their own 5th neighbor."

    def coverage(name: str, value: float) -> Score:
        return Score(name, value, None, None, ours.coverage_null, exact, size, of_coverage, "fidelity")

    return (
        _interval(
            "precision (k = 3)",
            ours.precision,
            real.precision.value,
            instead,
            "Share of samples within the distance of the 3rd neighbor of some held-out image.",
        ),
        _interval(
            "recall (k = 3)",
            ours.recall,
            real.recall.value,
            instead,
            "Share of held-out images within the distance of the 3rd neighbor of some sample.",
        ),
        _interval("density (k = 5)", ours.density, 1.0, exact, of_density),
        _interval("density of training images (k = 5)", real.density, 1.0, exact, of_density),
        coverage("coverage (k = 5)", ours.coverage),
        coverage("coverage by training images (k = 5)", real.coverage),
    )


def _novelty(x: Tensor, unseen: Tensor, points: Tensor, seed: int) -> tuple[Score, ...]:
    size = min(len(x), len(unseen))
    scores = feature_likelihood(x, points, unseen, seed=derive(seed, "likelihood"))
    return (
        Score(
            "Vendi",
            vendi_score(x[:size]),
            None,
            None,
            vendi_score(unseen[:size]),
            "as many held-out images",
            size,
            "Effective number of different samples: exp of the entropy of the spectrum of their cosines.",
            "novelty",
        ),
        Score(
            "FLD",
            scores.fld,
            None,
            None,
            0.0,
            "half of the training images in place of samples",
            scores.count,
            "How much worse Gaussians around the samples, fitted to training images, explain held-out images than "
            "Gaussians around training images do; 1/100 nat per dimension.",
            "novelty",
        ),
        Score(
            "FLD gap",
            scores.gap,
            None,
            None,
            scores.base_gap,
            "half of the training images in place of samples",
            scores.count,
            "How much better these Gaussians explain training than held-out images: far below the reference, copies.",
            "novelty",
        ),
    )
