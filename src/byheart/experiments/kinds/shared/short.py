"""A run shortened to measure its time, and how the time of the whole run follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from byheart.experiments.kinds.shared.any_spec import AnyKind

__all__ = ["Short"]

R = TypeVar("R", bound=AnyKind)


@dataclass(frozen=True, eq=False)
class Short(Generic[R]):
    """A shortened run, and how many times longer each part of the whole run takes.

    run: the shortened run, which does the same work as the whole run with less of everything.
    once: factor of the work that is done once.  step: factor of the optimizer's steps (what the record `clock` counts, the
    evaluations left out).  evaluation: factor of what rows count as `seconds`.
    prepared: data for the shortened run, if reading its own data would take long; None reads these data.
    """

    run: R
    once: float = 1.0
    step: float = 1.0
    evaluation: float = 1.0
    prepared: object = None

    def whole(self, seconds: float, clock: float, rows: float) -> float:
        """Estimate the seconds of the whole run.

        seconds: time of the shortened run.  clock: its part for steps and evaluations.  rows: its part for evaluations.
        """
        steps = max(0.0, clock - rows)
        return self.once * max(0.0, seconds - steps - rows) + self.step * steps + self.evaluation * rows
