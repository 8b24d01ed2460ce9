"""Noising processes, and the one frame (x, σ) that all processes share.

A process makes x_t = α_t x₀ + σ_t ε from data x₀ and noise ε ~ N(0, I).  Divided by α_t it becomes

    x = x_t / α_t = x₀ + σε,      σ = σ_t / α_t   (the level),

and everything outside this room knows x and σ only.  Time occurs only in this room, in the adapter of networks that expect
(x_t, t), and in formulas quoted from a paper.

    process     α_t                 σ_t             t                   level σ                 source
    ----------------------------------------------------------------------------------------------------------
    VP          e^(−B/2)            √(1 − e^(−B))   [0, 1]              √(e^B − 1)              2011.13456, eq. 11
    OU          e^(−t)              √(1 − e^(−2t))  [0, 9.21]           √(e^(2t) − 1)           2505.17638, S3
    DDPM        √ᾱ_t                √(1 − ᾱ_t)      0, 1, …, steps − 1  √((1 − ᾱ_t) / ᾱ_t)      2006.11239, eq. 4
    VE          1                   t               [0, sigma_max]      t                       2206.00364, table 1
    Flow        1 − t               t               [0, 1]              t / (1 − t)             2209.03003
    S1Process   √(1 − t²)           t               [0, 1]              t / √(1 − t²)           2508.17689, S1
    S2VE        1                   √(k²ᵗ − 1)/√(2 log k)  [0, 1]       σ_t                     2501.15785, S2, k = 10

VP: B(t) = β_min t + ½ t² (β_max − β_min).  OU: B = 2t.  DDPM: B = −log ᾱ, piecewise linear between its indices.
S2's other process is VP(beta_min=0.001, beta_max=3), called S2_VP.
Where α_t reaches 0 the level would be infinite: levels are capped at SIGMA_MAX, in both directions.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from byheart._records import Spec
from byheart.noise.base import SIGMA_MAX, Process, checked_level, checked_time, ordered

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "DDPM",
    "OU",
    "S2VE",
    "S2_VP",
    "SIGMA_MAX",
    "VE",
    "VP",
    "AnyProcess",
    "Flow",
    "Process",
    "S1Process",
]


class _VariancePreserving(Spec):
    """Base of the processes with α² + σ² = 1.

    B(t) = −log α² determines such a process: α = e^(−B/2), σ² = 1 − e^(−B), level² = e^B − 1.
    """

    discrete: ClassVar[bool] = False

    @property
    def t_min(self) -> float:
        """Return 0, the time of the data."""
        return 0.0

    @property
    @abstractmethod
    def t_max(self) -> float:
        """Return the time of the most noise."""

    @abstractmethod
    def _exponent(self, t: Tensor) -> Tensor:
        """Return B(t), increasing."""

    @abstractmethod
    def _inverse(self, exponent: Tensor) -> Tensor:
        """Return the t with B(t) = exponent."""

    def alpha(self, t: Tensor | float) -> Tensor:
        """Return α_t."""
        return (-self._exponent(checked_time(t, self)) / 2).exp()

    def sigma(self, t: Tensor | float) -> Tensor:
        """Return σ_t."""
        return (-(-self._exponent(checked_time(t, self))).expm1()).sqrt()

    def level(self, t: Tensor | float) -> Tensor:
        """Return σ_t / α_t, at most SIGMA_MAX."""
        return self._exponent(checked_time(t, self)).expm1().sqrt().clamp(max=SIGMA_MAX)

    def time(self, level: Tensor | float) -> Tensor:
        """Return the time of a level, clamped into [t_min, t_max]."""
        return self._inverse(checked_level(level).square().log1p()).clamp(self.t_min, self.t_max)


class VP(_VariancePreserving):
    """The variance-preserving process with a rate β(t) linear in t ∈ [0, 1] (Song et al. 2021, eq. 11 and 32).

    The defaults are those of Song et al.; S2 uses beta_min=0.001, beta_max=3.
    """

    kind: Literal["vp"] = "vp"
    beta_min: float = Field(default=0.1, gt=0)
    beta_max: float = Field(default=20.0, gt=0)

    @model_validator(mode="after")
    def _increasing(self) -> VP:
        return ordered(self, "beta_min", "beta_max")

    @property
    def t_max(self) -> float:
        """Return 1."""
        return 1.0

    def _exponent(self, t: Tensor) -> Tensor:
        return t * (self.beta_min + t * (self.beta_max - self.beta_min) / 2)

    def _inverse(self, exponent: Tensor) -> Tensor:
        # This form of the quadratic's root does not cancel at small t, and holds for a constant rate.
        slope = self.beta_max - self.beta_min
        return 2 * exponent / (self.beta_min + (self.beta_min**2 + 2 * slope * exponent).sqrt())


class OU(_VariancePreserving):
    """The Ornstein–Uhlenbeck process dx = −x dt + √2 dW of S3's theory: t = ½ log(1 + σ²)."""

    kind: Literal["ou"] = "ou"

    @property
    def t_max(self) -> float:
        """Return ½ log(1 + SIGMA_MAX²), where the level reaches its cap; the process itself has no end."""
        return math.log1p(SIGMA_MAX**2) / 2

    def _exponent(self, t: Tensor) -> Tensor:
        return 2 * t

    def _inverse(self, exponent: Tensor) -> Tensor:
        return exponent / 2


