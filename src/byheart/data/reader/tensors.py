"""Tensors of any kind as arrays: numpy lacks some of their types and layouts.

tensor                                  becomes
------------------------------------------------------------
bfloat16, float8                        float32
sparse, or of another layout            dense
quantized                               the floats it stands for
on another device, or with a gradient   a copy in memory
meta, nested, packed bits               refused: no numbers, or not one array of them
"""

from __future__ import annotations

from typing import Any

import numpy as np

from byheart._checks import InputError
from byheart.data.raw import Array

__all__ = ["as_numpy"]


def as_numpy(x: Any) -> Array:
    """Convert a tensor to an array.  Raises InputError for a tensor that holds no numbers, or not one array of them."""
    try:
        if x.is_quantized:
            x = x.dequantize()
        x = x.detach()
        x = (x if str(x.layout) == "torch.strided" else x.to_dense()).cpu()
        # numpy has no bfloat16 and no float8
        x = x.float() if x.is_floating_point() and x.itemsize < 4 and str(x.dtype) != "torch.float16" else x
        return np.asarray(x.resolve_conj().resolve_neg().numpy())
    except (TypeError, RuntimeError) as error:
        raise InputError(
            got=f"a tensor of type {x.dtype} and layout {x.layout} on {x.device}, which numpy cannot hold",
            need="real numbers in memory, in one array",
            remedy="convert it first, for example by x.float().cpu()",
        ) from error
