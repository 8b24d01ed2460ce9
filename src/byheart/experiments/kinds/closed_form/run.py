"""kind = "closed_form": sample a formula of the training points and measure it once, at step 0."""

from __future__ import annotations

from time import perf_counter

from byheart.build.closed_form import closed_form
from byheart.evaluation.measure import measure, references
from byheart.executors.local import Tell
from byheart.experiments.kinds.closed_form.spec import ClosedFormRun
from byheart.experiments.kinds.shared.samples import save_samples
from byheart.experiments.kinds.shared.split import store_data, the_split
from byheart.random import derive
from byheart.store.folders import RunFolder

__all__ = ["closed_form_run"]


def closed_form_run(run: ClosedFormRun, folder: RunFolder, device: str, tell: Tell) -> None:
    """Carry out the run into its folder."""
    split = the_split(run.data, run.n, run.seed, device)
    store_data(folder, split)
    folder.write_record("references", references(split, run.plan))
    folder.keep_rows(-1)
    began = perf_counter()
    measured = measure(closed_form(run.denoiser, split.train, derive(run.seed, "denoiser")), split, run.plan)
    row = {"step": 0, **measured.record, "seconds": perf_counter() - began}
    save_samples(folder, 0, measured, split)
    folder.append(row)
    tell({"kind": "row", "run": run.id, "n": run.n, "seed": run.seed, **row})
