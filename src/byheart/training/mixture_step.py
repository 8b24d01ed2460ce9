"""The denoising loss of Gaussian mixtures with one width, and its gradient, by five matrix products.

In training units x = α x₀ + σ ε.  With v = α² s² + σ² and equal weights over the components μᵢ (S1, 2508.17689):

    lᵢ  = (α/v) (x·μᵢ − α ‖μᵢ‖²/2)          log posterior weight, up to a constant of the row
    r   = softmax(l),   m = Σᵢ rᵢ μᵢ
    ε̂   = σ (x − α m) / v
    L   = mean over rows of ‖ε̂ − ε‖²         (the error of x₀ weighted by ψ = α²/σ²)

and backwards, with p = ∂L/∂(x − α m) = (2/rows)(σ/v)(ε̂ − ε) and o = −α p:

    ∂L/∂lᵢ  = rᵢ (o·μᵢ − Σⱼ rⱼ o·μⱼ)
    ∂L/∂μᵢ  = Σ rᵢ o + Σ (∂L/∂lᵢ)(α/v)(x − α μᵢ)
    ∂L/∂s²  = −Σ (α²/v) ( p·(x − α m) + Σᵢ lᵢ ∂L/∂lᵢ )

Differences x − α μᵢ, (rows, m, d), are never formed.  Several mixtures that see the same rows are stacked: a batched product
each.  float32 logits err by 1e-7 ‖x‖²/v: what lies closer together than that cannot be told apart by the smallest noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError

__all__ = ["CELLS_AT_ONCE", "Gradient", "Noisy", "check_rows", "isotropic_gradient", "noisy_rows", "softmax_"]

CELLS_AT_ONCE = 1 << 16
"""Logits held at a time: with the four arrays of their size that a step makes they stay in the second-level cache."""

# Logits this far below the largest count no less: denormal weights make products five times as slow.
LOWEST = -50.0

DEAD = 1e30  # ‖μ‖² of a component that pads the stack: its weight is e^LOWEST at most


@dataclass(frozen=True, eq=False)
class Noisy:
    """Rows x = α x₀ + σ ε.

    extended: [x, −α/2], (b, d + 1).  noise: ε (b, d).  alpha, sigma: (b,).
    """

    extended: Tensor
    noise: Tensor
    alpha: Tensor
    sigma: Tensor

    @property
    def x(self) -> Tensor:
        """Return x, (b, d)."""
        return self.extended[:, :-1]

    def parts(self, size: int) -> Iterator[Noisy]:
        """Yield the same rows, at most `size` at a time."""
        if size >= len(self.alpha):
            yield self
            return
        whole = self.extended, self.noise, self.alpha, self.sigma
        for some in zip(*(torch.split(one, size) for one in whole), strict=True):
            yield Noisy(*some)


def noisy_rows(x0: Tensor, noise: Tensor, alpha: Tensor, sigma: Tensor) -> Noisy:
    """Make the rows x = α x₀ + σ ε.  x0, noise: (b, d).  alpha, sigma: (b,)."""
    extended = x0.new_empty(len(x0), x0.shape[1] + 1)
    torch.mul(x0, alpha[:, None], out=extended[:, :-1])
    extended[:, :-1].addcmul_(noise, sigma[:, None])
    torch.div(alpha, -2.0, out=extended[:, -1])
    return Noisy(extended, noise, alpha, sigma)


@dataclass(frozen=True, eq=False)
class Gradient:
    """The losses of some mixtures, and their gradient.

    loss: (c,), of every mixture.  parameters: ∂loss/∂ of every stacked parameter, by its name and in its shape.
    """

    loss: Tensor
    parameters: Mapping[str, Tensor]


def isotropic_gradient(parameters: Mapping[str, Tensor], alive: Tensor | None, noisy: Noisy) -> Gradient:
    """Compute loss and gradient of c stacked mixtures on the same rows.

    parameters: means (c, m, d) and std (c,).  alive: (c, m), False for components that pad; None if no component pads.
    noisy: (b, d).  Memory beside the rows: four times CELLS_AT_ONCE numbers.
    Raises InputError for rows of another size.
    """
    means, std = parameters["means"], parameters["std"]
    check_rows(means, noisy)
    squares = means.square().sum(2, keepdim=True)
    if alive is not None:
        squares = squares.masked_fill(~alive[..., None], DEAD)
    extended = torch.cat([means, squares], 2)
    sums = _Sums(
        torch.zeros_like(std), torch.zeros_like(means), torch.zeros_like(extended), torch.zeros_like(std)
    )
    for part in noisy.parts(max(1, CELLS_AT_ONCE // extended[..., 0].numel())):
        _add_rows(means, extended, std.square(), part, 2.0 / len(noisy.x), sums)
    # The last column is the slope by ‖μ‖².
    slope = sums.by_mean + sums.by_extended[..., :-1]
    slope.addcmul_(means, sums.by_extended[..., -1:], value=2.0)
    return Gradient(sums.loss / float(len(noisy.x)), {"means": slope, "std": 2.0 * std * sums.by_variance})


def check_rows(means: Tensor, noisy: Noisy) -> None:
    """Raise InputError unless means (c, m, d) and rows (b, d) are of one size."""
    if means.shape[2] != noisy.noise.shape[1]:
        raise InputError(
            got=f"training points of {noisy.noise.shape[1]} numbers for means of {means.shape[2]}",
            need="means in the space of the points",
            remedy="make the means from these points, flattened",
        )


def softmax_(logits: Tensor) -> Tensor:
    """Compute a softmax over the last axis, with weights from e^LOWEST on; smaller logits are raised in place."""
    return logits.clamp_(min=logits.amax(-1, keepdim=True) + LOWEST).softmax(-1)


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over rows: squared errors (c,), slopes by m (c, m, d), by [μ, ‖μ‖²] (c, m, d + 1) and by s² (c,)."""

    loss: Tensor
    by_mean: Tensor
    by_extended: Tensor
    by_variance: Tensor


def _add_rows(
    means: Tensor, extended: Tensor, variance: Tensor, noisy: Noisy, weight: float, sums: _Sums
) -> None:
    """Add the contribution of some rows to the squared errors, and to the slopes of weight/2 times the squared errors.

    means: (c, m, d).  extended: [μ, ‖μ‖²], (c, m, d + 1).  variance: s² (c,).
    """
    alpha, sigma = noisy.alpha, noisy.sigma
    v = torch.addcmul(sigma.square(), variance[:, None], alpha.square())  # (c, b)
    inputs = noisy.extended * (alpha / v)[..., None]
    logits = torch.bmm(inputs, extended.mT)
    shares = softmax_(logits)
    residual = torch.addcmul(noisy.x, alpha[:, None], torch.bmm(shares, means), value=-1.0)
    gain = (sigma / v)[..., None]
    error = (residual * gain).sub_(noisy.noise)
    sums.loss.add_(error.square().sum((1, 2)))
    pull = error.mul_(gain * weight)
    along = (pull * residual).sum(2)
    onto = pull.mul_(-alpha[:, None])
    # torch's own kernel: a row whose weight lies on one component gets exactly 0, whatever the products' rounding.
    by_logits = torch._softmax_backward_data(torch.bmm(onto, means.mT), shares, -1, shares.dtype)
    sums.by_mean.baddbmm_(shares.mT, onto)
    sums.by_extended.baddbmm_(by_logits.mT, inputs)
    along += logits.mul_(by_logits).sum(2)
    sums.by_variance.sub_((along * (alpha.square() / v)).sum(1))
