"""The denoising loss of Gaussian mixtures with a width and a weight for each component, and its gradient.

In training units x = α x₀ + σ ε.  With vᵢ = α² sᵢ² + σ² and weights wᵢ ∝ exp θᵢ:

    κᵢ  = α x·μᵢ − α² ‖μᵢ‖²/2 − ‖x‖²/2                 = −½ ‖x − α μᵢ‖²
    lᵢ  = θᵢ + κᵢ/vᵢ − (d/2) log vᵢ,   r = softmax(l),   ρᵢ = rᵢ/vᵢ
    ε̂   = σ Σᵢ ρᵢ (x − α μᵢ)
    L   = mean over rows of ‖ε̂ − ε‖²

and backwards, with g = σ (2/rows)(ε̂ − ε), Eᵢ = g·x − α g·μᵢ, and λᵢ = ∂L/∂lᵢ = rᵢ (Eᵢ/vᵢ − Σⱼ rⱼ Eⱼ/vⱼ):

    by μᵢ     Σ (λᵢ/vᵢ) α (x − α μᵢ) − Σ ρᵢ α g
    by sᵢ²    −Σ α² ( ρᵢ Eᵢ + λᵢ (κᵢ/vᵢ + d/2) ) / vᵢ
    by θᵢ     Σ λᵢ

With one width and equal weights this is `mixture_step`, which is cheaper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.training.mixture_step import CELLS_AT_ONCE, Gradient, Noisy, check_rows, softmax_
from byheart.training.stack import Cell

__all__ = ["free_cell", "free_gradient"]

NOTHING = -1e30  # logit of a component that pads the stack


def free_cell(means: Tensor, std: float, *, seed: int = 0, data: int = 0) -> Cell:
    """Make a mixture to train with one width and one weight per component, all equal at the start.

    means: (m, d).  std: s > 0.  Raises InputError for means that are no matrix of floats, or a width that is not positive.
    """
    if means.ndim != 2 or not means.numel() or not means.is_floating_point() or not 0 < std < float("inf"):
        raise InputError(
            got=f"means of shape {tuple(means.shape)} in {means.dtype}, std {std}",
            need="at least one mean, (m, d) in floating point, and 0 < std < infinity",
            remedy="flatten samples with .flatten(1), and take the recipe's std",
        )
    widths = means.new_full((len(means),), std)
    return Cell({"means": means, "std": widths, "log_weights": torch.zeros_like(widths)}, seed, data)


def free_gradient(parameters: Mapping[str, Tensor], alive: Tensor | None, noisy: Noisy) -> Gradient:
    """Compute loss and gradient of c stacked mixtures on the same rows.

    parameters: means (c, m, d), std (c, m), log_weights (c, m), of any sum.  alive: (c, m), False for components that pad.
    noisy: (b, d).  Raises InputError for rows of another size.
    """
    means, std, log_weights = (parameters[name] for name in ("means", "std", "log_weights"))
    check_rows(means, noisy)
    if alive is not None:
        log_weights = log_weights.masked_fill(~alive, NOTHING)
    extended = torch.cat([means, means.square().sum(2, keepdim=True)], 2)
    model = _Model(means, extended, std.square(), log_weights)
    sums = _Sums(*(torch.zeros_like(one) for one in (std[:, 0], means, extended, std, std)))
    for part in noisy.parts(max(1, CELLS_AT_ONCE // std.numel())):
        _add_rows(model, part, 2.0 / len(noisy.noise), sums)
    slope = sums.by_mean + sums.by_extended[..., :-1]
    slope.addcmul_(means, sums.by_extended[..., -1:], value=2.0)
    named = {"means": slope, "std": 2.0 * std * sums.by_variance, "log_weights": sums.by_weight}
    return Gradient(sums.loss / float(len(noisy.noise)), named)


@dataclass(frozen=True, eq=False)
class _Model:
    """The stacked parameters.

    means: (c, m, d).  extended: [μ, ‖μ‖²].  variance: s² (c, m).  log_weights: θ (c, m).
    """

    means: Tensor
    extended: Tensor
    variance: Tensor
    log_weights: Tensor


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over rows: squared errors (c,), slopes by μ (c, m, d), by [μ, ‖μ‖²], by s² (c, m) and by θ (c, m)."""

    loss: Tensor
    by_mean: Tensor
    by_extended: Tensor
    by_variance: Tensor
    by_weight: Tensor


def _add_rows(model: _Model, noisy: Noisy, weight: float, sums: _Sums) -> None:
    """Add the contribution of some rows to the squared errors, and to the slopes of weight/2 times the squared errors."""
    alpha, sigma, x = noisy.alpha[:, None], noisy.sigma[:, None], noisy.x
    own, cells, d = alpha.square(), len(model.means), x.shape[1]
    v = torch.addcmul(sigma.square(), own, model.variance[:, None])  # (c, b, m)
    inputs = (noisy.extended * alpha).expand(cells, -1, -1)
    near = torch.baddbmm(x.square().sum(1)[None, :, None], inputs, model.extended.mT, beta=-0.5).div_(
        v
    )  # κ/v
    shares = softmax_(torch.sub(near, v.log(), alpha=d / 2.0).add_(model.log_weights[:, None]))
    rho = shares / v
    predicted = x * rho.sum(2, keepdim=True) - alpha * torch.bmm(rho, model.means)
    error = predicted.mul_(sigma).sub_(noisy.noise)
    sums.loss.add_(error.square().sum((1, 2)))
    pull = error.mul_(sigma * weight)  # g
    onto = pull * -alpha
    along = torch.baddbmm((pull * x).sum(2, keepdim=True), onto, model.means.mT).div_(v)  # E/v
    by_logits = torch._softmax_backward_data(along, shares, -1, shares.dtype)
    sums.by_mean.baddbmm_(rho.mT, onto)
    sums.by_extended.baddbmm_((by_logits / v).mT, inputs)
    sums.by_weight.add_(by_logits.sum(1))
    spread = torch.addcmul(shares * along, by_logits, near.add_(d / 2.0)).div_(v)
    sums.by_variance.sub_((own * spread).sum(1))
