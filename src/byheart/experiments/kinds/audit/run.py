"""kind = "audit": a planted benchmark of the copy test.

Scores are stored in one file per stage, so that an interrupted run continues at the stage where it stopped:

    pool        whole, blend, local of the pool; guard-0.7, -1, -2: `whole` of the pool blurred
    planted     CHANNEL scores of every kind of planted copy, by name; NAME/matched, NAME/shortlisted: 1 or 0
    innocents   `whole` and `blend` of degraded held-out images, by name
    copiers     `whole` of samples of the exact empirical denoiser, by the level at which its flow stops

The records are computed from these scores (experiments/kinds/audit/rows.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from byheart.data.dataset import fingerprint
from byheart.denoisers.mixture import empirical
from byheart.executors.local import Tell
from byheart.experiments.kinds.audit.populations import PLACE, check_population, population, shuffled
from byheart.experiments.kinds.audit.rows import Scores, records
from byheart.experiments.kinds.audit.spec import AuditRun
from byheart.experiments.kinds.shared.short import Short
from byheart.metrics.copying.card import sensitivity_card
from byheart.metrics.copying.copy_test import CopyTest, copy_test
from byheart.metrics.copying.distortions import rounded
from byheart.metrics.copying.innocents import INNOCENTS, innocents
from byheart.metrics.copying.innocents import population as innocent_population
from byheart.metrics.copying.null import GUARD, heldout_null
from byheart.metrics.copying.planted import PLANTED, near_duplicates
from byheart.noise.levels import geometric_levels
from byheart.random import derive, generator, streams
from byheart.sampling.solvers import euler_step, integrate
from byheart.store.folders import RunFolder

__all__ = ["COPIER_LEVELS", "carry_out", "prepare", "short"]

COPIER_LEVELS = (0.02, 0.15)
"""Noise levels, in units of the pixel range, at which the flow of the empirical denoiser stops."""

_STEPS, _HIGH = 40, 20.0


def prepare(run: AuditRun, root: Path) -> Tensor:
    """Read the population of the run, (count, c, 32, 32) in the order of the run's seed.

    Raises InputError for a population that is missing or too small.
    """
    check_population(run, root)
    return shuffled(population(run.population, root / PLACE), run.seed)


@torch.no_grad()
def carry_out(run: AuditRun, prepared: Tensor, folder: RunFolder, device: str, tell: Tell) -> None:
    """Carry out the run into its folder, on the CPU."""
    bench = _Bench(run, prepared)
    stages: dict[str, Callable[[], dict[str, Tensor]]] = {
        "pool": bench.pool,
        "planted": bench.planted,
        "innocents": bench.innocents,
        "copiers": bench.copiers,
    }
    folder.write_record(
        "data",
        {"name": run.population, "count": len(prepared), "fingerprint": fingerprint(prepared.numpy())},
    )
    for name, make in stages.items():
        if not folder.has(name) and (found := make()):
            folder.save(name, found)
    folder.keep_rows(-1)
    scores = Scores(*(folder.arrays(name) if folder.has(name) else {} for name in stages))
    for step, row in enumerate(records(run, scores)):
        row = {"step": step, **row}
        folder.append(row)
        tell({"kind": "row", "run": run.id, "n": run.n, "seed": run.seed, **row})


def short(run: AuditRun, effort: int) -> Short[AuditRun]:
    """Shorten the run to few images of noise, which take as long as other images: a population may take minutes to read."""
    n = min(run.n, 100 * effort)
    few = {"planted": 4, "main": 4, "innocents": 4, "queries": 50, "splits": 2, "repetitions": 2}
    sizes = {"heldout": 99, "pool": 200, "alpha": max(run.alpha, 0.01), "copiers": min(run.copiers, 4)}
    less = run.model_copy(update={"n": n, **few, **sizes})
    channels = 3 if run.population.startswith("clipart") else 1
    noise = torch.rand(n + less.pool, channels, 32, 32, generator=generator(0), dtype=torch.float32)
    return Short(less, once=run.samples * run.n / (less.samples * n), prepared=noise)


@dataclass(frozen=True, eq=False)
class _Bench:
    """The images of a run and their scores, each made on first use."""

    run: AuditRun
    images: Tensor

    @cached_property
    def train(self) -> Tensor:
        """Return the training set; if it is doubled, the first n rows are the single images."""
        once = self.images[: self.run.n]
        match self.run.doubled:
            case "exactly":
                return torch.cat([once, once])
            case "nearly":
                return torch.cat([once, near_duplicates(once, derive(self.run.seed, "doubled"))])
        return once

    @cached_property
    def heldout(self) -> Tensor:
        return self.images[self.run.n : self.run.n + self.run.pool]

    @cached_property
    def test(self) -> CopyTest:
        return copy_test(self.train, seed=derive(self.run.seed, "copy test"), queries=self.run.queries)

    def pool(self) -> dict[str, Tensor]:
        null = heldout_null(self.test, self.heldout)
        plain = null.plain
        assert plain.blend is not None and plain.local is not None
        guard = {f"guard-{width:g}": _kept(scores) for width, scores in zip(GUARD, null.blurred, strict=True)}
        return {
            "whole": _kept(plain.whole),
            "blend": _kept(plain.blend),
            "local": _kept(plain.local),
            **guard,
        }

    def planted(self) -> dict[str, Tensor]:
        main = [name for name, kind in PLANTED.items() if kind.main]
        others = [name for name in PLANTED if name not in main]
        seed, found = derive(self.run.seed, "planted"), {}
        for names, count in ((main, self.run.main), (others, self.run.planted)):
            for row in sensitivity_card(self.test, seed=seed, count=count, names=names, distinct=self.run.n):
                found[row.planting.name] = _kept(row.scores)
                found[f"{row.planting.name}/matched"] = _kept(row.matched)
                if row.shortlisted is not None:
                    found[f"{row.planting.name}/shortlisted"] = _kept(row.shortlisted)
        return found

    def innocents(self) -> dict[str, Tensor]:
        given, found = innocent_population(self.images[: self.run.n], self.heldout), {}
        rows = torch.arange(
            min(self.run.innocents, len(self.heldout))
        )  # the pool is shuffled: any rows will do
        for name in INNOCENTS:
            seen = self.test(innocents(name, given, rows, derive(self.run.seed, "innocents")))
            assert seen.blend is not None
            found[name], found[f"{name}/blend"] = _kept(seen.whole), _kept(seen.blend)
        return found

    def copiers(self) -> dict[str, Tensor]:
        """Draw samples of the exact empirical denoiser's flow, stopped at a level at which they still have noise."""
        if not self.run.copiers:
            return {}
        memorizer, shape = empirical(self.train), tuple(self.train.shape[1:])
        noise = streams(self.run.seed, "copiers", count=self.run.copiers)
        start = _HIGH * noise(shape)
        found = {}
        for level in COPIER_LEVELS:
            levels = geometric_levels(_STEPS, level, _HIGH)[:-1]
            *_, end = integrate(euler_step, memorizer, start, levels)
            found[f"{level:g}"] = _kept(self.test(rounded(end), whole_only=True).whole)
        return found


def _kept(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float64))
