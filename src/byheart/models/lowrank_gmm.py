"""S1's learned model of images: a mixture of colored templates (2508.17689, section 5), with the correct determinant.

A sample is a color times a template, c ⊗ Tᵢ with c ~ N(uᵢ, s² I₃): rank 3 in 3hw dimensions.  Templates Tᵢ, colors uᵢ and
one width s are the parameters.  The module holds the parameters and calls `denoisers.templates`.  `training.mixtures` with
`training.template_step` trains many such models at once by closed-form gradients.

S1 starts from training points: an image c ⊗ T is split into a template and a color by its best approximation of rank 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from byheart._checks import InputError, check_finite, check_open
from byheart.data.templates import COLORS
from byheart.denoisers.templates import ColoredTemplateDenoiser
from byheart.random import generator

__all__ = ["TemplateModel", "initial_templates", "learned_templates"]


class TemplateModel(nn.Module):
    """The denoiser of a mixture of colored templates with learned templates, colors and one width of the colors.

    templates: (m, h, w).  colors: (m, 3).  std: s > 0 at the start; only s² matters.
    official: leave out the factor 3 before the determinant's logarithm, as S1's code does.
    Raises InputError for a width that is not positive, or shapes that do not fit.
    """

    def __init__(self, templates: Tensor, colors: Tensor, std: float, official: bool = False) -> None:
        super().__init__()
        check_open("initial std", std, remedy="start above 0: at 0 the gradient of the std stays 0")
        self.official = official
        self.templates = nn.Parameter(templates.detach().clone())
        self.colors = nn.Parameter(colors.detach().clone())
        self.std = nn.Parameter(templates.new_tensor(std))
        self.denoiser()

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (3, h, w), the shape of one sample."""
        return (COLORS, *self.templates.shape[1:])

    @property
    def device(self) -> torch.device:
        """Return the device of the parameters."""
        return self.templates.device

    def denoiser(self) -> ColoredTemplateDenoiser:
        """Return the closed form with the current parameters, differentiable in them."""
        return ColoredTemplateDenoiser(self.templates, self.colors, self.std.abs(), official=self.official)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return D(x, σ).  x: (b, 3, h, w).  sigma: () or (b,), positive.  Returns (b, 3, h, w) in x's dtype."""
        return self.denoiser()(x, sigma)


def learned_templates(parameters: Mapping[str, Tensor], official: bool = False) -> ColoredTemplateDenoiser:
    """Build the denoiser of templates (m, h, w), colors (m, 3) and std (), in float64: a plain closed form.

    parameters: of one cell, from `MixtureState.cell`.  official: with the determinant of S1's code.
    Raises InputError for other parameters.
    """
    if parameters.keys() != {"templates", "colors", "std"}:
        raise InputError(
            got=f"parameters {sorted(parameters)}",
            need="templates (m, h, w), colors (m, 3) and std ()",
            remedy="for a mixture of means take learned_mixture",
        )
    templates, colors = (parameters[name].detach().double() for name in ("templates", "colors"))
    return ColoredTemplateDenoiser(templates, colors, float(parameters["std"].abs()), official=official)


def initial_templates(m: int, train: Tensor, *, seed: int) -> tuple[Tensor, Tensor]:
    """Return templates (m, h, w) and colors (m, 3) of m training points; for one seed a smaller m is nested in a larger m.

    train: (n, 3, h, w), colored templates; any other image is replaced by its nearest colored template, of rank 1.  A factor can
    move from the color into the template.  So all templates get the one norm with which all training colors have mean square 1
    per channel, and a sign that makes their sum positive.
    seed: Random seed of the choice; the same seed gives the same result.
    Raises InputError for images of another shape, or m outside 1 … n.
    """
    if train.ndim != 4 or train.shape[1] != COLORS or not train.is_floating_point() or not train.numel():
        raise InputError(
            got=f"train of shape {tuple(train.shape)} in {train.dtype}",
            need=f"color images (n, {COLORS}, h, w) in floating point",
            remedy="learn grey images and features as plain mixtures",
        )
    check_finite("train", train)
    if not bool(train.any()):
        raise InputError(
            got="black images", need="images that are not all 0", remedy="check how they were read"
        )
    if not 1 <= m <= len(train):
        raise InputError(
            got=f"{m} components for {len(train)} training points",
            need=f"1 ≤ m ≤ {len(train)}",
            remedy="choose m up to n: a mixture with a component for every point holds them all",
        )
    chosen = torch.randperm(len(train), generator=generator(seed))[:m].to(train.device)
    left, scale, right = torch.linalg.svd(train[chosen].double().flatten(2), full_matrices=False)
    norm = (train.double().flatten(1).square().sum(1).mean() / COLORS).sqrt()
    sign = torch.where(right[:, 0].sum(1, keepdim=True) < 0, -1.0, 1.0)
    templates = (sign * norm * right[:, 0]).reshape(m, *train.shape[2:])
    return templates.to(train), (sign * scale[:, :1] / norm * left[:, :, 0]).to(train)
