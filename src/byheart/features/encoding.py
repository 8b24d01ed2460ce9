"""Encoding images in batches, with a cache by content and encoder.

A cache file is named by both fingerprints and holds the features as safetensors, with their own checksum.  The file is written under
another name and then renamed, so half a file is never read; a file that was damaged later is recognized by its checksum and computed again.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart._records import write_atomic
from byheart.features.encoders import Encoder
from byheart.features.fingerprints import content
from byheart.features.preprocessing import check_images

__all__ = ["CacheWarning", "encode"]

_FORMAT = "byheart.features/1"
_NAMED = (
    20  # hexadecimal digits of each fingerprint in a file's name; the complete fingerprints stand in the file
)


class CacheWarning(RuntimeWarning):
    """A file of cached features could not be used and was computed again."""


def encode(images: Tensor, encoder: Encoder, *, batch: int = 256, cache: Path | None = None) -> Tensor:
    """Compute features (n, f), float32 on the CPU, of images (n, c, h, w) in [0, 1].

    batch: images per batch; the features depend on the batch size only by rounding.  cache: a folder for the features, made
    if needed; None for no cache.
    Raises InputError for images that do not fit, features that are not finite, and a cache for an encoder without a fingerprint.
    """
    if images.ndim != 4 or not len(images) or batch < 1:
        raise InputError(
            got=f"images of shape {tuple(images.shape)} in batches of {batch}",
            need="(n, c, h, w) with n ≥ 1, and at least one image a batch",
            remedy="add the axes that are missing, e.g. images[:, None] for grey",
        )
    if cache is None:
        return _computed(images, encoder, batch)
    identity = _identity(images, encoder, cache)
    path = cache / f"{identity['images'][:_NAMED]}-{identity['encoder'][:_NAMED]}.safetensors"
    kept = _kept(path, identity)
    if kept is None:
        kept = _computed(images, encoder, batch)
        write_atomic(path, safetensors.torch.save({"features": kept}, _described(kept, identity, encoder)))
    return kept


def _computed(images: Tensor, encoder: Encoder, batch: int) -> Tensor:
    """Compute the features into one table, batch by batch."""
    starts = range(0, len(images), batch)
    first = _rows(images[:batch], encoder, None)
    table = torch.empty(len(images), first.shape[1], dtype=first.dtype)
    table[:batch] = first
    for start in starts[1:]:
        table[start : start + batch] = _rows(images[start : start + batch], encoder, first.shape[1])
    return table


def _rows(images: Tensor, encoder: Encoder, width: int | None) -> Tensor:
    """Compute and check the features (b, f) of one batch.  width: the expected f, if known."""
    check_images(images)
    found = encoder(images)
    fits = found.ndim == 2 and len(found) == len(images) and width in (None, found.shape[1])
    if not fits or found.dtype != torch.float32:
        raise InputError(
            got=f"features of shape {tuple(found.shape)} and type {found.dtype} from {encoder.name}",
            need=f"({len(images)}, {width or 'f'}) in float32",
            remedy="return one row an image, with one f for all images",
        )
    check_finite(f"features from {encoder.name}", found)
    return found


def _identity(images: Tensor, encoder: Encoder, cache: Path) -> dict[str, str]:
    """Return the fingerprints of the images and of the encoder."""
    fingerprint = encoder.fingerprint
    if fingerprint is None or (cache.exists() and not cache.is_dir()):
        raise InputError(
            got=f"the cache {cache} for {encoder.name}" + (", which is no folder" if fingerprint else ""),
            need="a folder, and an encoder with a fingerprint",
            remedy="leave the cache out, or give the encoder the attributes `name` and `fingerprint`",
        )
    return {"images": content(images), "encoder": fingerprint}


def _described(features: Tensor, identity: dict[str, str], encoder: Encoder) -> dict[str, str]:
    return {"format": _FORMAT, **identity, "name": encoder.name, "checksum": content(features)}


def _kept(path: Path, identity: dict[str, str]) -> Tensor | None:
    """Read the features in a file; None if the file is missing or damaged, with a warning if it is damaged."""
    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            said: dict[str, str] = file.metadata() or {}
            features: Tensor = file.get_tensor("features")
    except (safetensors.SafetensorError, OSError, json.JSONDecodeError) as error:
        reason = str(error)
    else:
        wanted = {"format": _FORMAT, **identity, "checksum": content(features)}
        if wanted.items() <= said.items():
            return features
        reason = "its content does not agree with its checksum"
    warnings.warn(f"{path} is damaged and is made anew: {reason}", CacheWarning, stacklevel=3)
    return None
