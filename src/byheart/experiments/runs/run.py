"""A run: one experiment, frozen.  Its identity is the hash of its canonical JSON.

Two equal runs are the same run: they share a folder, and the second one costs nothing.  What a run of a kind says
stands beside that kind: a new kind changes nothing of what the others measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from byheart._checks import InputError, meant, refused
from byheart.experiments.kinds.audit.spec import AuditRun
from byheart.experiments.kinds.closed_form.spec import ClosedFormRun
from byheart.experiments.kinds.collapse.spec import CollapseRun
from byheart.experiments.kinds.flow.spec import FlowRun
from byheart.experiments.kinds.losses.spec import LossesRun
from byheart.experiments.kinds.mixtures.spec import MixturesRun
from byheart.experiments.kinds.training.spec import Schedule, TrainingRun

__all__ = [
    "KINDS",
    "AuditRun",
    "ClosedFormRun",
    "CollapseRun",
    "FlowRun",
    "LossesRun",
    "MixturesRun",
    "Run",
    "Schedule",
    "TrainingRun",
    "parse_run",
]

Run = TrainingRun | ClosedFormRun | FlowRun | CollapseRun | AuditRun | LossesRun | MixturesRun
"""Any run."""

KINDS = ("training", "closed_form", "flow", "collapse", "audit", "losses", "mixtures")


def parse_run(settings: Mapping[str, Any], place: Callable[[str], str] = lambda key: key) -> Run:
    """The run that plain settings describe.

    place: a dotted key of the settings -> that key in the file they come from, for refusals.
    Raises InputError for a kind that does not exist, and for settings that do not fit.
    """
    kind = settings.get("kind", "training")
    if kind not in KINDS:
        raise InputError(
            got=f"a run of kind {kind!r}",
            need="one of " + ", ".join(KINDS),
            remedy=meant(str(kind), KINDS)
            + f"change `{place('kind')}`; this version of byheart knows no other",
        )
    spec: type[Run] = next(one for one in get_args(Run) if one.model_fields["kind"].default == kind)
    try:
        return spec.model_validate(settings)
    except ValidationError as error:
        raise refused(error, spec, place) from error
