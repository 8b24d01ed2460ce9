"""Feature likelihood divergence written straight from its definition (2302.04440), with autograd and no thought of speed."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["fld"]


def fld(samples: Tensor, train: Tensor, heldout: Tensor, half: Tensor) -> tuple[float, float]:
    """FLD and its gap.  samples: (m, d), train: (n, d), heldout: (h, d).  half: an order (n,) of the training images."""
    mean, std = heldout.mean(0), heldout.std(0)
    samples, train, heldout = ((each - mean) / std for each in (samples, train, heldout))
    widths = fitted(samples, train)
    of_train, of_heldout = nll(train, samples, widths), nll(heldout, samples, widths)
    first = train[half[: min(len(samples), len(train) // 2)]]
    rest = train[half[min(len(samples), len(train) // 2) :]]
    base = nll(heldout, first, fitted(first, rest))
    return 100 * (of_heldout - base), 100 * (of_train - of_heldout)


def fitted(centers: Tensor, x: Tensor) -> Tensor:
    squared = torch.cdist(x, centers) ** 2
    log_var = ((squared.min(0).values + 1e-3) / x.shape[1]).log().requires_grad_()
    origin = torch.zeros((), dtype=x.dtype, requires_grad=True)
    from_mean = 0.81 * torch.cdist(x, x.mean(0, keepdim=True)) ** 2
    adam = torch.optim.Adam([log_var, origin], lr=0.5)
    losses: list[float] = []
    for epoch in range(50):
        adam.zero_grad()
        logs = torch.cat(
            [
                gaussians(squared, log_var, x.shape[1]) - math.log(len(centers)),
                gaussians(from_mean, origin, x.shape[1]),
            ],
            1,
        )
        loss = -logs.logsumexp(1).mean() / x.shape[1]
        loss.backward()
        adam.step()
        log_var.data.clamp_(-40, 40)
        losses.append(loss.item())
        if epoch > 5 and max(abs(losses[-1] - each) for each in losses[-5:]) < 5e-4:
            break
    return log_var.detach()


def gaussians(squared: Tensor, log_var: Tensor, d: int) -> Tensor:
    return -squared / 2 / log_var.exp() - d / 2 * log_var - d / 2 * math.log(2 * math.pi)


@torch.no_grad()
def nll(x: Tensor, centers: Tensor, log_var: Tensor) -> float:
    logs = gaussians(torch.cdist(x, centers) ** 2, log_var, x.shape[1]) - math.log(len(centers))
    return float(-logs.logsumexp(1).mean() / x.shape[1])
