"""kind = "closed_form": the settings of such a run."""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from byheart.data.spec import Data
from byheart.denoisers.spec import AnyClosedForm, EmpiricalForm
from byheart.evaluation.plan import Plan
from byheart.experiments.kinds.shared.any_spec import AnyKind

__all__ = ["ClosedFormRun"]


class ClosedFormRun(AnyKind):
    """Sample a formula of n training points and measure it: one record, at step 0."""

    kind: Literal["closed_form"] = "closed_form"
    data: Data = Data()
    n: PositiveInt
    seed: NonNegativeInt = 0
    denoiser: AnyClosedForm = EmpiricalForm()
    plan: Plan = Plan()
