"""The Fréchet distance of `moments.frechet_distance` by symmetric eigenvalues: a third of the time.

With Cholesky factors A = FFᵀ and B = GGᵀ, tr (A^½ B A^½)^½ is the sum of the roots of the eigenvalues of FᵀB F.  A root
turns an error of 10⁻¹⁶ in a small eigenvalue into 10⁻⁸, so this form is for covariances that are well conditioned; all
others (fewer rows than dimensions, pixels that never vary) go the slower way by singular values.
"""

from __future__ import annotations

import torch

from byheart.numerics.moments import Moments, frechet_distance

__all__ = ["quick_frechet"]

_CONDITION = 1e-8  # smallest eigenvalue over the largest: an error of 10⁻¹² of the largest root at most


@torch.no_grad()
def quick_frechet(a: Moments, b: Moments) -> float:
    """`frechet_distance` to 10⁻⁹ of the traces.  Raises InputError if they differ in d or have a single row."""
    if a.mean.shape != b.mean.shape:
        return frechet_distance(a, b)  # says what is wrong
    first, second = a.covariance, b.covariance
    # Where this fails, a pivot is zero but for rounding: the triangle is singular, and the next question finds it out.
    factor = torch.linalg.cholesky_ex(first).L
    values = torch.linalg.eigvalsh(factor.T @ second @ factor)
    if not float(values[0]) > _CONDITION * float(values[-1]):
        return frechet_distance(a, b)
    spread = first.trace() + second.trace() - 2 * values.sqrt().sum()
    return max(0.0, float((a.mean - b.mean).square().sum() + spread))
