"""S1's learned model of images: a mixture of colored templates (2508.17689, section 5), with the right determinant.

A sample is a color times a template, c ⊗ Tᵢ with c ~ N(uᵢ, s² I₃): rank 3 in 3hw dimensions.  Templates Tᵢ, colors uᵢ and
one width s are the parameters.  The module holds them and calls `denoisers.templates`; training by closed-form gradients,
many at once, is `training.mixtures` with `training.template_step`.

S1 starts from training points: an image c ⊗ T is taken apart into a template and a color by its best approximation of rank 1.
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

    templates: (m, h, w).  colors: (m, 3).  std: s > 0 at the start; only its square matters.
    official: without the factor 3 before the determinant's logarithm, as in S1's code.
    Raises InputError for a width that is not positive, or shapes that do not fit.
    """

    def __init__(self, templates: Tensor, colors: Tensor, std: float, official: bool = False) -> None:
        super().__init__()
        check_open("initial std", std, remedy="at 0 its gradient is 0 for ever")
        self.official = official
        self.templates = nn.Parameter(templates.detach().clone())
        self.colors = nn.Parameter(colors.detach().clone())
        self.std = nn.Parameter(templates.new_tensor(std))
        self.denoiser()

    @property
    def shape(self) -> tuple[int, ...]:
        """(3, h, w), of one sample."""
        return (COLORS, *self.templates.shape[1:])

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.templates.device

    def denoiser(self) -> ColoredTemplateDenoiser:
        """The closed form with the parameters as they are now, differentiable in them."""
        return ColoredTemplateDenoiser(self.templates, self.colors, self.std.abs(), official=self.official)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """D(x, σ).  x: (b, 3, h, w).  sigma: () or (b,), positive.  Returns (b, 3, h, w) in x's dtype."""
        return self.denoiser()(x, sigma)


def learned_templates(parameters: Mapping[str, Tensor], official: bool = False) -> ColoredTemplateDenoiser:
    """The denoiser of templates (m, h, w), colors (m, 3) and std (), in float64: a plain closed form.

    parameters: one cell's, as `MixtureState.cell` gives them.  official: with the determinant of S1's code.
    Raises InputError where one is missing or strange.
    """
    if parameters.keys() != {"templates", "colors", "std"}:
        raise InputError(
            got=f"parameters {sorted(parameters)}",
            need="templates (m, h, w), colors (m, 3) and std ()",
            remedy="a mixture of means is learned_mixture's",
        )
    templates, colors = (parameters[name].detach().double() for name in ("templates", "colors"))
    return ColoredTemplateDenoiser(templates, colors, float(parameters["std"].abs()), official=official)


def initial_templates(m: int, train: Tensor, *, seed: int) -> tuple[Tensor, Tensor]:
    """Templates (m, h, w) and colors (m, 3) of m training points, nested in m for one seed.

    train: (n, 3, h, w), colored templates; of any other image this is the nearest one, of rank 1.  A factor can move from the
    color into the template: the templates get the one norm with which all training colors have mean square 1 a channel,
    and a sign that makes their sum positive.
    Raises InputError for images of another shape, or m out of 1 … n.
    """
    if train.ndim != 4 or train.shape[1] != COLORS or not train.is_floating_point() or not train.numel():
        raise InputError(
            got=f"train of shape {tuple(train.shape)} in {train.dtype}",
            need=f"color images (n, {COLORS}, h, w) in floating point",
            remedy="grey images and features are learned as plain mixtures",
        )
    check_finite("train", train)
    if not bool(train.any()):
        raise InputError(got="black images", need="something on them", remedy="check what was read")
    if not 1 <= m <= len(train):
        raise InputError(
            got=f"{m} components for {len(train)} training points",
            need=f"1 ≤ m ≤ {len(train)}",
            remedy="a mixture with a component for every point already holds them all",
        )
    chosen = torch.randperm(len(train), generator=generator(seed))[:m].to(train.device)
    left, scale, right = torch.linalg.svd(train[chosen].double().flatten(2), full_matrices=False)
    norm = (train.double().flatten(1).square().sum(1).mean() / COLORS).sqrt()
    sign = torch.where(right[:, 0].sum(1, keepdim=True) < 0, -1.0, 1.0)
    templates = (sign * norm * right[:, 0]).reshape(m, *train.shape[2:])
    return templates.to(train), (sign * scale[:, :1] / norm * left[:, :, 0]).to(train)
