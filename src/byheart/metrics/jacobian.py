"""Eigenvalues of a denoiser's Jacobian ∂D/∂x: the directions that the denoiser lets through, and how much of each.

A direction with an eigenvalue near 1 is kept; a direction near 0 is denoised away.  The number of eigenvalues above ½ is
the local dimension of what was learned.  For a posterior mean ∂D/∂x = Cov(x₀ | x)/σ², symmetric and nonnegative; for a
Gaussian population all eigenvalues are below 1.  The empirical denoiser has eigenvalues above 1 where it hesitates between
points, and none above 0 where it has chosen a point: both are signs of a memorizing model.

The eigenvalues are exact for a mixture of points; for any other denoiser they come from Lanczos (scipy) on the symmetric
part of the Jacobian.
References: Kadkhodaie et al., ICLR 2024; Ventura, Achilli et al. 2024.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from byheart._checks import InputError, check_finite, check_tensor
from byheart.denoisers.base import Denoiser, denoise, per_row
from byheart.denoisers.mixture import MixtureDenoiser

__all__ = ["jacobian_eigenvalues", "local_dimension"]


def jacobian_eigenvalues(
    denoiser: Denoiser, x: Tensor, sigma: Tensor, *, count: int | None = None, seed: int = 0
) -> Tensor:
    """Compute the largest eigenvalues of the symmetric part of ∂D/∂x at every row: (b, count) float64, decreasing.

    x: (b, *shape).  sigma: () or (b,), positive.  count: number of eigenvalues; None gives all d, computed densely.
    seed: Random seed of Lanczos' first vector; the same seed gives the same result.
    Raises InputError for a count outside 1 … d, or x that is not finite.
    """
    check_finite("x", x)
    d = x[0].numel()
    wanted = d if count is None else count
    if not 1 <= wanted <= d:
        raise InputError(got=f"{wanted} eigenvalues", need=f"from 1 to {d}", remedy="leave count out for all")
    check_tensor("sigma", sigma, "() or (b,)", remedy="write torch.tensor(sigma)")
    per_row(sigma, x)
    levels = sigma.expand(len(x)) if sigma.ndim == 0 else sigma
    rows = [_of_row(denoiser, x[row : row + 1], levels[row], wanted, seed) for row in range(len(x))]
    return torch.stack(rows)


def local_dimension(eigenvalues: Tensor, height: float = 0.5) -> Tensor:
    """Count the eigenvalues above `height` in every row: (b,).

    eigenvalues: (b, m).  Raises InputError for NaN or infinity.
    """
    check_finite("eigenvalues", eigenvalues)
    return (eigenvalues > height).sum(1)


def _of_row(denoiser: Denoiser, x: Tensor, sigma: Tensor, count: int, seed: int) -> Tensor:
    """Return the largest eigenvalues at one row x (1, *shape), by the fastest way that is exact enough."""
    if isinstance(denoiser, MixtureDenoiser):
        return _of_mixture(denoiser, x, sigma, count)
    if count > x.numel() - 2 or x.numel() < 64:
        return _dense(denoiser, x, sigma)[:count]
    return _lanczos(denoiser, x, sigma, count, seed)


def _of_mixture(denoiser: MixtureDenoiser, x: Tensor, sigma: Tensor, count: int) -> Tensor:
    """Return eigenvalues of (σ² Cov_w / v + s² I) / v, v = σ² + s², from singular values of the weighted, centered points."""
    weights = denoiser.responsibilities(x, sigma)[0].double()
    centers = denoiser.centers.flatten(1).double()
    spread = weights.sqrt()[:, None] * (centers - weights @ centers)
    noise, own = float(sigma) ** 2, float(denoiser.std) ** 2
    squares = torch.zeros(centers.shape[1], dtype=torch.float64)
    variances = torch.linalg.svdvals(spread).square()
    squares[: len(variances)] = variances
    return ((noise * squares / (noise + own) + own) / (noise + own))[:count]


def _dense(denoiser: Denoiser, x: Tensor, sigma: Tensor) -> Tensor:
    """Return all eigenvalues of the symmetric part of the Jacobian at x (1, *shape), decreasing."""
    with torch.enable_grad():
        jacobian: Tensor = torch.autograd.functional.jacobian(  # type: ignore[no-untyped-call]
            lambda at: denoise(denoiser, at, sigma), x
        )
    matrix = jacobian.reshape(x.numel(), x.numel()).double()
    values: Tensor = torch.linalg.eigvalsh((matrix + matrix.T) / 2).flip(0)
    return values


def _lanczos(denoiser: Denoiser, x: Tensor, sigma: Tensor, count: int, seed: int) -> Tensor:
    """Return the `count` largest eigenvalues of the symmetric part of the Jacobian at x (1, *shape), decreasing."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    def at(point: Tensor) -> Tensor:
        return denoise(denoiser, point, sigma)

    def times(v: NDArray[np.float64]) -> NDArray[np.float64]:
        direction = torch.from_numpy(np.asarray(v, dtype=np.float64).reshape(tuple(x.shape))).to(x)
        # The product from the right takes a second derivative, which the fast attention kernels lack.
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            back: Tensor = torch.autograd.functional.vjp(at, x, direction)[1]  # type: ignore[no-untyped-call]
            along: Tensor = torch.autograd.functional.jvp(at, x, direction)[1]  # type: ignore[no-untyped-call]
        image: NDArray[np.float64] = ((back + along) / 2).flatten().double().cpu().numpy()
        return image

    size = x.numel()
    first = np.random.default_rng(seed).standard_normal(size)
    operator = LinearOperator((size, size), matvec=times, dtype=np.float64)
    values = eigsh(operator, k=count, which="LA", v0=first, return_eigenvectors=False)
    return torch.from_numpy(np.sort(values)[::-1].copy())
