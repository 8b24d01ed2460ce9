"""kind = "mixtures": train mixtures of every size together, then measure each, the true denoiser and the empirical one.

One record per model; `step` is the training step.  Losses are sums over coordinates.

model                          "learned", "true" or "empirical"
m, share                       components, and in units of N                                            (learned)
variance                       s² within a component, the mean if components differ; for templates, of the colors (learned)
f_mem@T, _low, _high           share of samples with d₁ < T d₂;   count: samples
loss/train, loss/heldout       E‖D − x₀‖² at S1's ψ = 6.704 on training and fresh points
loss/eps                       the loss that is trained, E‖ε̂ − ε‖² over the grid of times
distance/point, distance/mean  mean distance of the centers to the nearest training point, and true mean   (learned)
near/points, near/means        centers at one of them by S1's rule                                        (learned, mixture)
lloyd/variance, lloyd/f_mem@T  results of Lloyd's k-means from the same start                              (learned, mixture)

Samples are drawn as in S1: Euler steps down its 26 levels, from N(0, I) at t = 0.999, with the noise of t = 0.001 left in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from byheart._records import Scalar
from byheart.denoisers.base import Denoiser
from byheart.denoisers.mixture import MixtureDenoiser, empirical
from byheart.executors.local import Tell
from byheart.experiments.kinds.mixtures.spec import MixturesRun
from byheart.experiments.kinds.shared.clock import Clock
from byheart.experiments.kinds.shared.drawn import Drawn, drawn, store_drawn
from byheart.experiments.kinds.shared.short import Short
from byheart.metrics.locations import locations
from byheart.metrics.memorization import memorized_fraction
from byheart.models.gmm import initial_means, learned_free_mixture, learned_mixture
from byheart.models.lowrank_gmm import initial_templates, learned_templates
from byheart.noise.process import S1Process
from byheart.noise.s1 import s1_levels
from byheart.numerics.neighbors import Neighbors, nearest
from byheart.random import derive, generator, streams
from byheart.sampling.solvers import euler_step, integrate
from byheart.store.folders import RunFolder
from byheart.theory.lloyd import cluster, sample_distances
from byheart.training.free_step import free_cell, free_gradient
from byheart.training.mixture_step import isotropic_gradient
from byheart.training.mixtures import MixtureState, Objective, mixture_cell, restored, train_together
from byheart.training.stack import Cell
from byheart.training.template_step import official_template_gradient, template_cell, template_gradient

__all__ = ["Measure", "begin_mixtures", "carry_out", "family", "prepare", "short"]

Record = dict[str, Scalar]

SHOWN = 16
"""S1's place in its grid for pictures of losses: t = 0.3603, ψ = 6.704."""

_DRAWS = 20  # noise draws per training point for losses


def prepare(run: MixturesRun, root: Path) -> Drawn:
    """Draw the points of the run."""
    return drawn(run.data, run.n, run.heldout, run.seed)


@torch.no_grad()
def carry_out(run: MixturesRun, points: Drawn, folder: RunFolder, device: str, tell: Tell) -> None:
    """Carry out the run into its folder, on the CPU, from its last state if there is one."""
    store_drawn(folder, run.data, points)
    folder.keep_rows(-1)
    begun = _cells(run, points)
    state = _trained(run, folder, points, tell)
    measure = Measure(run, points)
    for place, m in enumerate(run.models):
        row, samples = measure.record(state.cell(place))
        own = {"m": m, "share": m / run.n, **measure.lloyd(begun[place])}
        folder.save(f"model-{m}", samples)
        _add(run, folder, {"step": state.step, "model": "learned", **own, **row}, tell)
    for name, reference in (("true", points.truth), ("empirical", measure.memorizer)):
        row, _ = measure.of(reference)
        _add(run, folder, {"step": state.step, "model": name, **row}, tell)


def short(run: MixturesRun, effort: int) -> Short[MixturesRun]:
    """Shorten the training to a few steps; the measurements of the models are not shortened."""
    steps = min(run.steps, 4 * effort)
    return Short(run.model_copy(update={"training_steps": steps}), step=run.steps / steps)


@dataclass(frozen=True)
class Family:
    """A kind of mixture that can be learned.  cell, gradient: its training; denoiser: the denoiser of a learned mixture."""

    cell: Callable[..., Cell]
    gradient: Objective
    denoiser: Callable[[Mapping[str, Tensor]], Denoiser]


ISOTROPIC = Family(mixture_cell, isotropic_gradient, learned_mixture)
FREE = Family(free_cell, free_gradient, learned_free_mixture)
COLORED = Family(template_cell, template_gradient, learned_templates)
OFFICIAL = Family(template_cell, official_template_gradient, partial(learned_templates, official=True))


def family(run: MixturesRun) -> Family:
    """Return the kind of mixture that a run learns."""
    if run.data.name == "templates":
        return OFFICIAL if run.recipe == "official-color" else COLORED
    return ISOTROPIC if run.widths == "one" else FREE


def _cells(run: MixturesRun, points: Drawn) -> list[Cell]:
    """Make the models of a run before training."""
    chosen, spec = family(run), run.training
    return [
        chosen.cell(*_start(run, points, m), spec.std, seed=derive(run.seed, "training")) for m in run.models
    ]


def _start(run: MixturesRun, points: Drawn, m: int) -> tuple[Tensor, ...]:
    """Choose the start: means (m, d), or templates (m, h, w) and colors (m, 3)."""
    seed = derive(run.seed, "start")
    if points.mixture is None:
        return initial_templates(m, points.train, seed=seed)
    return (initial_means(run.start, m, points.train, seed=seed, population=points.mixture),)


