"""kind = "sw": the sliced Wasserstein distance of samples from the held-out images."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from byheart._records import Spec
from byheart.evaluation.names import Record, Where

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SlicedWasserstein", "sliced_record"]


class SlicedWasserstein(Spec):
    """The sliced Wasserstein distance of the samples from the held-out images, in pixels."""

    kind: Literal["sw"] = "sw"
    needs_samples: ClassVar[bool] = True
    references: ClassVar[tuple[Where, ...]] = ("/train", "/fresh")


def sliced_record(images: Tensor, heldout: Tensor, where: Where = "") -> Record:
    """Make the record's part: `sw`.

    images: (b, *shape), b ≥ 3, samples or the images in their place.  heldout: (m, *shape).
    """
    from byheart.features.pixels import pixel_features
    from byheart.metrics.fidelity import sliced_wasserstein

    return {f"sw{where}": sliced_wasserstein(pixel_features(images), pixel_features(heldout))}
