"""kind = "training": train, and measure at log-spaced steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from torch import nn

from byheart.build.network import network
from byheart.data.dataset import Split
from byheart.evaluation.measure import measure, references
from byheart.executors.local import Tell
from byheart.experiments.kinds.shared.clock import Clock
from byheart.experiments.kinds.shared.samples import save_samples
from byheart.experiments.kinds.shared.short import Short
from byheart.experiments.kinds.shared.split import on_device, store_data, the_split
from byheart.experiments.kinds.training.spec import Schedule, TrainingRun
from byheart.random import derive
from byheart.store.folders import RunFolder
from byheart.store.states import load_state, save_state, save_weights
from byheart.training.ema import EMA
from byheart.training.loop import State, begin, train
from byheart.training.loss import DenoisingLoss

__all__ = ["begin_training", "carry_out", "prepare", "short"]


def prepare(run: TrainingRun, root: Path) -> Split:
    """Read and split the images of the run.  Raises InputError if the data do not fit the run."""
    return the_split(run.data, run.n, run.seed)


def carry_out(run: TrainingRun, prepared: Split, folder: RunFolder, device: str, tell: Tell) -> None:
    """Carry out the run into its folder, from its last state if there is one."""
    split = on_device(prepared, device)
    store_data(folder, split)
    if not (folder.path / "references.json").exists():
        folder.write_record("references", references(split, run.plan))
    state, ema, states = begin_training(run, split, device, folder)
    measured = {row["step"] for row in folder.keep_rows(state.step)}
    due, resumed = set(run.schedule.steps(run.steps)), state.step
    clock = Clock(folder, run.id, run.steps, tell)
    for state in states:
        if state.step > resumed:
            ema.update(state.step, state.model)
        if state.step in due and state.step not in measured:
            row = _evaluate(run, folder, split, state, ema.model)
            tell({"kind": "row", "run": run.id, "n": run.n, "seed": run.seed, **row})
        if state.step in due or clock.checkpoint_due():
            save_state(folder, state, ema)
            clock.saved()
        clock.tell(state.step)
    save_weights(folder, ema.model, state.step)


def short(run: TrainingRun, effort: int) -> Short[TrainingRun]:
    """Shorten the run to `effort` steps and one evaluation of eight times as many samples."""
    steps, samples = min(run.steps, effort), min(run.plan.samples, max(3, 8 * effort))
    plan = run.plan.shortened(samples)
    training = run.training.model_copy(update={"steps": steps})
    schedule = Schedule(first=steps, count=1)
    less = run.plan.samples / plan.samples
    return Short(
        run.model_copy(update={"training": training, "plan": plan, "schedule": schedule}),
        once=less,
        step=run.steps / steps,
        evaluation=less * len(run.schedule.steps(run.steps)),
    )


def begin_training(
    run: TrainingRun, split: Split, device: str, folder: RunFolder | None = None
) -> tuple[State, EMA, Iterator[State]]:
    """Return the first state (or the stored one), its moving average, and the states from there on."""
    shape = tuple(split.train.shape[1:])
    model = network(run.model, run.parametrization, shape, derive(run.seed, "weights")).to(device)
    spec = run.training.model_copy(update={"seed": derive(run.seed, "training")})
    state = begin(model, spec)
    ema = EMA(model, spec.ema_horizon, spec.ema_every)
    if folder is not None and folder.has("state"):
        state = load_state(folder, state, ema)
    return state, ema, train(state.model, split.train, spec, DenoisingLoss(run.loss), state)


def _evaluate(
    run: TrainingRun, folder: RunFolder, split: Split, state: State, model: nn.Module
) -> dict[str, object]:
    began = perf_counter()
    measured = measure(model, split, run.plan)
    record: dict[str, object] = {
        "step": state.step,
        "lr_sum": run.training.lr_sum(state.step),
        "epochs": run.training.epochs(state.step, run.n),
        "loss": float("nan") if state.loss is None else float(state.loss),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "dimension": split.train[0].numel(),
        **measured.record,
        "seconds": perf_counter() - began,
    }
    save_samples(folder, state.step, measured, split)
    folder.append(record)
    return record
