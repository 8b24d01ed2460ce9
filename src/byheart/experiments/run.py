"""A run: one experiment, frozen.  Its identity is the hash of its canonical JSON.

Two equal runs are the same run: they share a folder, and the second one costs nothing.  What a run of a kind says
stands beside that kind: a new kind changes nothing of what the others measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from byheart._checks import InputError
from byheart.experiments.kinds.closed_form_spec import ClosedFormRun
from byheart.experiments.kinds.collapse_spec import CollapseRun
from byheart.experiments.kinds.flow_spec import FlowRun
from byheart.experiments.kinds.training_spec import Schedule, TrainingRun

__all__ = ["KINDS", "ClosedFormRun", "CollapseRun", "FlowRun", "Run", "Schedule", "TrainingRun", "parse_run"]

Run = TrainingRun | ClosedFormRun | FlowRun | CollapseRun
"""Any run."""

KINDS = ("training", "closed_form", "flow", "collapse")

_ADAPTER: TypeAdapter[Run] = TypeAdapter(Annotated[Run, Field(discriminator="kind")])


def parse_run(settings: Mapping[str, Any]) -> Run:
    """The run that plain settings describe.

    Raises InputError for a kind that does not exist, pydantic.ValidationError for settings that do not fit.
    """
    kind = settings.get("kind", "training")
    if kind not in KINDS:
        raise InputError(
            got=f"a run of kind {kind!r}",
            need="one of " + ", ".join(KINDS),
            remedy="change `kind` in the recipe; this version of byheart knows no other",
        )
    return _ADAPTER.validate_python({"kind": kind, **settings})
