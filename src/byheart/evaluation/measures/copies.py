"""kind = "copies": the shares of samples that copy a training point, and quantiles of d₁/d₂."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, PositiveFloat

from byheart._records import Spec
from byheart.evaluation.names import Record, Where, distinct

if TYPE_CHECKING:
    from byheart.numerics.neighbors import Neighbors

__all__ = ["Copies", "copies_record"]

Threshold = Annotated[float, Field(gt=0, le=1)]


class Copies(Spec):
    """Shares of samples that copy a training point.

    thresholds: of the ratio test; the first gives `f_mem`.  tolerances: distances in training units; each names a share of
    samples within that distance of a training point (`within@…`).
    """

    kind: Literal["copies"] = "copies"
    needs_samples: ClassVar[bool] = True
    references: ClassVar[tuple[Where, ...]] = ("/heldout", "/empirical")
    thresholds: Annotated[tuple[Threshold, ...], Field(min_length=1), AfterValidator(distinct)] = (
        1 / 3,
        1 / 2,
    )
    tolerances: Annotated[tuple[PositiveFloat, ...], AfterValidator(distinct)] = ()


def copies_record(spec: Copies, to_train: Neighbors, where: Where = "") -> Record:
    """Make the record's part: `f_mem…`, `within@…` and quantiles of d₁/d₂.

    to_train: (b, ≥ 2) neighbors in the training set, of the samples or of the images in their place.
    Warns (DuplicatesWarning) if a sample equals two training points.
    """
    from byheart.metrics.memorization import memorized_fraction, share_within

    record: Record = {f"f_mem{where}_count": len(to_train.ratio)}
    for position, threshold in enumerate(spec.thresholds):
        name = f"f_mem{f'@{threshold:g}' if position else ''}{where}"
        record |= memorized_fraction(to_train, threshold).entries(name)
    for tolerance in spec.tolerances:
        record |= share_within(to_train.distance[:, 0], tolerance).entries(f"within@{tolerance:g}{where}")
    return record | _quantiles(to_train, where)


def _quantiles(to_train: Neighbors, where: Where) -> Record:
    """Return quantiles of d₁/d₂; none for the empirical denoiser, whose samples are copies, whatever the data."""
    match where:
        case "":
            return {
                "ratio/median": float(to_train.ratio.quantile(0.5)),
                "ratio/q10": float(to_train.ratio.quantile(0.1)),
            }
        case "/heldout":
            return {"ratio/heldout_median": float(to_train.ratio.quantile(0.5))}
        case _:
            return {}