def begin_mixtures(
    run: MixturesRun, points: Drawn, folder: RunFolder | None = None
) -> Iterator[MixtureState]:
    """Yield the states of the models of a run during training, from the stored state if there is one."""
    begun, data = _cells(run, points), [points.train]
    start = None
    if folder is not None and folder.has("state"):
        start = restored(begun, data, run.training, folder.load("state"))
    return train_together(begun, data, run.training, family(run).gradient, start)


def _trained(run: MixturesRun, folder: RunFolder, points: Drawn, tell: Tell) -> MixtureState:
    clock = Clock(folder, run.id, run.steps, tell)
    for state in begin_mixtures(run, points, folder):
        if clock.checkpoint_due() or state.step == run.steps:
            folder.save("state", state.tensors(), {"step": str(state.step)})
            clock.saved()
        clock.tell(state.step)
    return state


def _add(run: MixturesRun, folder: RunFolder, row: Record, tell: Tell) -> None:
    folder.append(row)
    tell({"kind": "row", "run": run.id, "n": run.n, "seed": run.seed, **row})


@dataclass(frozen=True)
class Measure:
    """The measurements of a model, with the same noise for all models."""

    run: MixturesRun
    points: Drawn

    @cached_property
    def memorizer(self) -> MixtureDenoiser:
        return empirical(self.points.train.double())

    @cached_property
    def levels(self) -> Tensor:
        return s1_levels()

    def record(self, parameters: dict[str, Tensor]) -> tuple[Record, dict[str, Tensor]]:
        """Measure a trained model; return the record and the tensors to store."""
        row, kept = self.of(family(self.run).denoiser(parameters))
        variance = float(parameters["std"].square().mean())
        return {"variance": variance, **row, **self.centers(parameters)}, {**parameters, **kept}

    def of(self, denoiser: Denoiser) -> tuple[Record, dict[str, Tensor]]:
        """Measure any denoiser; return the record and the samples."""
        near, samples = self.samples(denoiser)
        kept = {"samples": samples.float(), "d1": near.distance[:, 0], "d2": near.distance[:, 1]}
        return {**self.memorized(near), **self.losses(denoiser)}, kept

    def samples(self, denoiser: Denoiser) -> tuple[Neighbors, Tensor]:
        """Draw samples of a denoiser, and find their two nearest training points."""
        noise = streams(self.run.seed, "samples", count=self.run.samples)
        first = self.levels[0]
        # N(0, I) at t = 0.999, divided by α.
        start = (1 + first.square()).sqrt() * noise(tuple(self.points.train.shape[1:]), torch.float64)
        *_, end = integrate(euler_step, denoiser, start, self.levels)
        samples = end * S1Process().alpha(S1Process().time(self.levels[-1]))
        return nearest(samples, self.points.train.double(), k=2), samples

    def memorized(self, near: Neighbors) -> Record:
        record: Record = {"count": len(near.distance)}
        for threshold in self.run.thresholds:
            record |= memorized_fraction(near, threshold).entries(f"f_mem@{threshold:.3g}")
        return record

    def losses(self, denoiser: Denoiser) -> Record:
        train, heldout, shown = self.points.train.double(), self.points.heldout.double(), self.levels[SHOWN]
        noise = {
            name: generator(derive(self.run.seed, "losses", name)) for name in ("train", "heldout", "eps")
        }
        by_level = [_loss(denoiser, train, level, noise["eps"], 1, scaled=True) for level in self.levels]
        return {
            "loss/train": _loss(denoiser, train, shown, noise["train"], _DRAWS),
            "loss/heldout": _loss(denoiser, heldout, shown, noise["heldout"], 2),
            "loss/eps": float(np.mean(by_level)),
        }

    def centers(self, parameters: dict[str, Tensor]) -> Record:
        """Return the centers; the center of a template is its mean color times the template."""
        if "means" not in parameters:
            centers = torch.einsum("mc,m...->mc...", parameters["colors"], parameters["templates"])
            point = nearest(centers, self.points.train, k=1).distance.mean()
            return {"distance/point": float(point)}
        return {**locations(parameters["means"], self.points.train, self.points.means)}

    def lloyd(self, begun: Cell) -> Record:
        """Compute the results of Lloyd's k-means from the same start, for points only, not for colored templates."""
        if self.points.mixture is None:
            return {}
        train = self.points.train.double().numpy()
        found = cluster(train, begun.parameters["means"].double().numpy()[None])
        first, second = sample_distances(train, found, self.run.samples, [derive(self.run.seed, "lloyd")])
        shares = {
            f"lloyd/f_mem@{one:.3g}": float((first < one * second).mean()) for one in self.run.thresholds
        }
        return {"lloyd/variance": float(found.variance[0]), **shares}


def _loss(
    denoiser: Denoiser,
    x0: Tensor,
    level: Tensor,
    source: torch.Generator,
    draws: int,
    *,
    scaled: bool = False,
) -> float:
    """Compute E‖D − x₀‖², or scaled by 1/σ²: E‖ε̂ − ε‖², from so many noise draws of every point (n, *shape)."""
    total = 0.0
    for _ in range(draws):
        x = x0 + level * torch.randn(x0.shape, generator=source, dtype=x0.dtype)
        error = denoiser(x, level) - x0
        total += float(error.flatten(1).square().sum(1).mean())
    return total / draws / (float(level) ** 2 if scaled else 1.0)
