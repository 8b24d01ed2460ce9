"""kind = "fd": the Fréchet distance of samples from the held-out images, and the same distance for perfect samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from byheart._records import Spec
from byheart.evaluation.names import Record, Where

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FrechetDistance", "frechet_record", "perfect_frechet_record"]


class FrechetDistance(Spec):
    """The Fréchet distance of the samples from the held-out images, in pixels."""

    kind: Literal["fd"] = "fd"
    needs_samples: ClassVar[bool] = True
    references: ClassVar[tuple[Where, ...]] = ("/train", "/fresh")


def frechet_record(images: Tensor, heldout: Tensor, where: Where = "") -> Record:
    """Make the record's part: `fd` and its floor.

    images: (b, *shape), b ≥ 3, samples or the images in their place.  heldout: (m, *shape).
    """
    from byheart.features.pixels import pixel_features
    from byheart.metrics.fidelity import frechet

    distance = frechet(pixel_features(images), pixel_features(heldout))
    return {f"fd{where}": distance.value, f"fd{where}_floor" if where else "fd/floor": distance.floor}


def perfect_frechet_record(samples: int, heldout: Tensor) -> Record:
    """Make the references' part that takes no images: the `fd/floor` for that number of samples.  heldout: (m, *shape)."""
    from byheart.features.pixels import pixel_features
    from byheart.metrics.fidelity import frechet_floor
    from byheart.numerics.moments import moments

    covariance = moments(pixel_features(heldout)).covariance
    return {"fd/floor": frechet_floor(covariance, samples, len(heldout))}
