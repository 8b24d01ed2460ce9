"""The denoising loss of colored templates, and its gradient, by five matrix products.

In training units x = α x₀ + σ ε, with x of three channels.  Template Tᵢ, q = ‖T‖², color c ~ N(uᵢ, s² I₃) (see
`denoisers.templates`, and 2508.17689, eq. 325).  With yᵢ = x·Tᵢ ∈ ℝ³ and wᵢ = σ² + α² s² qᵢ:

    kᵢ  = ( α² s² ‖yᵢ‖²/2σ² + α uᵢ·yᵢ − α² qᵢ ‖uᵢ‖²/2 ) / wᵢ
    lᵢ  = kᵢ − (3/2) log wᵢ,   r = softmax(l)
    cᵢ  = (σ² α uᵢ + α² s² yᵢ) / wᵢ           the color times α, given the template
    ε̂   = (x − Σᵢ rᵢ cᵢ ⊗ Tᵢ) / σ
    L   = mean over rows of ‖ε̂ − ε‖²

and backwards, with z the gradient by the sum, Bᵢ = z·Tᵢ ∈ ℝ³, and λᵢ = ∂L/∂lᵢ = rᵢ (Bᵢ·cᵢ − Σⱼ rⱼ Bⱼ·cⱼ):

    by yᵢ     rᵢ Bᵢ α² s²/wᵢ + λᵢ cᵢ/σ²
    by wᵢ     −( rᵢ Bᵢ·cᵢ + λᵢ (kᵢ + 3/2) ) / wᵢ
    by Tᵢ     Σ rᵢ cᵢ·z + Σ (by yᵢ)·x + 2 Tᵢ Σ ( α² s² (by wᵢ) − λᵢ α² ‖uᵢ‖²/2wᵢ )
    by uᵢ     Σ ( σ² α rᵢ Bᵢ + λᵢ (α yᵢ − α² qᵢ uᵢ) ) / wᵢ
    by s²     Σ α² qᵢ (by wᵢ) + (α²/wᵢ)( rᵢ Bᵢ·yᵢ + λᵢ ‖yᵢ‖²/2σ² )

Images of one component each, (rows, m, 3hw), are never formed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.data.templates import COLORS, check_templates
from byheart.training.mixture_step import CELLS_AT_ONCE, Gradient, Noisy, softmax_
from byheart.training.stack import Cell

__all__ = ["official_template_gradient", "template_cell", "template_gradient"]

NOTHING = -1e30  # logit of a component that pads the stack


def template_cell(templates: Tensor, colors: Tensor, std: float, *, seed: int = 0, data: int = 0) -> Cell:
    """Make a mixture of colored templates to train.

    templates: (m, h, w).  colors: (m, 3).  std: s > 0, of the colors.
    Raises InputError for shapes that do not fit or a width that is not positive.
    """
    check_templates(templates, colors, std)
    if std == 0:
        raise InputError(
            got="std 0 at the start",
            need="std > 0",
            remedy="take the recipe's std: at 0 the gradient of the std stays 0",
        )
    return Cell({"templates": templates, "colors": colors, "std": templates.new_tensor(std)}, seed, data)


def template_gradient(
    parameters: Mapping[str, Tensor], alive: Tensor | None, noisy: Noisy, order: float = COLORS
) -> Gradient:
    """Compute loss and gradient of c stacked mixtures of templates on the same rows.

    parameters: templates (c, m, h, w), colors (c, m, 3), std (c,).  alive: (c, m), False for components that pad; None if no
    component pads.  noisy: (b, 3hw).  order: twice the factor before log wᵢ: 3 is correct, 1 is S1's code.
    Raises InputError for rows of another size.
    """
    templates, colors, std = (parameters[name] for name in ("templates", "colors", "std"))
    flat = templates.flatten(2)
    if noisy.noise.shape[1] != COLORS * flat.shape[2]:
        raise InputError(
            got=f"training points of {noisy.noise.shape[1]} numbers for templates of shape {tuple(templates.shape[2:])}",
            need=f"{COLORS} channels of a template's pixels",
            remedy="make the templates from these points",
        )
    model = _Model(flat, colors, std.square(), alive, order)
    zeros = tuple(torch.zeros_like(values) for values in (std, flat, colors, flat[..., 0], std))
    sums = _Sums(*zeros)
    for part in noisy.parts(max(1, CELLS_AT_ONCE // (COLORS * flat[..., 0].numel()))):
        _add_rows(model, part, 2.0 / len(noisy.noise), sums)
    slope = sums.by_template.addcmul_(flat, sums.by_square[..., None], value=2.0).view_as(templates)
    named = {"templates": slope, "colors": sums.by_color, "std": 2.0 * std * sums.by_variance}
    return Gradient(sums.loss / float(len(noisy.noise)), named)


official_template_gradient = partial(template_gradient, order=1.0)
"""The gradient of the loss in S1's code, which lacks the factor 3 of the determinant."""


