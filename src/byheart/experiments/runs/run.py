"""A run: the frozen settings of an experiment.  The id of a run is the hash of its canonical JSON.

Two equal runs are the same run: they share a folder, and the second run takes no time.  The settings of a kind of run are
defined beside the code of that kind, so that a new kind changes no measured number of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast, get_args

from pydantic import ValidationError

from byheart._checks import InputError, meant, refused
from byheart.executors.local import Tell
from byheart.experiments.kinds.audit.spec import AuditRun
from byheart.experiments.kinds.closed_form.spec import ClosedFormRun
from byheart.experiments.kinds.collapse.spec import CollapseRun
from byheart.experiments.kinds.flow.spec import FlowRun
from byheart.experiments.kinds.losses.spec import LossesRun
from byheart.experiments.kinds.mixtures.spec import MixturesRun
from byheart.experiments.kinds.shared.short import Short
from byheart.experiments.kinds.training.spec import Schedule, TrainingRun
from byheart.experiments.version import run_module
from byheart.store.folders import RunFolder

__all__ = [
    "KINDS",
    "Kind",
    "AuditRun",
    "ClosedFormRun",
    "CollapseRun",
    "FlowRun",
    "LossesRun",
    "MixturesRun",
    "Run",
    "Schedule",
    "TrainingRun",
    "kind_of",
    "parse_run",
]

Run = TrainingRun | ClosedFormRun | FlowRun | CollapseRun | AuditRun | LossesRun | MixturesRun
"""Any run."""

KINDS: tuple[str, ...] = tuple(spec.model_fields["kind"].default for spec in get_args(Run))


class Kind(Protocol):
    """The functions that the module kinds/<kind>/run.py of every kind of run must have.

    prepare(run, root): read and check the data of the run, before its folder is made; root: the folder of all runs.
    carry_out(run, prepared, folder, device, tell): carry out the run into its folder, or continue it.
    short(run, effort): shorten the run for an estimate of its time; a larger effort shortens it less.
    """

    prepare: Callable[[Any, Path], Any]
    carry_out: Callable[[Any, Any, RunFolder, str, Tell], None]
    short: Callable[[Any, int], Short[Any]]


def kind_of(run: Run) -> Kind:
    """Load the module that carries out a run."""
    return cast(Kind, import_module(run_module(run.kind)))


def parse_run(settings: Mapping[str, Any], place: Callable[[str], str] = lambda key: key) -> Run:
    """Make the run that plain settings describe.

    place: a dotted key of the settings -> that key in the user's file, for error messages.
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
    spec: type[Run] = next(spec for spec in get_args(Run) if spec.model_fields["kind"].default == kind)
    try:
        return spec.model_validate(settings)
    except ValidationError as error:
        raise refused(error, spec, place) from error
