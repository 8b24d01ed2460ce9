"""The local score with windows learned from the data: a pixel sees the pixels that the best linear denoiser would use for it.

    A_σ = U diag( λ / (λ + σ²) ) Uᵀ,       M_ij = 1 where |A_ij| ≥ threshold · max_j |A_ij|,       C = U diag(λ) Uᵀ the data's covariance
    D(x, σ)_i = Σₙ wₙ xⁿ_i,        wₙ = softmaxₙ( −Σ_j M_ij (x_j − xⁿ_j)² / 2σ² )

i and j are pixels of a channel, so that each has weights of its own.  Dividing the rows of A by their diagonal entries first
changes nothing, because each row is compared with its own largest entry.  A threshold of 0 gives the empirical denoiser.

Reference: Lukoianov, Yuan, Solomon, Sitzmann, arXiv 2509.09672 (PCA locality), who take a mean of the softmaxes of batches;
here the softmax is over all images at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from byheart._checks import InputError
from byheart.denoisers.base import Level
from byheart.denoisers.gaussian import GaussianDenoiser, wiener
from byheart.denoisers.local.images import Trained, squared_differences
from byheart.denoisers.local.softmax import pixel_mean, total
from byheart.denoisers.local.statistics import PixelPosterior
from byheart.denoisers.mixture import Precision
from byheart.numerics.softmax import product

__all__ = ["PCALocal"]

ENDS = (1e-100, 1e50)
"""Levels beyond which A no longer changes its shape, and σ² would leave the range of floats."""


@dataclass(frozen=True, eq=False)
class PCALocal(Trained):
    """The local score by the covariance of the data.

    train: (n, c, h, w).  threshold: from 0 to 1; published are .005 for MNIST, .05 for CIFAR-10, .02 for images of 64 pixels.
    precision: float32 as in `local`.  The cost is 2 b n d² operations, with d = c h w, and for each level
    a product of (d, d) matrices.  Differentiable in x and sigma, as if the masks were fixed.
    Raises InputError for bad images, or a threshold outside [0, 1].
    """

    train: Tensor
    threshold: float = 0.05
    precision: Precision = "float64"
    chunk: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.threshold <= 1:
            raise InputError(
                got=f"threshold {self.threshold}",
                need="0 ≤ threshold ≤ 1",
                remedy="take 0.05, published for CIFAR-10; 0 lets every pixel see all others",
            )

    def __call__(self, x: Tensor, sigma: Level) -> Tensor:
        """Return D(x, σ).  x: (b, c, h, w).  sigma: () or (b,), positive.  Returns (b, c, h, w) in x's dtype."""
        return self._by_level(x, sigma, float, lambda *settings: pixel_mean(self._logits(*settings)))

    def n_eff(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute 1 / Σ wₙ², the number of training images that share a pixel of a channel: (b, c, h, w).

        Shapes as in the call.
        """
        return self._by_level(x, sigma, float, lambda *settings: total(self._logits(*settings)).n_eff)

    def posterior(self, x: Tensor, sigma: Level, *, source: Tensor | None = None) -> PixelPosterior:
        """Compute statistics of the posterior over training images at every pixel of a channel: (b, c, …) each.

        x: (b, c, h, w).  sigma: () or (b,), positive.  source: (b,) integers, the image that each row was made from.
        Raises InputError for sources that are not one training image for each row.
        """
        return self._maps(x, sigma, float, self._logits, source)

    def mask(self, sigma: float) -> Tensor:
        """Return M, (d, d) booleans: row i marks the pixels that pixel i sees."""
        variances, directions = self._spectrum.variances, self._spectrum.directions
        kept = variances / (variances + min(max(sigma, ENDS[0]), ENDS[1]) ** 2)
        strength = ((directions * kept) @ directions.T).abs()
        return strength >= self.threshold * strength.amax(1, keepdim=True)

    @cached_property
    def _spectrum(self) -> GaussianDenoiser:
        return wiener(self.train)

    def _logits(self, x: Tensor, variance: Tensor, level: float) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield −Σ_j M_ij (x_j − xⁿ_j)²/2σ² (b, m, c, h, w), and the images, chunk by chunk."""
        mask = self.mask(level).to(x)
        for images in self._parts(x):
            apart = squared_differences(x, images)
            sums = product(apart.flatten(2).flatten(0, 1), mask).reshape(apart.shape)
            yield sums / (-2 * variance), images
