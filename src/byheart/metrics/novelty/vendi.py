"""Vendi score: the effective number of different samples (Friedman & Dieng 2023, 2210.02410; orders: 2310.12952).

With the cosines K of n samples and the eigenvalues λ of K/n, which sum to 1,

    VS_q = (Σ λᵢ^q)^(1/(1−q)),    VS_1 = exp(−Σ λᵢ log λᵢ),    VS_∞ = 1 / max λᵢ,

from 1 (all samples point one way) to n (all are orthogonal).  The score counts differences, not quality, and grows with n:
compare equally many samples.  K = XXᵀ and the Gram matrix XᵀX of the unit rows X (n, d) have the same nonzero
eigenvalues, so the smaller of the two is enough.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite, check_shape

__all__ = ["vendi_score"]

_CHUNK = 4096  # rows converted to float64 at a time


@torch.no_grad()
def vendi_score(samples: Tensor, *, q: float = 1.0) -> float:
    """Compute VS_q of samples (n, *shape) from their cosines, between 1 and n.

    q: order, ≥ 1; q = ∞ counts by the largest eigenvalue alone.
    A row of zeros has cosine 1 with rows of zeros and 0 with all other rows.
    Raises InputError for no samples, NaN or infinity, or q < 1.
    """
    check_shape(
        "samples", samples, "sample", "(n, *shape)", floats=False, remedy="pass features of one sample a row"
    )
    if not q >= 1:
        raise InputError(
            got=f"q = {q}", need="an order q >= 1, infinity included", remedy="keep the default, 1"
        )
    check_finite("samples", samples)
    return _effective_number(_spectrum(samples.flatten(1)), q)


def _spectrum(x: Tensor) -> Tensor:
    """Compute the eigenvalues of K/n, without some zeros: float64, each ≥ 0, with sum 1."""
    n, d = x.shape
    blank = int((x == 0).all(1).sum())
    if n <= d:
        unit = _unit(x)
        gram = unit @ unit.T
    else:
        gram = torch.zeros(d, d, dtype=torch.float64, device=x.device)
        for part in torch.split(x, _CHUNK):
            unit = _unit(part)
            gram.addmm_(unit.T, unit)
    values = torch.linalg.eigvalsh(gram / n).clamp_min(0)
    values = torch.cat([values, values.new_tensor([blank / n])])  # blank rows form a direction of their own
    return values / values.sum()


def _unit(x: Tensor) -> Tensor:
    """Scale rows to length 1 in float64; rows of zeros stay."""
    rows = x.double()
    norm = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    if not bool(
        ((norm > 1e-100) & (norm < 1e100)).all()
    ):  # the squares of tiny and huge rows underflow and overflow
        largest = rows.abs().amax(1, keepdim=True)
        rows = rows / torch.where(largest > 0, largest, 1.0)
        norm = torch.linalg.vector_norm(rows, dim=1, keepdim=True).clamp_min(1.0)
    unit: Tensor = rows / norm
    return unit


def _effective_number(values: Tensor, q: float) -> float:
    if q == 1:
        return math.exp(float(torch.special.entr(values).sum()))
    if q == math.inf:
        return 1 / float(values.max())
    return math.exp(float(values.pow(q).sum().log()) / (1 - q))
