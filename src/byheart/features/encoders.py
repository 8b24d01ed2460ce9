"""Encoders: functions from images to rows of features, with a name and a fingerprint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from byheart._checks import InputError, meant, unknown
from byheart.features.adapters import efficientnet_lite0, timm_model, torchscript, transformers_model
from byheart.features.convolutions import random_convolutions
from byheart.features.fingerprints import of_settings
from byheart.features.hashes import dhash, phash
from byheart.features.networks import FunctionEncoder, ModuleEncoder
from byheart.features.onnx import onnx_file
from byheart.features.pixels import LIMIT, downsampled, flatten, pixel_features
from byheart.features.preprocessing import Preprocessing, check_images
from byheart.features.whitened import whitened_pixels

__all__ = ["SPECS", "Encoder", "encoder"]

SPECS = (
    "pixels",
    "pixels:SIDE",
    "whitened",
    "whitened:COMPONENTS",
    "convolutions",
    "convolutions:SEED",
    "dhash",
    "dhash:mirrored",
    "phash",
    "phash:mirrored",
    "efficientnet-lite0",
    "timm:NAME?ckpt=PATH",
    "transformers:FOLDER",
    "FILE.pt",
    "FILE.onnx",
)
"""All that `encoder` takes by name."""

_FORMULAS = {"pixels", "whitened", "convolutions", "dhash", "phash"}  # take no preprocessing


@runtime_checkable
class Encoder(Protocol):
    """Images (b, c, h, w) in [0, 1] -> features (b, f) float32; row i depends only on image i.

    name: a text for people.  fingerprint: of all that determines the features, or None if that is unknown: then nothing is cached.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str | None: ...

    def __call__(self, images: Tensor, /) -> Tensor: ...


@dataclass(frozen=True)
class Formula:
    """An encoder without weights: its name is its definition."""

    name: str
    fingerprint: str
    formula: Callable[[Tensor], Tensor]

    def __call__(self, images: Tensor) -> Tensor:
        """Encode images (b, c, h, w) in [0, 1] as features (b, f).  Raises InputError for others."""
        check_images(images)
        return self.formula(images.float())


def encoder(spec: str | Path | Callable[[Tensor], Any], train: Tensor | None = None) -> Encoder:
    """Return the encoder for a word, a path or an object; nothing is downloaded.

    spec: one of `SPECS`, a network, a function, or an Encoder, which is returned unchanged.  Encoders from files take settings
    of the preprocessing behind a question mark: `net.pt?size=288&mean=0.485,0.456,0.406&std=0.229,0.224,0.225`.
    train: (n, c, h, w) in [0, 1], only for `whitened`, which is fitted to these images.
    Raises InputError for an unknown spec, settings that do not fit, and missing files; ImportError if an
    optional package is missing.
    """
    if not isinstance(spec, str | Path):
        return _of_object(spec)
    kind, argument, settings = _read(str(spec))
    if settings and kind in _FORMULAS:
        raise _unknown(str(spec), f"{kind} without settings")
    match kind, argument:
        case "pixels", "":
            return _formula(f"pixels (area, at most {LIMIT} values)", partial(pixel_features, limit=LIMIT))
        case "pixels", _:
            return _side(_number(spec, argument, 1))
        case "whitened", _:
            return _whitened(train, _number(spec, argument, 1) if argument else None)
        case "convolutions", _:
            return random_convolutions(_number(spec, argument, 0) if argument else 0)
        case "dhash" | "phash", "" | "mirrored":
            bits = partial(dhash if kind == "dhash" else phash, mirrored=bool(argument))
            return _formula(f"{kind} {argument}".strip() + " (64 bits, area)", bits)
        case "efficientnet-lite0", "":
            return efficientnet_lite0(_checked(settings))
        case "timm", name if name:
            return timm_model(name, _checked(settings, "ckpt"))
        case "transformers", folder if folder:
            return transformers_model(Path(folder), _checked(settings))
        case ".pt", path:
            return torchscript(Path(path), _checked(settings))
        case ".onnx", path:
            return onnx_file(Path(path), _checked(settings))
    raise _unknown(str(spec), "one of " + ", ".join(SPECS))


def _of_object(thing: Any) -> Encoder:
    if isinstance(thing, Encoder):
        return thing
    if isinstance(thing, nn.Module):
        return ModuleEncoder(thing)
    if callable(thing):
        return FunctionEncoder(thing)
    raise InputError(
        got=f"{type(thing).__name__} as an encoder",
        need="a name, a path, a network or a function",
        remedy="one of " + ", ".join(SPECS),
    )


def _read(spec: str) -> tuple[str, str, dict[str, str]]:
    """Split a spec into its kind, its argument and its settings; the kind of a file is its suffix."""
    whole, _, query = spec.partition("?")
    kind, _, argument = whole.partition(":")
    if kind not in ("timm", "transformers") and (suffix := Path(whole).suffix.lower()) in (".pt", ".onnx"):
        kind, argument = suffix, whole
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return kind, argument, {key: value for key, _, value in pairs}


def _checked(settings: Mapping[str, str], *more: str) -> Mapping[str, str]:
    """Return the settings after checking that all of them exist."""
    known = [*Preprocessing.model_fields, *more]
    for key in settings:
        if key not in known:
            raise unknown("an encoder with the setting", key, known, remedy="correct or remove it")
    return settings


def _unknown(spec: str, need: str) -> InputError:
    words = sorted({one.partition(":")[0] for one in SPECS if not one.startswith("FILE")})
    kind = spec.partition("?")[0].partition(":")[0]
    bare = Path(kind).suffix.lower() in (".pth", ".ckpt", ".safetensors", ".bin")
    weights = "weights alone are no network: timm:NAME?ckpt=PATH, or pass the network itself"
    remedy = weights if bare else meant(kind, words) + "correct the name"
    return InputError(got=f"the encoder {spec!r}", need=need, remedy=remedy)


def _number(spec: str | Path, argument: str, least: int) -> int:
    if not argument.isdecimal() or int(argument) < least:
        raise _unknown(str(spec), f"a whole number from {least} behind the colon")
    return int(argument)


def _formula(name: str, formula: Callable[[Tensor], Tensor]) -> Formula:
    return Formula(name, of_settings("formula", 1, name), formula)


def _side(side: int) -> Formula:
    return _formula(f"pixels {side}×{side} (area)", lambda images: flatten(downsampled(images, (side, side))))


def _whitened(train: Tensor | None, components: int | None) -> Encoder:
    if train is None:
        raise InputError(
            got="whitened without training images",
            need="the images that it is fitted on",
            remedy="pass encoder(…, train=images)",
        )
    return whitened_pixels(train, components)
