"""kind = "closed_form": sample a formula of the training points and measure it once, at step 0."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from byheart.build.closed_form import closed_form
from byheart.data.dataset import Split
from byheart.evaluation.measure import measure, references
from byheart.executors.local import Tell
from byheart.experiments.kinds.closed_form.spec import ClosedFormRun
from byheart.experiments.kinds.shared.samples import save_samples
from byheart.experiments.kinds.shared.short import Short
from byheart.experiments.kinds.shared.split import on_device, store_data, the_split
from byheart.random import derive
from byheart.store.folders import RunFolder

__all__ = ["carry_out", "prepare", "short"]


def prepare(run: ClosedFormRun, root: Path) -> Split:
    """Read and split the images of the run.  Raises InputError if the data do not fit the run."""
    return the_split(run.data, run.n, run.seed)


def carry_out(run: ClosedFormRun, prepared: Split, folder: RunFolder, device: str, tell: Tell) -> None:
    """Carry out the run into its folder."""
    split = on_device(prepared, device)
    store_data(folder, split)
    folder.write_record("references", references(split, run.plan))
    folder.keep_rows(-1)
    began = perf_counter()
    measured = measure(closed_form(run.denoiser, split.train, derive(run.seed, "denoiser")), split, run.plan)
    row = {"step": 0, **measured.record, "seconds": perf_counter() - began}
    save_samples(folder, 0, measured, split)
    folder.append(row)
    tell({"kind": "row", "run": run.id, "n": run.n, "seed": run.seed, **row})


def short(run: ClosedFormRun, effort: int) -> Short[ClosedFormRun]:
    """Shorten the run to a few samples."""
    plan = run.plan.shortened(min(run.plan.samples, max(3, 8 * effort)))
    less = run.plan.samples / plan.samples
    return Short(run.model_copy(update={"plan": plan}), once=less, evaluation=less)
