"""Checkpoints of runs, loaded as denoisers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from byheart._checks import InputError
from byheart.build.network import network
from byheart.data.reader.reading import USUAL, Reading
from byheart.denoisers.base import Denoiser
from byheart.experiments.kinds.mixtures.run import family
from byheart.experiments.runs.run import MixturesRun, TrainingRun, parse_run
from byheart.noise.levels import Grid
from byheart.store.folders import RunFolder, find_run
from byheart.store.states import load_weights

__all__ = ["Trained", "load", "load_mixture"]


@dataclass(frozen=True)
class Trained:
    """A trained denoiser with the units of its data, as `sample` and every metric take it.

    network: the weights that were evaluated (the moving average).  shape: one sample's.  grid: of the noise levels with which the run
    was sampled.  step: of training.  center (*shape) and scale: units of the data (see `to_pixels`).  reading: of the pictures
    that it was trained on.
    """

    network: nn.Module
    shape: tuple[int, ...]
    grid: Grid
    step: int
    center: Tensor
    scale: float
    reading: Reading = USUAL

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Compute E[x0 | x0 + sigma·eps = x] of x, (b, *shape), and sigma, () or (b,).

        Raises InputError unless sigma is positive.
        """
        if not bool((sigma > 0).all()):
            raise InputError(
                got=f"sigma {sigma.min().item():g}",
                need="positive noise levels",
                remedy="a solver's step to 0 returns the denoised x, so end there",
            )
        denoised: Tensor = self.network(x, sigma)
        return denoised

    @property
    def levels(self) -> Tensor:
        """Return the noise levels that the run was sampled with, (s + 1,), decreasing."""
        return self.grid.levels()

    @property
    def device(self) -> torch.device:
        """Return the device on which the weights are."""
        return next(self.network.parameters()).device

    def to_pixels(self, x: Tensor) -> Tensor:
        """Bring samples (b, *shape) into the units of the training images (0 … 1 for images)."""
        return x * self.scale + self.center.to(x)


def load_mixture(run: str | Path | RunFolder, m: int, root: Path | str = "runs") -> Denoiser:
    """Load the denoiser of the mixture of m components that a run of kind `mixtures` trained, in the population's units.

    run: as in `load`.  Raises InputError if there is no such run, or if the run trained no mixture of that size.
    """
    folder = run if isinstance(run, RunFolder) else find_run(Path(root), str(run))
    spec = parse_run(folder.header()["spec"])
    if not isinstance(spec, MixturesRun) or not folder.has(f"model-{m}"):
        sizes = ", ".join(map(str, spec.models)) if isinstance(spec, MixturesRun) else "none"
        raise InputError(
            got=f"M = {m} of run {folder.id} of kind {spec.kind!r}",
            need=f"a whole run of kind 'mixtures' and one of its sizes: {sizes}",
            remedy=f"choose one of them, or finish it: byheart run {folder.id}",
        )
    stored = folder.load(f"model-{m}")
    learned = {name: value for name, value in stored.items() if name not in ("samples", "d1", "d2")}
    return family(spec).denoiser(learned)


def load(run: str | Path | RunFolder, root: Path | str = "runs") -> Trained:
    """Load the denoiser that a training run ended with, on the CPU, in evaluation mode.

    run: an id, the beginning of an id, or a path.
    Raises InputError if there is no such run, or if the run is not whole or trained nothing.
    """
    folder = run if isinstance(run, RunFolder) else find_run(Path(root), str(run))
    spec = parse_run(folder.header()["spec"])
    if not isinstance(spec, TrainingRun):
        raise InputError(
            got=f"run {folder.id} of kind {spec.kind!r}",
            need="a run that trained a network",
            remedy="of mixtures: byheart.experiments.runs.load.load_mixture(run, m); closed forms need no checkpoint: "
            "byheart.denoisers.empirical(train) and its siblings",
        )
    if not folder.has("model"):
        raise InputError(
            got=f"run {folder.id}, which is not whole yet",
            need="a run that ended",
            remedy=f"resume it: byheart run {folder.id}",
        )
    shape = tuple(int(size) for size in folder.read_record("data")["shape"])
    model = network(spec.model, spec.parametrization, shape, seed=0)
    step = load_weights(folder, model)
    data = folder.load("data")
    return Trained(
        model.eval(), shape, spec.plan.grid, step, data["center"], float(data["scale"]), spec.data.reading
    )
