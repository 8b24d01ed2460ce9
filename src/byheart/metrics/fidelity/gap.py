"""Are samples closer to the training images than to held-out ones?  A gap for any divergence, at equal sizes."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

__all__ = ["reference_gap"]


def reference_gap(
    divergence: Callable[[Tensor, Tensor], float], samples: Tensor, train: Tensor, heldout: Tensor
) -> float:
    """Compute divergence(samples, heldout) − divergence(samples, train), with the first min(n, m) rows of heldout and train.

    samples: (q, *shape).  train: (n, *shape), heldout: (m, *shape), each in random order.
    A positive gap means that the samples are closer to the training images.  Under the null the mean of the gap is 0 only
    because the sizes are equal: most divergences have a bias that falls with the size (for FD between 2,048 and 5,120 images
    the bias exceeds the effect).
    """
    size = min(len(train), len(heldout))
    return divergence(samples, heldout[:size]) - divergence(samples, train[:size])
