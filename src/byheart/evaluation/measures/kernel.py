"""kind = "kid": the kernel distance of samples from the held-out images."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from byheart._records import Spec
from byheart.evaluation.names import Record, Where

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["KernelDistance", "kernel_record"]


class KernelDistance(Spec):
    """The kernel distance (KID) of the samples from the held-out images, in pixels."""

    kind: Literal["kid"] = "kid"
    needs_samples: ClassVar[bool] = True
    references: ClassVar[tuple[Where, ...]] = ("/train", "/fresh")


def kernel_record(images: Tensor, heldout: Tensor, where: Where = "") -> Record:
    """Make the record's part: `kid` and its interval.

    images: (b, *shape), b ≥ 3, samples or the images in their place.  heldout: (m, *shape).
    """
    from byheart.features.pixels import pixel_features
    from byheart.metrics.fidelity import kid

    return {**kid(pixel_features(images), pixel_features(heldout)).entries(f"kid{where}")}
