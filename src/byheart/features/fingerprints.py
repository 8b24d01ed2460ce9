"""Fingerprints of encoders: SHA-256 over all that determines their features, so that a cache never mixes two encoders."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from byheart._checks import InputError
from byheart.data.dataset import fingerprint

__all__ = ["content", "of_files", "of_module", "of_settings"]


def content(x: Tensor) -> str:
    """Compute the fingerprint of a tensor's values: dtype, shape and bytes, on any device."""
    plain = x.detach().cpu()
    return fingerprint((plain.float() if plain.dtype == torch.bfloat16 else plain).numpy())  # numpy has none


def of_settings(*parts: str | int | float | None) -> str:
    """Compute the fingerprint of settings in their order."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def of_files(files: Iterable[Path]) -> str:
    """Compute the fingerprint of files: their names and their bytes, in the given order.

    Raises InputError for a missing file.
    """
    digest = hashlib.sha256()
    for file in files:
        if not file.is_file():
            raise InputError(
                got=f"{file}, which is no file",
                need="the weights on this machine: nothing is downloaded",
                remedy="check the path",
            )
        with file.open("rb") as stream:
            digest.update(f"{file.name}:{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def of_module(module: nn.Module) -> str:
    """Compute the fingerprint of a network: its layers as printed, its weights and buffers, but not the code of `forward`."""
    digest = hashlib.sha256(f"{type(module).__qualname__}\n{module!r}".encode())
    for name, value in module.state_dict().items():
        seen = (
            content(value) if isinstance(value, Tensor) else repr(value)
        )  # quantized layers keep more than tensors
        digest.update(f"{name}:{seen}\n".encode())
    return digest.hexdigest()