class DDPM(_VariancePreserving):
    """The discrete process of Ho et al. 2020 with rates β linear in the index; the defaults are those of Ho et al. and S3.

    t is the 0-based index, and ᾱ_0 = 1 − beta_start, so index 0 has noise already, at level 0.01.
    Levels below that level have time 0.  Between indices −log ᾱ is linear in t.
    """

    discrete: ClassVar[bool] = True

    kind: Literal["ddpm"] = "ddpm"
    steps: int = Field(default=1000, ge=2)
    beta_start: float = Field(default=1e-4, gt=0, lt=1)
    beta_end: float = Field(default=0.02, gt=0, lt=1)

    @model_validator(mode="after")
    def _increasing(self) -> DDPM:
        return ordered(self, "beta_start", "beta_end")

    @property
    def t_max(self) -> float:
        """Return the last index, steps − 1."""
        return float(self.steps - 1)

    def _exponent(self, t: Tensor) -> Tensor:
        table = _ddpm_exponents(self.steps, self.beta_start, self.beta_end).to(t.device)
        below = t.floor().long().clamp(max=self.steps - 2)
        return table[below].lerp(table[below + 1], t - below)

    def _inverse(self, exponent: Tensor) -> Tensor:
        import torch

        table = _ddpm_exponents(self.steps, self.beta_start, self.beta_end).to(exponent.device)
        above = torch.searchsorted(table, exponent).clamp(1, self.steps - 1)
        low, high = table[above - 1], table[above]
        return above - 1 + (exponent - low) / (high - low)


@lru_cache(maxsize=8)
def _ddpm_exponents(steps: int, beta_start: float, beta_end: float) -> Tensor:
    import torch

    betas = torch.linspace(beta_start, beta_end, steps, dtype=torch.float64)
    return -(-betas).log1p().cumsum(0)


class VE(Spec):
    """The variance-exploding process in the time of Karras et al. 2022: t is the level itself."""

    discrete: ClassVar[bool] = False

    kind: Literal["ve"] = "ve"
    sigma_max: float = Field(default=80.0, gt=0, le=SIGMA_MAX)

    @property
    def t_min(self) -> float:
        """Return 0, the time of the data."""
        return 0.0

    @property
    def t_max(self) -> float:
        """Return sigma_max."""
        return self.sigma_max

    def alpha(self, t: Tensor | float) -> Tensor:
        """Return 1."""
        return checked_time(t, self).pow(0)

    def sigma(self, t: Tensor | float) -> Tensor:
        """Return t."""
        return checked_time(t, self)

    def level(self, t: Tensor | float) -> Tensor:
        """Return t."""
        return checked_time(t, self)

    def time(self, level: Tensor | float) -> Tensor:
        """Return the level, at most sigma_max."""
        return checked_level(level).clamp(max=self.sigma_max)


