"""An ONNX file as an encoder, through onnxruntime on the CPU.

The file states its input: floats (b, c, h, w), or bytes (b, h, w, c) of images that the network normalizes itself.  If the file
fixes the number of images, the last batch is padded.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from byheart._checks import InputError, extra_missing
from byheart.features.fingerprints import of_files
from byheart.features.networks import NetworkEncoder
from byheart.features.preprocessing import Preprocessing

__all__ = ["onnx_file"]


def onnx_file(path: Path, settings: Mapping[str, Any]) -> NetworkEncoder:
    """Load an ONNX file with one image input as an encoder by its first output.

    Channels and size are those of the file, if it fixes them; byte inputs are 255 · x, rounded.
    Raises InputError for a file that is missing, no ONNX, or has other inputs; ImportError if onnxruntime is missing.
    """
    # Weights beyond 2 GB lie beside the file, under a name that begins with its own.
    beside = [one for one in path.parent.glob(f"{glob.escape(path.name)}[._]*") if one.is_file()]
    weights = of_files([path, *sorted(beside)])
    session = _session(path)
    taken = session.get_inputs()
    if len(taken) != 1 or len(taken[0].shape) != 4 or taken[0].type not in ("tensor(float)", "tensor(uint8)"):
        shown = ", ".join(f"{one.name} {one.type} {one.shape}" for one in taken)
        raise InputError(
            got=f"{path}, whose inputs are {shown}",
            need="one input: float (b, c, h, w), or uint8 (b, h, w, c)",
            remedy="export the image encoder alone",
        )
    as_bytes, last = taken[0].type == "tensor(uint8)", taken[0].shape[3] in (1, 3)
    channels, side = (taken[0].shape[3], taken[0].shape[1]) if last else taken[0].shape[1:3]
    known = {
        "channels": channels if channels in (1, 3) else None,
        "size": side if isinstance(side, int) else None,
        "peak": 255.0 if as_bytes else 1.0,
    }
    count = taken[0].shape[0] if isinstance(taken[0].shape[0], int) else None

    def forward(x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1) if last else x
        x = x.round().to(torch.uint8) if as_bytes else x
        parts = torch.split(x, count or len(x))
        return torch.cat([_run(session, taken[0].name, part, count or len(part)) for part in parts])

    return NetworkEncoder(path.name, weights, Preprocessing(**{**known, **settings}), forward)


def _session(path: Path) -> Any:
    try:
        onnxruntime = import_module("onnxruntime")
    except ImportError:
        raise extra_missing("an ONNX file", "onnx") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors only, no notes about optimization
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a separate class for every kind of wrong file
        raise InputError(
            got=f"{path}, which onnxruntime cannot read ({str(error).splitlines()[0][:100]})",
            need="an ONNX network",
            remedy="export it again, or check the copy",
        ) from error


def _run(session: Any, name: str, x: Tensor, count: int) -> Tensor:
    """Compute the first output for x (b, …), b ≤ count, padded with zeros to `count` images."""
    padded = torch.cat([x, x.new_zeros(count - len(x), *x.shape[1:])]) if len(x) < count else x
    (found, *_) = session.run(None, {name: padded.contiguous().cpu().numpy()})
    return torch.from_numpy(found)[: len(x)]
