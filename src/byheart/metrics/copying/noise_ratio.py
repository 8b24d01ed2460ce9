"""The noise ratio: is a sample one training image plus noise, however strong?

With x₁ the training image nearest to the sample g, c_j = NCC(g, x_j) and G_j = NCC(x₁, x_j) for the next nearest x_j,

    ν = Σ_j |c₁ G_j − c_j| / Σ_j c₁ (1 − G_j),    score −log(ν + 0.001),

for g and for its mirror image; the larger score counts.  If g = a x₁ + b + independent noise, then E c_j = c₁ G_j for
every j whatever the noise, and ν → 0 up to E|c₁ G_j − c_j| = √(2/π) √((1 − c₁²)(1 − G_j²)/d).  An original sample has its
own relation to each neighbor (ν of .2 to .8), and noise on the sample does not lower ν.  A ratio of distances fails here:
noise adds the same energy to all distances.

Correlations are of raw pixels, the inner 30×30, all channels jointly, with exactly unit norms, so a faint copy is a copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart.metrics.copying.search import check_queries, compared, correlations, largest, prepared

__all__ = ["NoiseFound", "NoiseTable", "noise_ratio", "noise_table"]

CANDIDATES = 32
FLOOR = 1e-3  # added to ν before the logarithm
_BLANK = 0.01  # root mean square below which a window is not blown up to unit norm
_ALIKE = 0.02  # correlation below which no image resembles the sample, because the sample is blank
_ROOM = 1e-5  # denominator below which the neighbors are all one image


@dataclass(frozen=True, eq=False)
class NoiseFound:
    """The result of the noise ratio for b samples.

    score: (b,) −log(ν + 0.001).  source: (b,) nearest training image, −1 if all were left out.
    flip: (b,) bool, whether the mirror image scored higher.  ratio: (b,) ν, 1 where nothing can be said.
    """

    score: Tensor
    source: Tensor
    flip: Tensor
    ratio: Tensor


@dataclass(frozen=True, eq=False)
class NoiseTable:
    """The training images, ready for the noise ratio.

    even, odd: (n, c·450) unit windows of the training images, split by their symmetry under a flip.
    For rows split in this way ⟨g, x⟩ = even + odd and ⟨flip g, x⟩ = even − odd: both products for the price of one.
    """

    even: Tensor
    odd: Tensor

    def __len__(self) -> int:
        return len(self.even)

    @torch.no_grad()
    def __call__(self, x: Tensor, without: Tensor | None = None) -> NoiseFound:
        """Compute the noise ratio of samples x (b, c, 32, 32) in [0, 1].

        without: (b, n) True where a training image must not be matched with a sample: itself and its duplicates.
        Raises InputError for samples unlike the training images, NaN, or a mask of another shape.
        """
        check_queries(x, self.even.shape[1] // 450, without, len(self))
        even, odd = _by_symmetry(x.float())
        excluded = None if without is None else without.repeat(2, 1)
        score, index = largest(self._correlations(even, odd), CANDIDATES, excluded)
        products = compared(self.even, index, even.repeat(2, 1))
        products += compared(self.odd, index, torch.cat([odd, -odd]))
        ratio = noise_ratio(products[:, 0], products[:, 1], score > -torch.inf)
        source = torch.where(score[:, 0] > -torch.inf, index[:, 0], -1)
        flip = ratio[len(x) :] < ratio[: len(x)]
        ratio, source = (torch.where(flip, part[len(x) :], part[: len(x)]) for part in (ratio, source))
        return NoiseFound(-(ratio + FLOOR).log(), source, flip, ratio)

    def _correlations(self, even: Tensor, odd: Tensor) -> Iterator[Tensor]:
        """Yield correlations (·, 2b), a part of the rows at a time: b columns for the samples, b for their mirror images."""
        parts = zip(correlations(self.even, even), correlations(self.odd, odd), strict=True)
        return (torch.cat([same + other, same - other], 1) for same, other in parts)


@torch.no_grad()
def noise_table(train: Tensor) -> NoiseTable:
    """Prepare the table of training images (n, c, 32, 32) in [0, 1].

    Raises InputError for another shape, NaN or infinity.
    """
    return NoiseTable(*prepared(train, _by_symmetry))


def noise_ratio(with_sample: Tensor, with_source: Tensor, present: Tensor) -> Tensor:
    """Compute ν from the correlations c_j and G_j of the candidates, (q, k) each, the source first: (q,).

    present: (q, k) bool, False for candidates that do not exist.  ν is 1 where nothing can be said, because the sample is blank
    (no image correlates with it), or because there is no second candidate unlike the source.
    """
    c, g, others = with_sample[:, 1:], with_source[:, 1:], present[:, 1:]
    alike = with_sample[:, :1]
    gap = ((alike * g - c).abs() * others).sum(1)
    room = (alike.clamp_min(_ALIKE) * (1 - g) * others).sum(1)
    silent = (alike[:, 0] < _ALIKE) | (room < _ROOM)
    return torch.where(silent, 1.0, gap / room.clamp_min(_ROOM))


def _by_symmetry(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the even and the odd part (b, c·450) of the unit windows of x (b, c, 32, 32), in another orthonormal basis."""
    window = x[:, :, 1:31, 1:31]
    window = window - window.mean((1, 2, 3), keepdim=True)
    norm = torch.linalg.vector_norm(window, dim=(1, 2, 3), keepdim=True)
    window = window / norm.clamp_min(_BLANK * math.sqrt(window[0].numel()))
    left, right = window[..., :15] * math.sqrt(0.5), window[..., 15:].flip(-1) * math.sqrt(0.5)
    return (left + right).flatten(1), (left - right).flatten(1)
