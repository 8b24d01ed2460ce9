"""kind = "loss_gap": the denoising losses of training and held-out images, and the gap between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveFloat

from byheart._records import Spec
from byheart.evaluation.names import Record, Where, distinct

if TYPE_CHECKING:
    from byheart.data.dataset import Split
    from byheart.denoisers.base import Denoiser

__all__ = ["LossGap", "loss_gap_record"]


class LossGap(Spec):
    """The losses of training and held-out images.  This measure needs no samples, and is the cheapest one.

    sigmas: noise levels of the losses.  images: largest number of training and of held-out images.
    seed: Random seed of the noise; the same seed gives the same result.
    """

    kind: Literal["loss_gap"] = "loss_gap"
    needs_samples: ClassVar[bool] = False
    references: ClassVar[tuple[Where, ...]] = ()
    sigmas: Annotated[tuple[PositiveFloat, ...], Field(min_length=1), AfterValidator(distinct)] = (
        0.2,
        0.5,
        1.0,
    )
    images: Annotated[int, Field(ge=2)] = 512
    seed: NonNegativeInt = 0


def loss_gap_record(spec: LossGap, denoiser: Denoiser, split: Split) -> Record:
    """Make the record's part: `loss/…@σ` and `gap…@σ` at every noise level σ.

    The numbers are in units where the data have RMS 1, whatever units the denoiser is trained in.
    """
    from byheart.metrics.denoising import loss_gap

    train, heldout = split.train[: spec.images], split.heldout[: spec.images]
    rms = 1.0 if split.dataset.standardized else float(split.train.square().mean().sqrt())
    record: Record = {}
    for sigma in spec.sigmas:
        gap = loss_gap(denoiser, train, heldout, sigma * rms, spec.seed)
        numbers = {
            f"loss/train@{sigma:g}": gap.train,
            f"loss/heldout@{sigma:g}": gap.heldout,
            f"gap@{sigma:g}": gap.value,
            f"gap_low@{sigma:g}": gap.low,
            f"gap_high@{sigma:g}": gap.high,
        }
        record |= {name: value / rms**2 for name, value in numbers.items()}
    return record
