"""Adapters that turn a network into a denoiser D(x, σ).

Preconditioned (2206.00364, eq. 7), for data of RMS 1 and with c = log(σ)/2:

    D = x/(1 + σ²) + σ/√(1 + σ²) · network( x/√(1 + σ²), c )

ProcessModel, for a network on x_t = α x₀ + σ_t ε of a process (level σ = σ_t/α, so that x_t = α x):

    predicts    output                 D
    -----------------------------------------------------------------
    eps         ε                      x − σ ε
    x0          x₀                     x₀
    v           α ε − σ_t x₀           (x − σ v/α) / (1 + σ²)
    score       −ε / σ_t               x + σ σ_t · score
    flow        ε − x₀                 (x − σ flow) / (1 + σ)

(v: 2202.00512, in α² + σ_t² = 1 and, divided by α² + σ_t², in any process.  flow: 2209.03003.)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from byheart.denoisers.base import per_row
from byheart.models.spec import Predicts
from byheart.noise.process import Process

__all__ = ["Preconditioned", "ProcessModel"]


class Preconditioned(nn.Module):
    """The denoiser of a network that sees samples of unit variance and c = log(σ)/2.

    network: (x (b, *shape), c (b,) or (1,)) -> (b, *shape).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return D(x, σ).  x: (b, *shape).  sigma: () or (b,), positive.  Returns (b, *shape)."""
        sigma = sigma.to(x)
        level = per_row(sigma, x)
        scale = (level.square() + 1).rsqrt()  # √c_skip = c_in
        answer = self.network(x * scale, sigma.reshape(-1).log() / 2)
        return torch.addcmul(scale.square() * x, scale * level, answer)


class ProcessModel(nn.Module):
    """The denoiser of a network that sees x_t and t of a process.

    network: (x_t (b, *shape), t (b,)) -> (b, *shape).  predicts: the meaning of the network's output.
    Levels between the indices of a discrete process have times between the indices; wrap a network that needs whole times.
    """

    def __init__(
        self, network: Callable[[Tensor, Tensor], Tensor], process: Process, predicts: Predicts = "eps"
    ) -> None:
        super().__init__()
        self.network, self.process, self.predicts = network, process, predicts

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return D(x, σ).  x: (b, *shape).  sigma: () or (b,), within the process.  Returns (b, *shape)."""
        level = per_row(sigma, x)
        t = self.process.time(level)
        alpha, sigma_t, level = self.process.alpha(t).to(x), self.process.sigma(t).to(x), level.to(x)
        answer = self.network(alpha * x, t.reshape(-1).to(x).expand(len(x)))
        match self.predicts:
            case "eps":
                return x - level * answer
            case "x0":
                return answer
            case "v":
                return (x - level / alpha * answer) / (1 + level.square())
            case "score":
                return x + level * sigma_t * answer
            case "flow":
                return (x - level * answer) / (1 + level)
