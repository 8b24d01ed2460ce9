"""Frozen specifications -> a trainable denoiser on its device."""

from __future__ import annotations

import torch
from torch import nn

from byheart._checks import InputError
from byheart.models.adapt import Preconditioned, ProcessModel
from byheart.models.layers import Sees
from byheart.models.mlp import MLP
from byheart.models.spec import EDM, AnyModel, AnyParametrization, MLPSpec, OnProcess
from byheart.models.unet import UNet
from byheart.random import generator

__all__ = ["device", "network"]


def network(
    model: AnyModel, parametrization: AnyParametrization, shape: tuple[int, ...], seed: int
) -> nn.Module:
    """Make a denoiser with fresh weights.

    shape: shape of a sample, (c, h, w) or (d,).  seed: Random seed of the weights; the same seed gives the same bits.
    Raises InputError if the network cannot take that shape.
    """
    draws, sees = generator(seed), _sees(parametrization)
    body: nn.Module
    if isinstance(model, MLPSpec):
        body = MLP(shape, model, draws, sees=sees)
    else:
        body = UNet(shape, model, draws, sees=sees)
    if isinstance(parametrization, EDM):
        return Preconditioned(body)
    return ProcessModel(body, parametrization.process, parametrization.predicts)


def _sees(parametrization: AnyParametrization) -> Sees:
    # A discrete process counts its times; every other noise coordinate is of order 1.
    return "index" if isinstance(parametrization, OnProcess) and parametrization.process.discrete else "level"


def device(name: str) -> torch.device:
    """Return the device for `auto` (CUDA if available), `cpu`, or `cuda`.  Raises InputError for a device that this machine lacks."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cpu" or (name == "cuda" and torch.cuda.is_available()):
        return torch.device(name)
    raise InputError(
        got=f"device {name!r}",
        need="auto, cpu"
        + (" or cuda" if torch.cuda.is_available() else " (this machine has no CUDA device)"),
        remedy="choose one of them, or leave --device out",
    )
