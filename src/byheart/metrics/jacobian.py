"""Eigenvalues of a denoiser's Jacobian ∂D/∂x: the directions that it lets through, and how much of each.

Near 1 a direction is kept, near 0 it is denoised away; their number above ½ is the local dimension of what was learned.  For
a posterior mean ∂D/∂x = Cov(x₀ | x)/σ², symmetric and nonnegative; for a Gaussian population all are below 1.  The empirical
denoiser has eigenvalues above 1 where it hesitates between points, and none at all where it has chosen: both are signs of a
memorizing model.

Exact for a mixture of points; for anything else Lanczos (scipy) on the symmetric part of the Jacobian.
Reference: Kadkhodaie et al., ICLR 2024; Ventura, Achilli et al. 2024.
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
    """The largest eigenvalues of the symmetric part of ∂D/∂x at every row: (b, count) float64, decreasing.

    x: (b, *shape).  sigma: () or (b,), positive.  count: None is all d of them, which are computed densely.
    seed: of Lanczos' first vector.  Raises InputError for a count outside 1 … d, or x that is not finite.
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
    """Count the eigenvalues above `height`, of every row: (b,).  eigenvalues: (b, m).  Raises InputError for NaN or infinity."""
    check_finite("eigenvalues", eigenvalues)
    return (eigenvalues > height).sum(1)


def _of_row(denoiser: Denoiser, x: Tensor, sigma: Tensor, count: int, seed: int) -> Tensor:
    if isinstance(denoiser, MixtureDenoiser):
        return _of_mixture(denoiser, x, sigma, count)
    if count > x.numel() - 2 or x.numel() < 64:
        return _dense(denoiser, x, sigma)[:count]
    return _lanczos(denoiser, x, sigma, count, seed)


def _of_mixture(denoiser: MixtureDenoiser, x: Tensor, sigma: Tensor, count: int) -> Tensor:
    """Of (σ² Cov_w / v + s² I) / v with v = σ² + s²: singular values of the weighted, centered points."""
    weights = denoiser.responsibilities(x, sigma)[0].double()
    centers = denoiser.centers.flatten(1).double()
    spread = weights.sqrt()[:, None] * (centers - weights @ centers)
    noise, own = float(sigma) ** 2, float(denoiser.std) ** 2
    squares = torch.zeros(centers.shape[1], dtype=torch.float64)
    found = torch.linalg.svdvals(spread).square()
    squares[: len(found)] = found
    return ((noise * squares / (noise + own) + own) / (noise + own))[:count]


def _dense(denoiser: Denoiser, x: Tensor, sigma: Tensor) -> Tensor:
    with torch.enable_grad():
        jacobian: Tensor = torch.autograd.functional.jacobian(  # type: ignore[no-untyped-call]
            lambda at: denoise(denoiser, at, sigma), x
        )
    matrix = jacobian.reshape(x.numel(), x.numel()).double()
    found: Tensor = torch.linalg.eigvalsh((matrix + matrix.T) / 2).flip(0)
    return found


def _lanczos(denoiser: Denoiser, x: Tensor, sigma: Tensor, count: int, seed: int) -> Tensor:
    from scipy.sparse.linalg import LinearOperator, eigsh

    def at(point: Tensor) -> Tensor:
        return denoise(denoiser, point, sigma)

    def times(v: NDArray[np.float64]) -> NDArray[np.float64]:
        direction = torch.from_numpy(np.asarray(v, dtype=np.float64).reshape(tuple(x.shape))).to(x)
        # The fast attention kernels have no second derivative, which the product from the right takes.
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            back: Tensor = torch.autograd.functional.vjp(at, x, direction)[1]  # type: ignore[no-untyped-call]
            along: Tensor = torch.autograd.functional.jvp(at, x, direction)[1]  # type: ignore[no-untyped-call]
        image: NDArray[np.float64] = ((back + along) / 2).flatten().double().cpu().numpy()
        return image

    size = x.numel()
    first = np.random.default_rng(seed).standard_normal(size)
    operator = LinearOperator((size, size), matvec=times, dtype=np.float64)
    found = eigsh(operator, k=count, which="LA", v0=first, return_eigenvectors=False)
    return torch.from_numpy(np.sort(found)[::-1].copy())