class Flow(Spec):
    """Linear interpolation between data (t = 0) and noise (t = 1): rectified flow, flow matching."""

    discrete: ClassVar[bool] = False

    kind: Literal["flow"] = "flow"

    @property
    def t_min(self) -> float:
        """Return 0, the time of the data."""
        return 0.0

    @property
    def t_max(self) -> float:
        """Return 1, the time of pure noise, whose level is capped."""
        return 1.0

    def alpha(self, t: Tensor | float) -> Tensor:
        """Return 1 − t."""
        return 1 - checked_time(t, self)

    def sigma(self, t: Tensor | float) -> Tensor:
        """Return t."""
        return checked_time(t, self)

    def level(self, t: Tensor | float) -> Tensor:
        """Return t / (1 − t), at most SIGMA_MAX."""
        time = checked_time(t, self)
        return (time / (1 - time)).clamp(max=SIGMA_MAX)

    def time(self, level: Tensor | float) -> Tensor:
        """Return σ / (1 + σ)."""
        sigma = checked_level(level)
        return sigma / (1 + sigma)


class S1Process(Spec):
    """The variance-preserving process of S1, in its own time: α = √(1 − t²), σ = t on t ∈ [0, 1]."""

    discrete: ClassVar[bool] = False

    kind: Literal["s1"] = "s1"

    @property
    def t_min(self) -> float:
        """Return 0, the time of the data."""
        return 0.0

    @property
    def t_max(self) -> float:
        """Return 1, the time of pure noise, whose level is capped."""
        return 1.0

    def alpha(self, t: Tensor | float) -> Tensor:
        """Return √(1 − t²)."""
        time = checked_time(t, self)
        return ((1 - time) * (1 + time)).sqrt()

    def sigma(self, t: Tensor | float) -> Tensor:
        """Return t."""
        return checked_time(t, self)

    def level(self, t: Tensor | float) -> Tensor:
        """Return t / √(1 − t²), at most SIGMA_MAX."""
        return (self.sigma(t) / self.alpha(t)).clamp(max=SIGMA_MAX)

    def time(self, level: Tensor | float) -> Tensor:
        """Return σ / √(1 + σ²)."""
        sigma = checked_level(level)
        return sigma / (1 + sigma.square()).sqrt()


class S2VE(Spec):
    """The variance-exploding process of S2: dx = √(base^t) dW on t ∈ [0, 1], so that σ_t² = (base^(2t) − 1) / (2 log base).

    S2's code writes the diffusion as √g with g = base^(2t); with base 10 the largest level is 4.637.
    """

    discrete: ClassVar[bool] = False

    kind: Literal["s2_ve"] = "s2_ve"
    base: float = Field(default=10.0, gt=1)

    @property
    def t_min(self) -> float:
        """Return 0, the time of the data."""
        return 0.0

    @property
    def t_max(self) -> float:
        """Return 1."""
        return 1.0

    def alpha(self, t: Tensor | float) -> Tensor:
        """Return 1."""
        return checked_time(t, self).pow(0)

    def sigma(self, t: Tensor | float) -> Tensor:
        """Return √((base^(2t) − 1) / (2 log base))."""
        rate = 2 * math.log(self.base)
        return ((rate * checked_time(t, self)).expm1() / rate).sqrt()

    def level(self, t: Tensor | float) -> Tensor:
        """Return σ_t."""
        return self.sigma(t)

    def time(self, level: Tensor | float) -> Tensor:
        """Return log(1 + 2 log(base) σ²) / (2 log base), at most 1."""
        rate = 2 * math.log(self.base)
        return ((rate * checked_level(level).square()).log1p() / rate).clamp(max=1.0)


AnyProcess = Annotated[VP | OU | VE | Flow | DDPM | S1Process | S2VE, Field(discriminator="kind")]
"""Any process, as a field of a specification."""


S2_VP = VP(beta_min=0.001, beta_max=3.0)
"""The variance-preserving process of S2, which ends at α = 0.472, far from pure noise."""
