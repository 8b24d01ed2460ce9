"""The settings in which runs differ, besides n, seed and the number of steps: those that a sweep varies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from byheart._records import Scalar
from byheart.store.tables import flat

__all__ = ["differences"]

SAID = ("kind", "data.name", "n", "seed", "training.steps")
"""Settings that have their own column wherever runs are listed."""

MEASURED = ("plan.", "schedule.")


def differences(specs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write for each run the settings in which some of the runs differ: `model.width=8, training.batch=16`, or nothing.

    specs: the runs as plain settings.  Settings of the measurement are written only if two runs differ in nothing else.
    """
    runs = [flat(spec) for spec in specs]
    names = dict.fromkeys(name for run in runs for name in run if name not in SAID)
    swept = [name for name in names if len({repr(run[name]) for run in runs if name in run}) > 1]
    trained = [name for name in swept if not name.startswith(MEASURED)]
    tell = {repr([run.get(name) for name in (*SAID, *trained)]) for run in runs}
    return [_said(run, trained if len(tell) == len(runs) else swept) for run in runs]


def _said(run: Mapping[str, Scalar], names: Sequence[str]) -> str:
    return ", ".join(f"{name}={_short(run[name])}" for name in names if name in run)


def _short(value: Scalar) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
