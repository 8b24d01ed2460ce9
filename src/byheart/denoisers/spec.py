"""Closed forms by name: what a recipe or the command line asks for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from byheart._records import Spec

__all__ = ["ClosedForm"]


class ClosedForm(Spec):
    """A denoiser that is a formula of the training data.

    kind: `empirical` (all n points), `partial` (`memorized` of them), `smoothed` (each point blurred by `std`), or
    `gaussian` (mean and covariance of the points: the Wiener filter).
    std: width of a component, in units of the data's RMS.  memorized: how many points a partial denoiser holds.
    """

    kind: Literal["empirical", "partial", "smoothed", "gaussian"] = "empirical"
    std: float = Field(default=0.1, gt=0)
    memorized: PositiveInt | None = None
