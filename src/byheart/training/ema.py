"""The moving average of the weights, with a horizon that grows with the training so far.

At every step k that is a multiple of `every`:  average += every / (horizon·k + every) · (weights − average).
The weights of the last `horizon` share of the training count (power-law averaging: 2312.02696, section 3.1).
"""

from __future__ import annotations

import copy

import torch
from torch import nn

__all__ = ["EMA"]


class EMA:
    """The moving average of a model, which is the model to evaluate.

    model: its current weights start the average.  horizon: share of the training so far; 0 follows the weights
    themselves at every step.  every: steps between updates.
    """

    def __init__(self, model: nn.Module, horizon: float = 0.1, every: int = 8) -> None:
        self.horizon, self.every = horizon, every
        # Without averaging the copy shares its tensors with the model; only its mode is its own.
        tensors = [*model.parameters(), *model.buffers()]
        shared = {} if horizon else {id(tensor): tensor for tensor in tensors}
        self.model = copy.deepcopy(model, shared).eval().requires_grad_(not horizon)

    @torch.no_grad()
    def update(self, step: int, model: nn.Module) -> None:
        """Include the weights after `step` steps; call this at every step, and it acts at the multiples of `every`."""
        if not self.horizon or step % self.every:
            return
        rate = self.every / (self.horizon * step + self.every)
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), rate)
        for average, buffer in zip(self.model.buffers(), model.buffers(), strict=True):
            average.copy_(buffer)
