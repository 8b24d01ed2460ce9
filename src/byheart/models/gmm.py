"""S1's learned model: a Gaussian mixture whose means and one width are the parameters (2508.17689).

    initial means     description                                                     at M = 0.8 N the model then
    ------------------------------------------------------------------------------------------------------------
    training points   M of the N; for one seed a smaller M is nested (S1's choice)    memorizes half
    population        fresh draws from the data's own distribution                    memorizes nothing
    gaussian          standard normal                                                 memorizes nothing
    pairs             the N − M nearest pairs as averages, all others unchanged       memorizes two thirds, at lower loss

The module holds the parameters and calls `denoisers.mixture`.  `training.mixtures` trains many mixtures at once by closed-form
gradients, and `learned_mixture` turns the trained parameters into a denoiser.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from byheart._checks import InputError, check_finite, check_open, check_shape, unknown
from byheart.data.mixture import GaussianMixture
from byheart.denoisers.gaussian import GaussianDenoiser
from byheart.denoisers.gaussian_mixture import GaussianMixtureDenoiser
from byheart.denoisers.mixture import MixtureDenoiser, Precision
from byheart.random import derive, generator
from byheart.theory.starts import paired_starts

__all__ = ["InitialMeans", "MixtureModel", "initial_means", "learned_free_mixture", "learned_mixture"]

InitialMeans = Literal["training", "population", "gaussian", "pairs"]


class MixtureModel(nn.Module):
    """The denoiser of Σᵢ wᵢ N(μᵢ, s²I) with learned μᵢ and s, and with learned weights if log_weights are given.

    means: (m, *shape).  std: s > 0 at the start; only s² matters.  log_weights: (m,), of any sum, normalized in use.
    precision: of the arithmetic.  Raises InputError for a width that is not positive, or bad means.
    """

    def __init__(
        self, means: Tensor, std: float, log_weights: Tensor | None = None, precision: Precision = "float64"
    ) -> None:
        super().__init__()
        check_open(
            "initial std",
            std,
            remedy="start above 0: at 0 the gradient of s stays 0; for a fixed 0 use denoisers.partial",
        )
        self.precision: Precision = precision
        self.means = nn.Parameter(means.detach().clone())
        self.std = nn.Parameter(means.new_tensor(std))
        self.log_weights = None if log_weights is None else nn.Parameter(log_weights.detach().clone())
        self.denoiser()

    @property
    def shape(self) -> tuple[int, ...]:
        """Return *shape, of one sample."""
        return tuple(self.means.shape[1:])

    @property
    def device(self) -> torch.device:
        """Return the device of the parameters."""
        return self.means.device

    def denoiser(self) -> MixtureDenoiser:
        """Return the closed form with the current parameters, differentiable in them."""
        weights = None if self.log_weights is None else self.log_weights.log_softmax(0)
        return MixtureDenoiser(self.means, self.std.abs(), weights, self.precision)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return D(x, σ).  x: (b, *shape).  sigma: () or (b,), positive.  Returns (b, *shape) in x's dtype."""
        return self.denoiser()(x, sigma)


def learned_mixture(
    parameters: Mapping[str, Tensor], shape: tuple[int, ...] | None = None
) -> MixtureDenoiser:
    """Build the denoiser of means (m, d), std () and, if given, log_weights (m,), in float64: a plain closed form.

    parameters: of one cell, from `MixtureState.cell`.  shape: *shape of one sample; None is flat, (d,).
    Raises InputError for missing or unknown parameters, or a std that is not a single number.
    """
    unknown = parameters.keys() - {"means", "std", "log_weights"}
    if unknown or not {"means", "std"} <= parameters.keys() or parameters["std"].ndim:
        raise InputError(
            got=f"parameters { {name: tuple(values.shape) for name, values in parameters.items()} }",
            need="means (m, d), std () and perhaps log_weights (m,)",
            remedy="for one width per component take learned_free_mixture, for templates their own denoisers",
        )
    means = parameters["means"].detach().double()
    weights = parameters.get("log_weights")
    return MixtureDenoiser(
        means if shape is None else means.reshape(-1, *shape),
        float(parameters["std"].abs()),
        None if weights is None else weights.detach().double().log_softmax(0),
    )


def learned_free_mixture(parameters: Mapping[str, Tensor]) -> GaussianMixtureDenoiser:
    """Build the denoiser of means (m, d) with one width and one weight each, std and log_weights (m,), in float64.

    Raises InputError for other parameters.
    """
    if parameters.keys() != {"means", "std", "log_weights"} or parameters["std"].ndim != 1:
        raise InputError(
            got=f"parameters {sorted(parameters)}",
            need="means (m, d), std (m,) and log_weights (m,)",
            remedy="for a mixture with one width take learned_mixture",
        )
    means, std, logs = (parameters[name].detach().double() for name in ("means", "std", "log_weights"))
    axes = torch.eye(means.shape[1], dtype=means.dtype, device=means.device)
    parts = [
        GaussianDenoiser(mean, width.square().expand(len(axes)), axes)
        for mean, width in zip(means, std, strict=True)
    ]
    return GaussianMixtureDenoiser(tuple(parts), logs.softmax(0))


def initial_means(
    kind: InitialMeans, m: int, train: Tensor, *, seed: int, population: GaussianMixture | None = None
) -> Tensor:
    """Return means to start from, (m, d), in the training points' dtype.

    train: (n, d).
    seed: Random seed; the same seed gives the same result.  A smaller m chooses a part of a larger m's training points, which are
    also the points of `denoisers.partial`.  "pairs" needs no seed.
    population: the distribution that "population" draws from.
    Raises InputError for an unknown kind, m < 1, m > n, pairs with m < n/2, or a population that is missing.
    """
    check_shape("train", train, "point", "(n, d)", remedy="flatten images with .flatten(1)")
    check_finite("train", train)
    if not 1 <= m <= len(train):
        raise InputError(
            got=f"{m} components for {len(train)} training points",
            need=f"1 ≤ m ≤ {len(train)}",
            remedy="choose m up to n: a mixture with a component for every point holds them all",
        )
    match kind:
        case "training":
            chosen = torch.randperm(len(train), generator=generator(seed))[:m]
            return train[chosen.to(train.device)]
        case "gaussian":
            source = generator(derive(seed, "gaussian means"))
            return torch.randn(m, train.shape[1], generator=source, dtype=train.dtype).to(train.device)
        case "pairs":
            return torch.from_numpy(paired_starts(train.detach().cpu().numpy(), m)[0]).to(train)
        case "population":
            return _fresh(population, m, seed).to(train)
    raise unknown("initial means", kind, get_args(InitialMeans), remedy="S1 starts from training points")


def _fresh(population: GaussianMixture | None, m: int, seed: int) -> Tensor:
    if population is None:
        raise InputError(
            got="initial means from a population that is not given",
            need="population=…",
            remedy="pass the mixture that the training points were drawn from",
        )
    return population.sample(m, generator(derive(seed, "population means")))