@dataclass(frozen=True, eq=False)
class _Model:
    """The stacked parameters.

    templates: (c, m, p).  colors: (c, m, 3).  variance: s² (c,).
    """

    templates: Tensor
    colors: Tensor
    variance: Tensor
    alive: Tensor | None
    order: float


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over rows: squared errors (c,), slopes by T (c, m, p), by u (c, m, 3), by q (c, m) and by s² (c,)."""

    loss: Tensor
    by_template: Tensor
    by_color: Tensor
    by_square: Tensor
    by_variance: Tensor


@dataclass(frozen=True, eq=False)
class _Posterior:
    """The posterior given the rows: y (c, b, 3, m), w and k (c, b, m), c (c, b, 3, m), r (c, b, m)."""

    products: Tensor
    total: Tensor
    inside: Tensor
    color: Tensor
    shares: Tensor


def _posterior(model: _Model, x: Tensor, noisy: Noisy) -> _Posterior:
    """Compute the posterior over templates and colors, given the rows.  x: (3b, p)."""
    square = model.templates.square().sum(2)[:, None]  # (c, 1, m)
    mean = model.colors.mT[:, None]  # (c, 1, 3, m)
    alpha, sigma = noisy.alpha[:, None], noisy.sigma[:, None]
    width = alpha.square() * model.variance[:, None, None]  # α² s², (c, b, 1)
    products = torch.matmul(x, model.templates.mT).view(
        len(model.templates), -1, COLORS, len(model.templates[0])
    )
    total = torch.addcmul(sigma.square(), width, square)
    inside = products.square().sum(2) * (width / (2.0 * sigma.square()))
    inside += alpha * (products * mean).sum(2) - alpha.square() / 2.0 * square * mean.square().sum(2)
    inside /= total
    logits = torch.sub(inside, total.log(), alpha=model.order / 2.0)
    if model.alive is not None:
        logits.masked_fill_(~model.alive[:, None], NOTHING)
    own = (sigma.square() * alpha)[..., None] * mean
    color = torch.addcmul(own, width[..., None], products) / total[:, :, None]
    return _Posterior(products, total, inside, color, softmax_(logits))


def _add_rows(model: _Model, noisy: Noisy, weight: float, sums: _Sums) -> None:
    """Add the contribution of some rows to the squared errors, and to the slopes of weight/2 times the squared errors."""
    x = noisy.x.reshape(len(noisy.noise) * COLORS, -1)
    posterior = _posterior(model, x, noisy)
    mixed = (posterior.shares[:, :, None] * posterior.color).flatten(1, 2)  # (c, 3b, m)
    level = noisy.sigma.repeat_interleave(COLORS)[:, None]
    error = (x - torch.bmm(mixed, model.templates)).div_(level).sub_(noisy.noise.view_as(x))
    sums.loss.add_(error.square().sum((1, 2)))
    pull = error.mul_(-weight / level)  # z
    along = torch.bmm(pull, model.templates.mT).view_as(posterior.color)  # B
    by_logits = torch._softmax_backward_data(
        (along * posterior.color).sum(2), posterior.shares, -1, posterior.shares.dtype
    )
    by_color = along.mul_(posterior.shares[:, :, None])  # r B
    by_products = _add_slopes(model, noisy, posterior, by_logits, by_color, sums)
    sums.by_template.baddbmm_(mixed.mT, pull)
    sums.by_template.baddbmm_(by_products.flatten(1, 2).mT, x.expand(len(mixed), -1, -1))


def _add_slopes(
    model: _Model, noisy: Noisy, posterior: _Posterior, by_logits: Tensor, by_color: Tensor, sums: _Sums
) -> Tensor:
    """Add the slopes by u, q and s²; return the slopes by y, (c, b, 3, m).

    by_logits: λ (c, b, m).  by_color: r B (c, b, 3, m).
    """
    square, mean = model.templates.square().sum(2)[:, None], model.colors.mT[:, None]
    alpha, variance = noisy.alpha[:, None], noisy.sigma[:, None].square()
    own = alpha.square()
    width = own * model.variance[:, None, None]
    inverse = 1.0 / posterior.total
    by_total = (by_color * posterior.color).sum(2)
    by_total = by_total.addcmul_(by_logits, posterior.inside + model.order / 2.0).mul_(-inverse)
    share = by_logits * inverse
    sums.by_square.add_((width * by_total - own / 2.0 * mean.square().sum(2) * share).sum(1))
    pulled = (by_color * posterior.products).sum(2) * inverse
    pulled.addcmul_(share, posterior.products.square().sum(2) / (2.0 * variance))
    sums.by_variance.add_((own * (square * by_total + pulled)).sum((1, 2)))
    offset = alpha[..., None] * posterior.products - (own * square)[:, :, None] * mean
    by_mean = (variance * alpha)[..., None] * by_color * inverse[:, :, None] + offset * share[:, :, None]
    sums.by_color.add_(by_mean.sum(1).mT)
    gain = (width * inverse)[:, :, None]
    return torch.addcmul(by_color * gain, (by_logits / variance)[:, :, None], posterior.color)
