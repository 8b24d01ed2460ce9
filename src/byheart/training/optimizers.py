"""Optimizers that update in one pass over memory, 3 to 6 times faster on a CPU than a loop over operations."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import unwrap
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from byheart.training.spec import Training

__all__ = ["FusedAdam", "optimizer"]


class FusedAdam(Optimizer):
    """Adam (1412.6980), equal to the bit to `torch.optim.Adam(fused=True)`, without its bookkeeping of options.

    Without that bookkeeping a step of a network of half a million weights is 10 % shorter.  All weights are on one device.
    """

    def __init__(
        self,
        weights: Iterable[nn.Parameter],
        lr: float,
        betas: tuple[float, float],
        weight_decay: float = 0.0,
    ) -> None:
        # `fused` is read by load_state_dict: without it the counts of steps stay on the CPU when a GPU's run resumes.
        settings = {"lr": lr, "betas": betas, "eps": 1e-8, "weight_decay": weight_decay, "fused": True}
        super().__init__(weights, settings)

    # torch guards these four from its compiler by importing it, which takes as long as all of torch.
    add_param_group = unwrap(Optimizer.add_param_group)
    zero_grad = unwrap(Optimizer.zero_grad)
    state_dict = unwrap(Optimizer.state_dict)
    load_state_dict = unwrap(Optimizer.load_state_dict)

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Update every weight that has a gradient."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            states = [self.state[weight] or self._begin(weight) for weight in weights]
            steps = [state["step"] for state in states]
            torch._foreach_add_(steps, 1)
            torch._fused_adam_(
                weights,
                [weight.grad for weight in weights],
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                steps,
                lr=group["lr"],
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )

    def _begin(self, weight: Tensor) -> dict[str, Any]:
        step = torch.zeros((), dtype=torch.float32, device=weight.device)
        moments = {"exp_avg": torch.zeros_like(weight), "exp_avg_sq": torch.zeros_like(weight)}
        self.state[weight] = fresh = {"step": step, **moments}
        return fresh


def optimizer(model: nn.Module, spec: Training) -> Optimizer:
    """Return a fresh optimizer over the model's weights."""
    if spec.optimizer == "sgd":
        return SGD(
            model.parameters(), spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay, fused=True
        )
    return FusedAdam(model.parameters(), spec.lr, spec.betas, spec.weight_decay)
